"""For tests of what must hold when many act at once, or when a process dies in the middle.

Threads and processes are real and so is the database; tests that use this are `django_db(transaction=True)`.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connections

from gateway.lib.crash import EXIT_CODE

CROWD = 16


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    """What `act(0)` … `act(count - 1)` returned or raised, each run in a thread of its own, all let go at once."""
    gate = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(index: int) -> None:
        close_old_connections()
        gate.wait()
        try:
            results[index] = act(index)
        except Exception as error:  # what was raised is the result
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    with _room(count):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return results


@contextmanager
def _room(count: int) -> Iterator[None]:
    """PostgreSQL gives a hundred connections: two crowds at once, of two test processes, are more than that."""
    with (Path(settings.DATA_DIR) / "crowd.lock").open("w") as lock:
        if count > CROWD:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def dies_at(point: str, act: Callable[[], Any]) -> bool:
    """Runs `act` in a process of its own that ends, as by a power cut, at the crash point; False if it got by."""
    connections.close_all()  # a connection must not be shared with the child

    def run() -> None:
        os.environ["CRASH_AT"] = point
        act()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(60)
    return process.exitcode == EXIT_CODE
