"""`python -m gateway.web …`: granian, with granian's own options; its workers end at once when told to while they load.

A worker is a fork that keeps its master's handlers, which end nothing there, until it serves and sets its own. A stop
that comes in the seconds between would wait until the master's patience with its workers is used up.
"""

from __future__ import annotations

import os
import signal

from granian.cli import entrypoint


def end_when_told() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    os.register_at_fork(after_in_child=end_when_told)
    entrypoint()  # type: ignore[no-untyped-call]
