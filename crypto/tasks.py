"""Celery's entry points: each does what is due now. The schedule calls them as sweeps, services wake them."""

from __future__ import annotations

from typing import Any

from celery import shared_task, signals
from django.conf import settings


@shared_task(name="crypto.sign_fill_pool")
def fill_pool() -> int:
    from crypto.services import pool

    return pool.fill_pool()


@signals.worker_ready.connect
def _fill_pool_at_start(**_: Any) -> None:
    """A fresh installation can take sessions at once, not after the schedule's first round."""
    if settings.PROCESS == "signer":
        fill_pool.delay()
