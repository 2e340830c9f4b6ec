"""Wakes a worker after the commit. The database already holds the work, so a lost wake-up only costs time."""

from __future__ import annotations

import time

import structlog
from django.db import transaction

from gateway.celery import app

log = structlog.get_logger(__name__)
_REST_SECONDS = 5.0
_resting_until = 0.0


def wake(task: str, *, after_seconds: float = 0, **arguments: str | int) -> None:
    """Sends the named Celery task once the surrounding transaction has committed; never raises.

    Arguments are identifiers only: task messages are stored outside the database and may be read by operators.
    `after_seconds` is for work that falls due soon, before the next sweep would find it.
    """
    transaction.on_commit(lambda: _send(task, arguments, after_seconds), robust=True)


def _send(task: str, arguments: dict[str, str | int], after_seconds: float) -> None:
    """A broker that is down is left alone for a while, so that no caller waits for it again and again."""
    global _resting_until
    if time.monotonic() < _resting_until:
        return
    try:
        app.send_task(task, kwargs=arguments, retry=False, expires=600, countdown=after_seconds or None)
    except Exception as error:  # whatever a broker can raise: the sweep does the work instead
        _resting_until = time.monotonic() + _REST_SECONDS
        log.warning("wake_up_lost", task=task, error=type(error).__name__)
