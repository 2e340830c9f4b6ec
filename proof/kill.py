"""Killed in the middle: `kill -9` of everything in turn, under load. Nothing acknowledged is lost, nothing is doubled.

After each series the caller's own record is held against the database, the bank's books and what arrived at the
merchant's server, and the books are verified.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from proof.experiments import experiment
from proof.house import House, house
from proof.load import Load
from proof.services import alive, services, until
from proof.suite import passes

SECTION = "kill"


def _killed(count: int, *services_in_turn: str, gap: float) -> str:
    """`count` kills of these services in turn, each as soon as the one before is back, after a moment of load."""
    with house() as home:
        with Load(home) as load:
            load.warm_up()
            for number in range(count):
                service = services_in_turn[number % len(services_in_turn)]
                until(lambda service=service: home.leaders(service))
                if service == "web":
                    until(home.is_up)
                time.sleep(random.uniform(0.2, gap))
                # In turn the whole service, as a machine out of memory, and one process of it alone.
                home.kill(service, child=number // len(services_in_turn) % 2 == 1)
        load.compare()
        assert load.total >= count, f"only {load.total} requests were acknowledged"
        return (
            f"{load.total:,} acknowledged ({len(load.broken)} answers broken off and asked for again), "
            f"0 lost, 0 doubled; books exact"
        )


@experiment(SECTION, "kill-web", "`kill -9` of the web process, its master and its workers in turn", count=100)
def web(count: int) -> str:
    return _killed(count, "web", gap=0.8)


@experiment(SECTION, "kill-worker", "`kill -9` of the worker, whole and one process of its pool in turn", count=50)
def worker(count: int) -> str:
    return _killed(count, "worker", gap=4.0)


@experiment(SECTION, "kill-others", "`kill -9` of courier, watcher, signer and scheduler in turn", count=40)
def others(count: int) -> str:
    return _killed(count, "courier", "watcher", "signer", "scheduler", gap=3.0)


@experiment(SECTION, "kill-postgres", "`kill -9` of PostgreSQL, all its processes", count=8)
def postgres(count: int) -> str:
    load, back = database_away(count, services().postgres.kill, every=(1, 4), seconds=0.5)
    return (
        f"{load.total:,} acknowledged, 0 lost, 0 doubled; {load.statuses[503]} × 503, 0 × 500; "
        f"first success {back:.2f} s after its return at most; books exact"
    )


def database_away(
    count: int, take_away: Callable[[], None], *, every: tuple[float, float], seconds: float
) -> tuple[Load, float]:
    """PostgreSQL taken away `count` times under load, for so long; the load, and the longest wait for a first success."""
    with house() as home:
        back = []
        with Load(home) as load:
            load.warm_up()
            for _ in range(count):
                time.sleep(random.uniform(*every))
                take_away()
                time.sleep(seconds)
                services().postgres.start()
                back.append(until(home.serves, seconds=30))
        load.compare()
        load.saw_no_500()
        assert max(back) < 5, f"first success after {max(back):.1f} s"
        return load, max(back)


@experiment(SECTION, "kill-redis", "`kill -9` of Redis, with its append-only file", count=10)
def redis(count: int) -> str:
    with house() as home:
        with Load(home) as load:
            load.warm_up()
            for _ in range(count):
                time.sleep(random.uniform(0.5, 2))
                services().redis.kill()
                time.sleep(random.uniform(0.2, 1.5))
                services().redis.start()
        load.compare()
        load.saw_no_500()
        return f"{load.total:,} acknowledged, 0 lost, 0 doubled; 0 × 500; books exact"


@experiment(SECTION, "stop-web", "SIGTERM of the web process under load", count=20)
def stop_web(count: int) -> str:
    with house() as home:
        took = []
        with Load(home, callers=6) as load:
            load.warm_up()
            for _ in range(count):
                until(home.is_up)
                time.sleep(random.uniform(0.5, 1.5))
                took.append(home.terminate("web"))
        load.compare()
        assert not load.broken, f"{len(load.broken)} requests in flight got no answer"
        assert max(took) < 30
        return f"{load.total:,} acknowledged, 0 requests in flight failed; ended within {max(took):.1f} s"


@experiment(SECTION, "stop-all", "SIGTERM of the whole house under load, and started again", count=5)
def stop_all(count: int) -> str:
    with house() as home:
        took = []
        with Load(home) as load:
            load.warm_up()
            for _ in range(count):
                time.sleep(random.uniform(1, 3))
                took.append(_restart(home))
        load.compare()
        assert max(took) < 30
        return f"{load.total:,} acknowledged, 0 lost, 0 doubled; stopped within {max(took):.1f} s"


def _restart(home: House) -> float:
    process = home.gateway.process
    assert process is not None
    started = time.monotonic()
    assert home.gateway.stop() == 0
    took = time.monotonic() - started
    left = [pid for pid in home.gateway.children("") if alive(pid)]
    assert not left, f"left running: {left}"
    home.gateway.launch()
    until(home.is_up)
    return took


@experiment(SECTION, "crash-points", "the process ended at every named step of payments, refunds, payouts and API calls", count=5)
def crash_points(count: int) -> str:
    tests = ("payments/tests/test_crashes.py", "payouts/tests/test_crashes.py", "gateway/contracts/tests/test_races.py")
    found = passes(*tests, "-k", "surviv or dies or committed or arrive", PROOF_ROUNDS=str(count))
    return f"{found} passed: one effect each, books exact"
