"""One run of deliveries: claims what is due, sends it, writes down what came back, until nothing is left.

Several runs may go on at once, in any number of processes: a lease keeps two of them off one delivery. A run that is
killed leaves its leases to run out, and the next one sends those deliveries again, with the same id: at least once.
"""

from __future__ import annotations

import mmap
import time

from gateway.lib.jobs import wake
from webhooks import claiming, outcomes
from webhooks.claiming import Leased
from webhooks.courier import Courier

IN_FLIGHT = 200
BATCH = 100
# A run ends by itself after a while, so that a worker can be given other work or be replaced.
RUN_SECONDS = 60.0
# What takes longer than this is not waited for by the rest of its run.
_SLOW_SECONDS = 1.0
_POLL_SECONDS = 0.2
# Shared with the processes that are forked from this one: a worker that is told to stop says so here.
_stopping = mmap.mmap(-1, 1)


def stop_runs() -> None:
    """Every run of this process and its children claims nothing more, and ends with what it has under way."""
    _stopping[0] = 1


def drain(*, seconds: float = RUN_SECONDS) -> int:
    """Sends what is due until nothing is; returns how many attempts were made.

    After `seconds` a run only goes on for the sake of slow receivers, and until their time-out it goes on serving
    those that are not: another run takes over from there.
    """
    first = [] if _stopping[0] else claiming.claim({}, limit=BATCH)
    if not first:
        return 0
    with Courier() as courier:
        courier.send(first)
        return _run(courier, time.monotonic() + seconds)


def _run(courier: Courier, until: float) -> int:
    attempts = 0
    while len(courier):
        done = courier.collect(_POLL_SECONDS)
        if done:
            outcomes.record(done)
            attempts += len(done)
        courier.send(_next_batch(courier, until))
    if time.monotonic() >= until:
        wake("webhooks.deliver")
    return attempts


def _next_batch(courier: Courier, until: float) -> list[Leased]:
    room = min(BATCH, IN_FLIGHT - len(courier))
    over = time.monotonic() - until
    if _stopping[0] or room <= 0 or over > claiming.lease_seconds() or (over > 0 and not len(courier)):
        return []
    return claiming.claim(courier.busy(), limit=room, avoid=courier.slow(_SLOW_SECONDS) if over > 0 else ())
