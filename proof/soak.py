"""`make soak`: mixed load for an hour, one fault a minute; books exact, memory flat, p99 as at the start. By hand."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from proof.experiments import experiment
from proof.house import House, house
from proof.load import Load
from proof.services import children_of, services, until

SERVICES = ("web", "worker", "clerk", "courier", "watcher", "signer", "scheduler")
MOST_GROWTH = 1.25
MOST_P99 = 1.2
QUIET_SECONDS = 20.0  # at the end of a minute, measured: what a fault does to latency is not what is asked


@experiment("soak", "soak", "minutes of mixed load, one fault a minute", count=60, by_hand=True)
def soak(count: int) -> str:
    assert count >= 3, "at least three minutes"
    with house() as home:
        _fill_purse(home)
        minutes = []
        with Load(home, callers=3, pause=0.1) as load:
            load.warm_up()
            for minute, fault in zip(range(count), _faults(home), strict=False):
                minutes.append(_minute(home, load, minute, fault))
        load.compare()
        return _judge(minutes, load)


def _fill_purse(home: House) -> None:
    """What the demo's merchant begins with lasts for three quarters of an hour of payouts."""
    merchant = home.gateway.cast["merchants"]["merchant"]["id"]
    home.gateway.manage(
        "shell", "-c", "from accounts.models import Merchant; from ledger.deposits import deposit; "
        f"deposit(merchant=Merchant.objects.get(public_id='{merchant}'), minor=10**10, currency='INR', mode='test', reference='soak')",
    )


def _faults(home: House) -> Iterator[tuple[str, Callable[[], None]]]:
    """A dead process in turn, with the servers below them between; the first minute has none."""
    one_by_one = [
        (f"kill -9 {name}", lambda name=name: home.kill(name))
        for name in SERVICES
    ]
    yield "none", lambda: None
    yield from itertools.cycle([
        *one_by_one[:3], ("kill -9 Redis", _blink_redis), *one_by_one[3:], ("kill -9 PostgreSQL", _blink_postgres),
        ("SIGTERM web", lambda: (home.terminate("web"), None)[1]),
    ])


def _blink_redis() -> None:
    services().redis.kill()
    time.sleep(2)
    services().redis.start()


def _blink_postgres() -> None:
    services().postgres.kill()
    services().postgres.start()


def _minute(home: House, load: Load, number: int, fault: tuple[str, Callable[[], None]]) -> tuple[float, dict[str, int]]:
    """(p99 in seconds of its quiet end, kilobytes by service)."""
    ends = time.monotonic() + 60
    fault[1]()
    until(home.serves, seconds=50)
    time.sleep(max(ends - QUIET_SECONDS - time.monotonic(), 0))
    quiet = time.monotonic()
    time.sleep(max(ends - quiet, 1))
    waits = sorted(took for when, took in load.waits if when >= quiet)
    assert waits, f"no answer in the last {QUIET_SECONDS:g} s of minute {number}"
    p99, memory = waits[int(len(waits) * 0.99) - 1], _memory(home)
    print(f"   minute {number + 1}: {fault[0]}; {len(waits)} answers, p99 {p99 * 1000:.0f} ms, {sum(memory.values()) // 1024} MB", flush=True)
    return p99, memory


def _memory(home: House) -> dict[str, int]:
    found = {}
    for service in SERVICES:
        pids = [pid for leader in home.leaders(service) for pid in [leader, *children_of(leader)]]
        found[service] = sum(_kilobytes(pid) for pid in pids)
    return found


def _kilobytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _judge(minutes: list[tuple[float, dict[str, int]]], load: Load) -> str:
    """The last third beside the first; one of a handful of minutes is noise, so the median of each."""
    third = max(len(minutes) // 3, 1)
    first, last = (sorted(p99 for p99, _ in part)[third // 2] for part in (minutes[:third], minutes[-third:]))
    before, after = (sorted(sum(memory.values()) for _, memory in part)[third // 2] for part in (minutes[:third], minutes[-third:]))
    told = (
        f"{load.total:,} acknowledged, 0 lost, 0 doubled; p99 {first * 1000:.0f} → {last * 1000:.0f} ms, "
        f"memory {before // 1024} → {after // 1024} MB; books exact"
    )
    assert after <= MOST_GROWTH * before, f"memory grew: {told}"
    assert last <= MOST_P99 * first, f"slower at the end: {told}"
    return told
