"""`make bench`: POST /payments and GET /balance of the portal beside the same SQL in pgbench, interleaved in one run.

Needs PostgreSQL, Redis, pgbench and wrk on this machine (Debian: postgresql, redis-server, wrk). Client, servers and
database share its cores, so quote the ratios, never the numbers. Makes and drops a database `gateway_bench`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from bench import floor, server

CLIENTS = 8
SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CASES = ("create payment", "balance")


def main() -> int:
    for program in ("pgbench", "wrk"):
        if shutil.which(program) is None:
            print(f"{program} is needed; see the docstring of bench/__main__.py.")
            return 1
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        folder = Path(name)
        with server.running(folder) as running:
            rates = measure(folder, running)
    report(rates)
    return 0


def measure(folder: Path, running: server.Server) -> dict[str, list[tuple[float, float]]]:
    """Per case, one (pgbench, HTTP) pair of rates a round; the two in turn, so that a slow minute hits both."""
    rates: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
    for turn in range(ROUNDS + 1):
        for case in CASES:
            pair = (floor.rate(folder, case, CLIENTS, SECONDS), running.rate(folder, case, CLIENTS, SECONDS))
            if turn:  # the first round only warms up
                rates[case].append(pair)
    return rates


def report(rates: dict[str, list[tuple[float, float]]]) -> None:
    print(f"{'':<16}{'SQL/s':>10}{'HTTP/s':>10}{'ratio':>8}   (medians of {ROUNDS} rounds of {SECONDS} s, {CLIENTS} clients)")
    for case, pairs in rates.items():
        sql, http = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        print(f"{case:<16}{sql:>10,.0f}{http:>10,.0f}{ratio:>8.2f}")




if __name__ == "__main__":
    sys.exit(main())
