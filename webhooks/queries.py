"""Reads: what a viewer may see of endpoints and deliveries."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.actors import Viewer, scope
from accounts.models import Merchant, Role
from webhooks.models import Delivery, Endpoint
from webhooks.rendering import event_names, usual_event_names

__all__ = ["deliveries", "endpoints", "event_names", "merchant_endpoints", "stopped_endpoints", "usual_event_names"]
_NEWS = timedelta(days=30)


def endpoints(viewer: Viewer) -> QuerySet[Endpoint]:
    """Newest first. Endpoints are their merchant's settings: its api_users see none."""
    if viewer.user.role == Role.API_USER:
        return Endpoint.objects.none()
    rows = scope(Endpoint.objects.filter(deleted_at=None, one_off=False), viewer)
    return rows.select_related("merchant").order_by("-created_at", "-id")


def stopped_endpoints(viewer: Viewer) -> QuerySet[Endpoint]:
    """Endpoints that were switched off because they did not answer, for as long as that is news."""
    recent = timezone.now() - _NEWS
    return endpoints(viewer).filter(enabled=False, updated_at__gte=recent).exclude(disabled_reason="")


def deliveries(viewer: Viewer) -> QuerySet[Delivery]:
    """Newest first, those of deleted endpoints too."""
    if viewer.user.role == Role.API_USER:
        return Delivery.objects.none()
    rows = scope(Delivery.objects.all(), viewer)
    return rows.select_related("event", "endpoint", "merchant").order_by("-created_at", "-id")


def merchant_endpoints(merchant: Merchant, mode: str) -> QuerySet[Endpoint]:
    """A merchant's endpoints in one mode, oldest first, for a caller that may see the merchant's settings."""
    rows = Endpoint.objects.filter(merchant=merchant, mode=mode, deleted_at=None, one_off=False)
    return rows.order_by("created_at", "id")
