"""Dependencies down: what they took with them, what the caller saw meanwhile, and how soon all is well again."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proof.experiments import experiment
from proof.house import House, house
from proof.load import PAYOUT, Load
from proof.services import services, until
from tests.story import Answer, Gateway

SECTION = "dependencies"
API_USER_LIMIT = 100


@experiment(SECTION, "redis-away", "Redis away for so many seconds", count=60)
def redis_away(count: int) -> str:
    with house() as home:
        with Load(home) as load:
            until(lambda: load.total >= 10, seconds=120)
            before = load.total
            services().redis.kill()
            ends = time.monotonic() + count
            try:
                passed = sum(_ask(home).status == 200 for _ in range(3 * API_USER_LIMIT))
                signing_in = _sign_in(home)
                time.sleep(max(ends - time.monotonic(), 0))
                meanwhile = load.total - before
            finally:
                services().redis.start()
            back = time.monotonic()
        load.compare(seconds=60)
        whole = time.monotonic() - back
        assert load.statuses[500] == 0, f"{load.statuses[500]} × 500"
        assert 0 < passed < API_USER_LIMIT, f"{passed} of {3 * API_USER_LIMIT} passed a limit of {API_USER_LIMIT}"
        assert (signing_in.status, "retry-after" in signing_in.headers) == (503, True), signing_in.status
        assert meanwhile > 0
        return (
            f"{meanwhile:,} money calls served meanwhile, 0 × 500; {passed} of {3 * API_USER_LIMIT} passed a limit of "
            f"{API_USER_LIMIT}; sign-in 503; all delivered {whole:.0f} s after its return; books exact"
        )


def _ask(home: House) -> Answer:
    return home.gateway.api("api_user", "GET", "/profile")


def _sign_in(home: House) -> Answer:
    browser, user = home.gateway.browser(), home.gateway.cast["users"]["merchant"]
    page = browser.get("/panel/sign-in")
    return browser.post("/panel/sign-in", page, email=user["email"], password=user["password"])


@experiment(SECTION, "redis-hangs", "Redis accepts and never answers, for so many seconds", count=20)
def redis_hangs(count: int) -> str:
    with house() as home:
        with Load(home) as load:
            until(lambda: load.total >= 10, seconds=120)
            services().redis.freeze()
            began = time.monotonic()
            try:
                time.sleep(count)
            finally:
                services().redis.thaw()
        load.compare(seconds=60)
        slowest = max((took for when, took in load.waits if when >= began), default=0.0)
        assert load.statuses[500] == 0, f"{load.statuses[500]} × 500"
        return f"0 × 500, slowest answer {slowest:.1f} s, nothing lost; books exact"


@experiment(SECTION, "broker-at-commit", "the broker away just when money is committed", count=5)
def broker_at_commit(count: int) -> str:
    with house() as home:
        took = []
        for number in range(count):
            services().redis.kill()
            try:
                name = f"broker-{random.randrange(10**9)}-{number}"
                made = home.gateway.api("merchant", "POST", "/payouts", PAYOUT | {"order_id": name, "account_number": "123456789012"})
                assert made.status == 201, made.text
            finally:
                services().redis.start()
            took.append(until(lambda name=name: home.receiver.events("payout.processed", order_id=name), seconds=30))
        home.verify()
        return f"{count} × 201; paid and told {max(took):.1f} s after the broker's return at most"


@experiment(SECTION, "postgres-restarts", "PostgreSQL restarted in an orderly way, under load", count=5)
def postgres_restarts(count: int) -> str:
    with house() as home:
        back = []
        with Load(home) as load:
            until(lambda: load.total >= 10, seconds=120)
            for _ in range(count):
                time.sleep(random.uniform(1, 3))
                services().postgres.stop()
                time.sleep(1)
                services().postgres.start()
                back.append(until(home.serves, seconds=30))
        load.compare()
        assert load.statuses[500] == 0, f"{load.statuses[500]} × 500"
        assert max(back) < 5
        return f"{load.statuses[503]} × 503 while it was down, 0 × 500; first success after {max(back):.2f} s; books exact"


# Disks -------------------------------------------------------------------------------------------------------------


@contextmanager
def disk(megabytes: int) -> Iterator[Path]:
    """A small disk of its own, which only root can make."""
    assert os.geteuid() == 0, "needs root, to make a small disk"
    folder = Path(tempfile.mkdtemp(prefix="gateway-proof-disk-"))
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@contextmanager
def embedded(folder: Path) -> Iterator[Gateway]:
    """The embedded edition, everything in one folder."""
    gateway = Gateway(folder, DATABASE_URL="", REDIS_URL="")
    for name in ("DATABASE_URL", "REDIS_URL"):
        gateway.environment.pop(name)
    try:
        yield gateway.start()
    finally:
        if gateway.process is not None:
            gateway.stop()


def _pay_out(gateway: Gateway, name: str) -> int:
    """The answer's status; 0 when there was none."""
    body = PAYOUT | {"order_id": name, "account_number": "123456789012"}
    try:
        return gateway.api("merchant", "POST", "/payouts", body, Idempotency_Key=name).status
    except OSError:
        return 0


def _until_paid(gateway: Gateway, name: str) -> None:
    until(lambda: _pay_out(gateway, name) == 201, seconds=60, every=0.5)


@experiment(SECTION, "disk-full", "the disk full, so many times, the embedded edition", count=3)
def disk_full(count: int) -> str:
    statuses: list[int] = []
    with disk(80) as folder, embedded(folder) as gateway:
        for number in range(count):
            _until_paid(gateway, f"before-{number}")
            _fill(folder / "filler")
            refused = [_pay_out(gateway, f"full-{number}-{turn}") for turn in range(10)]
            (folder / "filler").unlink()
            statuses += refused
            for turn in range(10):
                _until_paid(gateway, f"full-{number}-{turn}")
        _exactly(gateway, count * 11)
    return _no_500(statuses)


@experiment(SECTION, "read-only", "DATA_DIR turned read-only, so many times, the embedded edition", count=3)
def read_only(count: int) -> str:
    statuses: list[int] = []
    with disk(80) as folder, embedded(folder) as gateway:
        for number in range(count):
            _until_paid(gateway, f"before-{number}")
            _mount("--bind", str(folder), str(folder))
            _mount("-o", "remount,bind,ro", str(folder))
            try:
                statuses += [_pay_out(gateway, f"shut-{number}-{turn}") for turn in range(10)]
            finally:
                subprocess.run(["umount", "-l", str(folder)], check=True)
            for turn in range(10):
                _until_paid(gateway, f"shut-{number}-{turn}")
        _exactly(gateway, count * 11)
    return _no_500(statuses)


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    filler.write(b"\0" * size)
            except OSError:
                pass


def _exactly(gateway: Gateway, payouts: int) -> None:
    """Each payout once, however often it was asked for."""
    listed = gateway.api("merchant", "GET", "/payouts?limit=1").json
    assert gateway.manage("verify_ledger").startswith("The books balance")
    counted = gateway.manage(
        "shell", "--verbosity", "0", "-c", "from payouts.models import Payout; print(Payout.objects.count())"
    ).split()[-1]
    assert counted == str(payouts), (counted, listed)


def _no_500(statuses: list[int]) -> str:
    bad = sorted({status for status in statuses if status not in (201, 503)})
    assert not bad, f"answers of {bad}"
    return f"{statuses.count(503)} × 503, {statuses.count(201)} × 201, 0 × 500; each paid once afterwards, books exact"
