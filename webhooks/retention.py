"""What is kept of deliveries, and for how long: what was sent and answered for weeks, events for months.

What waits, or may still be tried, is never touched. Rows go oldest first in small transactions, so that nothing waits
for this.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone

from webhooks.models import Attempt, Delivery, Event

M = TypeVar("M", bound=Model)
_BATCH, _MOST = 500, 50_000


def prune() -> int:
    """Deletes what is older than the settings say; returns how many. What is left goes with the next round."""
    now = timezone.now()
    waiting = Delivery.objects.filter(due_at__isnull=False)
    attempts = Attempt.objects.filter(started_at__lt=now - timedelta(days=settings.KEEP_ATTEMPTS_DAYS))
    events = Event.objects.filter(created_at__lt=now - timedelta(days=settings.KEEP_EVENTS_DAYS))
    return sum((
        _delete(attempts.exclude(Exists(waiting.filter(pk=OuterRef("delivery_id"))))),
        _delete(events.exclude(Exists(waiting.filter(event_id=OuterRef("pk"))))),  # their deliveries go with them
    ))


def _delete(rows: QuerySet[M]) -> int:
    deleted = 0
    while deleted < _MOST:
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[:_BATCH])
        rows.model._default_manager.filter(pk__in=keys).delete()
        deleted += len(keys)
        if len(keys) < _BATCH:
            break
    return deleted
