"""Disks that are full or shut: refused with 503, no half state, and each payout made once when there is room again."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from proof.experiments import experiment
from proof.house import house_on
from proof.load import PAYOUT
from proof.services import PostgreSQL, until
from tests.story import Gateway

SECTION = "dependencies"


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
    until(lambda: _pay_out(gateway, name) == 201, every=0.5)


def _survives(gateway: Gateway, count: int, trouble: Callable[[], AbstractContextManager[None]]) -> str:
    """Payouts before each trouble, in it and after it: those in it are refused, and each is made once in the end."""
    statuses: list[int] = []
    for number in range(count):
        _until_paid(gateway, f"before-{number}")
        with trouble():
            statuses += [_pay_out(gateway, f"meanwhile-{number}-{turn}") for turn in range(10)]
        for turn in range(10):
            _until_paid(gateway, f"meanwhile-{number}-{turn}")
    _exactly(gateway, count * 11)
    return _no_500(statuses)


@experiment(SECTION, "disk-full", "the disk full, so many times, the embedded edition", count=3)
def disk_full(count: int) -> str:
    with disk(80) as folder, embedded(folder) as gateway:
        return _survives(gateway, count, lambda: full(folder))


@experiment(SECTION, "read-only", "DATA_DIR turned read-only, so many times, the embedded edition", count=3)
def read_only(count: int) -> str:
    with disk(80) as folder, embedded(folder) as gateway:
        return _survives(gateway, count, lambda: shut(folder))


@experiment(SECTION, "disk-full-postgres", "the disk of PostgreSQL full, so many times", count=3)
def disk_full_postgres(count: int) -> str:
    with disk(400) as folder, cluster(folder) as postgres, house_on(postgres.create("books")) as home:
        return _survives(home.gateway, count, lambda: full(folder, postgres))


@contextmanager
def full(folder: Path, postgres: PostgreSQL | None = None) -> Iterator[None]:
    _fill(folder / "filler")
    try:
        yield
    finally:
        (folder / "filler").unlink()
    if postgres is not None and not postgres.runs():
        postgres.start()  # it gives up when it cannot write its log; an operator starts it again


@contextmanager
def shut(folder: Path) -> Iterator[None]:
    _mount("--bind", str(folder), str(folder))
    _mount("-o", "remount,bind,ro", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def cluster(folder: Path) -> Iterator[PostgreSQL]:
    folder.chmod(0o755)  # the database's user must get in
    postgres = PostgreSQL(folder / "postgres")
    try:
        yield postgres
    finally:
        postgres.stop()


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
