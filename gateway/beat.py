"""The scheduler: of several that share a data folder one sends, the others stand by and take over when it ends.

Schedulers of different machines do not know of each other and all send. That is harmless by design: every task is a
sweep over rows that are claimed in the database.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from celery.beat import PersistentScheduler
from django.conf import settings

from gateway import liveness

log = structlog.get_logger(__name__)
ENDINGS = (signal.SIGTERM, signal.SIGINT)


class Scheduler(PersistentScheduler):
    def setup_schedule(self) -> None:
        """The file that remembers when each task last ran has one writer."""
        self._lock = (Path(settings.DATA_DIR) / "schedule.lock").open("w")
        if not self._is_mine():
            log.warning("scheduler_stands_by")
            # Celery's own handler saves a schedule, which one that stands by does not have.
            with _ending_by(lambda _number: sys.exit(0)):
                while not self._is_mine():
                    liveness.touch()
                    time.sleep(1)
        super().setup_schedule()
        self._begin_with_what_never_ran()

    def _begin_with_what_never_ran(self) -> None:
        """Celery would let a day go by before the first nightly proof, and again whenever its file is lost."""
        for name, said in settings.CELERY_BEAT_SCHEDULE.items():
            entry = self.schedule[name]
            if entry.last_run_at and not entry.total_run_count:
                entry.last_run_at -= timedelta(seconds=said["schedule"])

    def _is_mine(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def tick(self, *arguments: Any, **options: Any) -> Any:
        liveness.touch()
        with ending_later():
            return super().tick(*arguments, **options)


@contextmanager
def ending_later() -> Iterator[None]:
    """A signal to end waits until what is under way is done.

    Celery's handler closes the schedule and raises SystemExit wherever it is. Within redis-py's reader another error
    takes that one's place, and the scheduler goes on with its schedule closed.
    """
    came: list[int] = []
    try:
        with _ending_by(came.append):
            yield
    finally:
        if came:
            os.kill(os.getpid(), came[0])


@contextmanager
def _ending_by(handle: Callable[[int], Any]) -> Iterator[None]:
    before = {number: signal.signal(number, lambda number, _frame: handle(number)) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
