"""`make bench`: what the gateway does beside the same work in plain SQL, interleaved in one run, as ratios.

    python -m bench             everything (about ten minutes)
    python -m bench balance …   these cases alone: the HTTP cases by name, `posting`, `hordak`,
                                `signed`, `deliveries`, `lists`

Needs PostgreSQL, Redis, pgbench and wrk on this machine (Debian: postgresql, redis-server, wrk). Client, servers and
database share its cores, so quote the ratios, never the numbers. Makes and drops a database `gateway_bench`.
`python -m bench.lists` measures the dashboard's lists at 1,000,000 sessions.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench import crowd, deliveries, floor, hordak, payment_lists, posting, server

CLIENTS = 8
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
# What is called over HTTP, and its goal: the share of the same SQL's rate.
HTTP_GOALS = {"create payment": 0.30, "create order": 0.30, "get payment": 0.10, "balance": 0.10, "payout, one wallet": 0.40}
POSTING_GOAL, HORDAK_GOAL, DELIVERY_GOAL, LIST_GOAL, SIGNED_GOAL = 0.5, 2.0, 0.5, 3.0, 1.15
Pairs = list[tuple[float, float]]


def main(wanted: list[str]) -> int:
    for program in ("pgbench", "wrk"):
        if shutil.which(program) is None:
            print(f"{program} is needed; see the docstring of bench/__main__.py.")
            return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # takes servers and database with it
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name, server.running(Path(name)) as running:
        measure(Path(name), running, wanted)
    return 0


def measure(folder: Path, running: server.Server, wanted: list[str]) -> None:
    print(f"Medians of {ROUNDS} rounds of {SECONDS} s, {CLIENTS} clients, on {os.cpu_count()} cores that all of it shares.\n")
    print("| case | the least | the gateway | ratio | goal |\n|---|---|---|---|---|")
    for case, goal in HTTP_GOALS.items():
        if _is_wanted(case, wanted):
            pairs = interleaved(partial(floor.rate, folder, case), partial(running.rate, case))
            report(f"{case}, HTTP beside SQL", pairs, goal)
    for case in crowd.WALLETS:
        if _is_wanted("posting", wanted):
            pairs = interleaved(partial(floor.rate, folder, case), partial(posting.rate, case))
            report(f"{case}, Python beside SQL", pairs, POSTING_GOAL)
    if _is_wanted("hordak", wanted):
        beside_hordak()
    if _is_wanted("signed", wanted):
        pairs = interleaved(partial(running.rate, "signed link"), partial(running.rate, "create payment"))
        report("time of a signed link beside a payment by key", pairs, SIGNED_GOAL, at_most=True)
    if _is_wanted("deliveries", wanted):
        report("deliveries beside a bare loop", deliveries.rates(ROUNDS), DELIVERY_GOAL)
    if _is_wanted("lists", wanted):
        for title, small, large in payment_lists.rates():
            print(f"| payments, {title}: ms at {payment_lists.SIZES[0]:,} and at {payment_lists.SIZES[1]:,} | {small:.1f} | {large:.1f} | {large / small:.1f} | ≤ {LIST_GOAL:g} |", flush=True)


def beside_hordak() -> None:
    """The other way round: django-hordak's rate is the least, and ours the larger."""
    if not hordak.PYTHON:
        print("| posting beside django-hordak | | | not measured: BENCH_HORDAK names no Python that has it | ≥ 2 |", flush=True)
        return
    hordak.fill()
    for case in crowd.WALLETS:
        pairs = interleaved(partial(hordak.rate, case), partial(posting.rate, case))
        report(f"{case}, beside django-hordak", pairs, HORDAK_GOAL)


def _is_wanted(case: str, wanted: list[str]) -> bool:
    return not wanted or case in wanted


def interleaved(least, ours) -> Pairs:  # type: ignore[no-untyped-def]
    """One pair of rates a round, the two in turn, so that a slow minute hits both; the first round only warms up."""
    return [(least(CLIENTS, SECONDS), ours(CLIENTS, SECONDS)) for _ in range(ROUNDS + 1)][1:]


def report(title: str, pairs: Pairs, goal: float, at_most: bool = False) -> None:
    least, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"| {title} | {least:,.0f}/s | {ours:,.0f}/s | {ratio:.2f} | {'≤' if at_most else '≥'} {goal:g} |", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
