"""What is kept of deliveries, and for how long: what was sent and answered for weeks, events for months.

What waits, or may still be tried, is never touched. Rows go oldest first in small transactions, so that nothing waits
for this. Only ids up to the moment's are read: neither table has an index on time, and a round with little to delete
would read all that is kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone

from gateway.lib.halving import first_id_from, last_id
from gateway.lib.pruning import delete_in_pieces
from webhooks.models import Attempt, Delivery, Event


def prune() -> int:
    """Deletes what is older than the settings say; returns how many. What is left goes with the next round."""
    now = timezone.now()
    waiting = Delivery.objects.filter(due_at__isnull=False)
    attempts = _older(Attempt, "started_at", now - timedelta(days=settings.KEEP_ATTEMPTS_DAYS))
    events = _older(Event, "created_at", now - timedelta(days=settings.KEEP_EVENTS_DAYS))
    return sum((
        delete_in_pieces(attempts.exclude(Exists(waiting.filter(pk=OuterRef("delivery_id"))))),
        # Their deliveries go with them.
        delete_in_pieces(events.exclude(Exists(waiting.filter(event_id=OuterRef("pk"))))),
    ))


def _older(model: type[Model], column: str, moment: datetime) -> QuerySet[Any]:
    """What overlapped with the moment may wait for the next round."""
    below = first_id_from(model, column, moment, last_id(model))
    return model._default_manager.filter(pk__lt=below, **{f"{column}__lt": moment})
