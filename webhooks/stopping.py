"""What is left for an endpoint that is closed is given up, with the reason."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from webhooks.models import Delivery, Endpoint


def stop_deliveries(endpoint: Endpoint, why: str) -> None:
    """Gives up what waits for `endpoint`; what is being sent right now ends by itself."""
    now = timezone.now()
    waiting = Delivery.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now), endpoint=endpoint)
    waiting.filter(due_at__isnull=False).update(
        status=Delivery.Status.FAILED, due_at=None, last_error=why, updated_at=now
    )
