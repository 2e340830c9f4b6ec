"""Load that remembers: every request that was acknowledged, under which name, and what came of it in the end.

Each caller acts as a good client does: with an Idempotency-Key, and again with the same one until there is an answer.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from proof.house import House
from proof.services import until
from tests.story import Browser

PATIENCE_SECONDS = 240.0
WALLET = "0x52908400098527886E0F7030069857D2E4169EE7"
PAYOUT = {"beneficiary_name": "Asha Verma", "ifsc": "SBIN0060589", "bank_name": "SBI", "amount": 1}
_runs = itertools.count(1)
AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)


@dataclass
class Load:
    """`with Load(house, callers=4) as load:` runs it; `compare` waits for the end and asserts that it is the right one."""

    house: House
    callers: int = 4
    pause: float = 0.05
    crypto: bool = True
    acknowledged: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)  # what a good client must never see
    broken: list[float] = field(default_factory=list)  # connected and sent, and no answer came
    refused: int = 0  # nobody listened
    waits: list[tuple[float, float]] = field(default_factory=list)  # (when, how long an answer took)

    def __enter__(self) -> Load:
        self.run = f"load{next(_runs)}"
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.threads = [threading.Thread(target=self._call_on, args=(n,), daemon=True) for n in range(self.callers)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE_SECONDS + 30)

    @property
    def total(self) -> int:
        return sum(map(len, self.acknowledged.values()))

    def warm_up(self) -> None:
        """Until it is a load."""
        until(lambda: self.total >= 10)

    def saw_no_500(self) -> None:
        assert self.statuses[500] == 0, f"{self.statuses[500]} × 500"

    def _call_on(self, caller: int) -> None:
        number = 0
        chance = random.Random(f"{random.random()} {caller}")
        while not self._stopping.wait(self.pause):
            number += 1
            name = f"{self.run}-{caller}-{number}"
            kind = chance.choices(KINDS, WEIGHTS if self.crypto else WEIGHTS_INR)[0]
            try:
                self._do(kind, name, repeat=chance.random() < 0.1)
            except Exception as error:  # a caller that died would be no load
                self.failures.append(f"{kind} {name}: {type(error).__name__} {error}")

    def _do(self, kind: str, name: str, *, repeat: bool) -> None:
        key, path, body, read = self._call_of(kind, name)
        made = self._insist(path, body, key, name)
        if made is None:
            return
        public_id = str(read(made))
        with self._lock:
            self.acknowledged[kind][name] = public_id
        if repeat:
            again = self._insist(path, body, key, name)
            if again is not None and str(read(again)) != public_id:
                self.failures.append(f"{name} is {public_id}, and {read(again)} when asked again")
        if kind == "paid":
            self._pay(made["data"]["payment_url"])

    def _call_of(self, kind: str, name: str) -> tuple[str, str, dict[str, Any], Any]:
        cast = self.house.gateway.cast
        portal = cast["users"]["merchant"]["portal"]["test"]
        if kind == "payout":
            account = "900000001111" if name.endswith("7") else "123456789012"  # the bank is silent about one in ten
            body: dict[str, Any] = PAYOUT | {"order_id": name, "account_number": account}
            return portal, "/payouts", body, lambda answer: answer["data"]["payout_id"]
        if kind in ("payment", "paid"):
            body = {"amount": 10, "order_id": name, "payer": "Jane Smith"}
            return portal, "/payments", body, lambda answer: answer["data"]["transaction_id"]
        key = cast["merchants"]["merchant"]["dashboard"]["test"]
        body = {"amount": 1, "method": "crypto", "crypto_network": "BSC", "crypto_address": WALLET, "note": name}
        return key, "/dashboard/withdrawals/create", body, lambda answer: answer["data"].get("withdrawal_id") or answer["data"]["id"]

    def _insist(self, path: str, body: dict[str, Any], key: str, name: str) -> dict[str, Any] | None:
        """The answer to a request made again and again under one key until there is one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        headers = {"X-API-KEY": key, "Idempotency-Key": name, "Content-Type": "application/json"}
        while time.monotonic() < deadline:
            status, content = self.request("POST", f"/api/v1{path}", json.dumps(body), headers)
            if status in (200, 201):
                read: dict[str, Any] = json.loads(content)
                return read
            if status and status not in AGAIN:
                self.failures.append(f"{name}: {status} {content[:200]!r}")
                return None
            time.sleep(0.2)
        self.failures.append(f"{name}: no answer in {PATIENCE_SECONDS:g} s")
        return None

    def request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """One attempt over a connection of its own; status 0 when there was no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.house.gateway.port, timeout=40)
        started = time.monotonic()
        try:
            connection.connect()
        except OSError:
            self.refused += 1
            return 0, b""
        try:
            connection.request(method, path, body, headers | {"Connection": "close"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.broken.append(time.monotonic())
            return 0, b""
        finally:
            connection.close()
        now = time.monotonic()
        with self._lock:
            self.statuses[answer.status] += 1
            self.waits.append((now, now - started))
        return answer.status, content

    def _pay(self, url: str) -> None:
        """As the payer does; one whose page does not come goes away, as payers do."""
        browser = Browser(self.house.gateway.base)
        try:
            page = browser.get(url)
            if page.status == 200:
                browser.post(url, page, vpa="success@upi")
        except (OSError, http.client.HTTPException):
            pass

    def compare(self, *, seconds: float = 120.0) -> dict[str, Any]:
        """Waits until nothing is under way, and holds what was acknowledged against what there is."""
        until(self.house.serves)
        state: dict[str, Any] = {}

        def ended() -> bool:
            state.update(self.house.state())
            return not any(state["under_way"].values())

        try:
            until(ended, seconds=seconds, every=1.0)
        except AssertionError:
            raise AssertionError(f"still under way: {state['under_way']}") from None
        problems = [*self.failures, *self._lost(state), *state["lost"], *state["doubled"], *self._untold(state)]
        assert not problems, f"{len(problems)} problems: {problems[:5]}"
        self.house.verify()
        return state

    def _lost(self, state: dict[str, Any]) -> list[str]:
        kept = {"payout": "payouts", "payment": "payments", "paid": "payments", "withdrawal": "withdrawals"}
        return [
            f"{kind} {name} was acknowledged as {public_id}, there is {state[kept[kind]].get(name)}"
            for kind, names in self.acknowledged.items() for name, public_id in names.items()
            if state[kept[kind]].get(name) != [public_id]
        ]

    def _untold(self, state: dict[str, Any]) -> list[str]:
        told = {headers.get("webhook-id") for headers, _ in list(self.house.receiver.received)}
        return [f"event {event} never arrived" for event in state["events"] if event not in told]


KINDS = ["payment", "paid", "payout", "withdrawal"]
WEIGHTS = [5, 2, 3, 0.3]
WEIGHTS_INR = [5, 2, 3, 0.0]
