"""Celery entry points of the API doors."""

from __future__ import annotations

from celery import shared_task

from gateway.contracts import idempotency
from gateway.contracts.signed import replays


@shared_task(name="contracts.purge")
def purge() -> int:
    """Forgets idempotency keys older than 24 hours, and signatures that are too old to be sent again."""
    return idempotency.purge() + replays.purge()
