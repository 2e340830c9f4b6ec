"""A whole gateway on the proof's PostgreSQL and Redis, two web processes and all the others, under its own supervisor.

What is asked of its processes (`/proc`), and what is asked of its database in the end (`state`).
"""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proof.services import Services, alive, children_of, kill, services, until
from tests.story import ROOT, Answer, Gateway, Receiver

_numbers = itertools.count(1)
_kept: list[House] = []
# No limit but the machine's, sweeps as often as in production, and waits that a test can wait for.
SETTINGS = {
    "SWEEP_SECONDS": "2", "WORK_LEASE_SECONDS": "10",
    "PORTAL_RATE_MERCHANT": "1000000000", "DASHBOARD_RATE_STANDARD": "1000000", "SIGNED_RATE_LIMIT": "1000000",
    "CHECKOUT_RATE_LIMIT": "1000000", "PUBLIC_CHECKOUT_RATE_LIMIT": "1000000", "DASHBOARD_RATE_ANALYTICS": "1000000",
    "DASHBOARD_RATE_EXPORTS": "1000000", "FAILED_AUTH_RATE_LIMIT": "1000000",
    "SANDBOX_BANK_SILENCE_SECONDS": "2", "PROVIDER_TIMEOUT_SECONDS": "2", "WEBHOOK_TIMEOUT_SECONDS": "5",
}


class House:
    """`gateway` runs; `receiver` is the merchant's own server, told of everything; `own` are the servers below."""

    def __init__(self, own: Services, gateway: Gateway, database: str, settings: dict[str, str]) -> None:
        self.own, self.gateway, self.database, self.settings = own, gateway, database, settings
        self.receiver = Receiver()

    def receive(self) -> None:
        self.receiver.start()
        made = self.gateway.api("merchant", "POST", "/webhook-endpoints", {"url": self.receiver.url})
        assert made.status == 201, made.text

    def close(self) -> None:
        process = self.gateway.process
        if process is not None and process.poll() is None:
            self.gateway.stop()
        for pid in self.gateway.children(""):
            kill(pid)
        if self.database:
            self.own.postgres.drop(self.database)
        shutil.rmtree(self.gateway.folder, ignore_errors=True)

    def leaders(self, service: str) -> list[int]:
        """The process the supervisor started for this line of the Procfile."""
        mark = f"GATEWAY_PROCESS={service}\0".encode()
        return [pid for pid in self._supervised() if _has(pid, mark)]

    def _supervised(self) -> list[int]:
        assert self.gateway.process is not None
        tasks = Path(f"/proc/{self.gateway.process.pid}/task").glob("*/children")
        return [int(word) for task in tasks for word in task.read_text().split()]

    def kill(self, service: str, *, child: bool = False) -> None:
        """`kill -9` of a service: its leader with all its children, or one of its children alone."""
        for leader in self.leaders(service):
            below = children_of(leader)
            for pid in below[-1:] if child and below else [*below, leader]:
                kill(pid)

    def terminate(self, service: str) -> float:
        """SIGTERM to the leader; how long it took to end."""
        (leader,) = self.leaders(service)
        kill(leader, signal.SIGTERM)
        return until(lambda: not alive(leader), seconds=40)

    def is_up(self) -> bool:
        try:
            return bool(self.gateway.call("GET", "/healthz").status == 200)
        except OSError:
            return False

    def serves(self) -> bool:
        """Not only alive: an API call gets its answer."""
        try:
            return bool(self.gateway.api("merchant", "GET", "/balance").status == 200)
        except OSError:
            return False

    def state(self) -> dict[str, Any]:
        """See proof/state.py."""
        done = subprocess.run(
            [sys.executable, "-m", "proof.state"], cwd=ROOT, capture_output=True, text=True, check=False,
            env=self.gateway.environment | {"DJANGO_SETTINGS_MODULE": "gateway.settings"},
        )
        assert done.returncode == 0, done.stderr[-3000:]
        read: dict[str, Any] = json.loads(done.stdout)
        return read

    def verify(self) -> None:
        """The books are exact, and the chain has what they say: coins that were sent twice are missing there alone."""
        assert self.gateway.manage("verify_ledger").startswith("The books balance")
        compared = self.gateway.manage("reconcile_chain", "--mode", "test").splitlines()[-1]
        assert compared.endswith("coins match.") or compared.startswith("No hot wallet yet"), compared

    def dashboard(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        key = self.gateway.cast["merchants"]["merchant"]["dashboard"]["test"]
        return self.gateway.call(method, f"/api/v1{path}", body, X_API_KEY=key, **headers)


def _has(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


@contextmanager
def house(**settings: str) -> Iterator[House]:
    """One with these settings: the one that runs already if it has them. One in which something failed is taken away."""
    home = _kept[0] if _kept and _kept[0].settings == settings else _open(settings)
    try:
        until(home.serves)
        yield home
    except BaseException:
        _say_log(home)
        close_house()
        raise


def close_house() -> None:
    while _kept:
        _kept.pop().close()


def _open(settings: dict[str, str]) -> House:
    close_house()
    own, database = services(), f"proof_house_{next(_numbers)}"
    home = build(own.postgres.create(database), settings, database)
    _kept.append(home)
    move_in(home)
    return home


def build(database_url: str, settings: dict[str, str], database: str = "") -> House:
    """A house that is not started yet; `database` is dropped with it."""
    own, number = services(), next(_numbers)
    own.redis.clear(number)
    gateway = Gateway(
        Path(tempfile.mkdtemp(prefix="gateway-proof-house-")), DATABASE_URL=database_url,
        REDIS_URL=own.redis.url(number), WEB_PROCESSES="2", **(SETTINGS | settings),
    )
    return House(own, gateway, database, settings)


def move_in(home: House) -> None:
    home.gateway.start()
    home.receive()


@contextmanager
def house_on(database_url: str, **settings: str) -> Iterator[House]:
    """One on a database that is the experiment's own; the house kept for others is closed, so that one load is all."""
    close_house()
    home = build(database_url, settings)
    try:
        move_in(home)
        yield home
    except BaseException:
        _say_log(home)
        raise
    finally:
        home.close()


def _say_log(home: House) -> None:
    lines = [line for line in home.gateway.log.read_text().splitlines() if '"info"' not in line]
    print("\n".join(["   the house's last words:", *lines[-25:]]), flush=True)
