"""`python -m proof [NAME …]`: runs the experiments named, or all, and keeps docs/proof.md. Exit code 1 if one failed.

`--list` names them. `PROOF_SHARE=0.1` runs a tenth of each count (the table says so); `PROOF_SEED` replays random ones.
Needs PostgreSQL's programs and redis-server; starts servers of its own, as real processes, and leaves nothing behind.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback

from proof import (  # noqa: F401
    books,
    callbacks,
    chain,
    concurrency,
    containers,
    dependencies,
    disks,
    doors,
    kill,
    report,
    soak,
    standby,
    webhooks,
)
from proof.experiments import Experiment, chosen
from proof.house import close_house
from proof.services import close_services

SHARE = float(os.environ.get("PROOF_SHARE", "1"))


def main() -> int:
    wanted = chosen([word for word in sys.argv[1:] if word != "--list"])
    if "--list" in sys.argv:
        for one in wanted:
            print(f"{one.section:<14}{one.name:<26}{one.count:>8,}  {one.shows}")
        return 0
    seed = os.environ.setdefault("PROOF_SEED", str(random.randrange(10**9)))
    print(f"seed {seed} (PROOF_SEED replays it)", flush=True)
    signal.signal(signal.SIGTERM, _end)
    try:
        passed = [_run(one) for one in wanted]
    finally:
        close_house()
        close_services()
    print(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed", flush=True)
    return 0 if all(passed) else 1


def _end(number: int, frame: object) -> None:
    """Its servers are taken away then as well; a second signal (`timeout` sends two) does not disturb that."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(143)


def _run(one: Experiment) -> bool:
    """Its row is written at once: a run that is ended keeps what it has shown."""
    count = max(round(one.count * SHARE), 1)
    print(f"── {one.section}: {one.shows} ({one.name}, {count:,})", flush=True)
    random.seed(f"{os.environ['PROOF_SEED']} {one.name}")
    started, passed = time.monotonic(), True
    try:
        result = one.run(count)
    except Exception as error:  # one that fails must not keep the others from running
        traceback.print_exc()
        passed, result = False, f"FAILED: {str(error)[-250:]}"
    seconds = time.monotonic() - started
    print(f"   {result} ({seconds:.0f} s)", flush=True)
    report.write({one.name: report.row(one, count, result, seconds)})
    return passed


if __name__ == "__main__":
    sys.exit(main())
