"""What is kept of deliveries, and for how long: what was sent and answered for weeks, events for months.

What waits, or may still be tried, is never touched. Rows go oldest first in small transactions, so that nothing waits
for this.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from gateway.lib.pruning import delete_in_pieces
from webhooks.models import Attempt, Delivery, Event


def prune() -> int:
    """Deletes what is older than the settings say; returns how many. What is left goes with the next round."""
    now = timezone.now()
    waiting = Delivery.objects.filter(due_at__isnull=False)
    attempts = Attempt.objects.filter(started_at__lt=now - timedelta(days=settings.KEEP_ATTEMPTS_DAYS))
    events = Event.objects.filter(created_at__lt=now - timedelta(days=settings.KEEP_EVENTS_DAYS))
    return sum((
        delete_in_pieces(attempts.exclude(Exists(waiting.filter(pk=OuterRef("delivery_id"))))),
        # Their deliveries go with them.
        delete_in_pieces(events.exclude(Exists(waiting.filter(event_id=OuterRef("pk"))))),
    ))
