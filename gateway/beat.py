"""The scheduler: of several that share a data folder one sends, the others stand by and take over when it ends.

Schedulers of different machines do not know of each other and all send. That is harmless by design: every task is a
sweep over rows that are claimed in the database.
"""

from __future__ import annotations

import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from celery.beat import PersistentScheduler
from django.conf import settings

from gateway import liveness

log = structlog.get_logger(__name__)


class Scheduler(PersistentScheduler):
    def setup_schedule(self) -> None:
        """The file that remembers when each task last ran has one writer."""
        self._lock = (Path(settings.DATA_DIR) / "schedule.lock").open("w")
        if not self._is_mine():
            log.warning("scheduler_stands_by")
            with _leaving_at_once():
                while not self._is_mine():
                    liveness.touch()
                    time.sleep(1)
        super().setup_schedule()

    def _is_mine(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def tick(self, *arguments: Any, **options: Any) -> Any:
        liveness.touch()
        return super().tick(*arguments, **options)


@contextmanager
def _leaving_at_once() -> Iterator[None]:
    """Celery's own handler saves a schedule, which one that stands by does not have."""
    before = {number: signal.signal(number, lambda *_: sys.exit(0)) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
