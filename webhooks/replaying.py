"""Sending again what was sent before: the same event ids and bodies, as new attempts.

A replay makes rows due, and the courier takes them like any other: nothing is sent here. However much was given up,
one replay takes at most `MAX_AT_ONCE`, oldest first, so that no receiver is buried and no transaction is long.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from gateway.lib.work import ended
from webhooks.claiming import wake_courier
from webhooks.errors import DeliveryUnderWay, EndpointOff
from webhooks.models import Delivery, Endpoint

MAX_AT_ONCE = 5_000


@transaction.atomic
def retry_delivery(*, actor: Actor, delivery: Delivery) -> Delivery:
    """Sends one delivery again, now: the same event id and body, a new attempt.

    Raises `EndpointOff`, or `DeliveryUnderWay` while a worker has it.
    """
    if not Endpoint.objects.filter(pk=delivery.endpoint_id, enabled=True, deleted_at=None).exists():
        raise EndpointOff()
    if not _make_due(Delivery.objects.filter(pk=delivery.pk)):
        raise DeliveryUnderWay()
    audit.record(
        actor, "webhook_delivery.retried", str(delivery.pk), merchant=delivery.merchant_id, mode=delivery.mode,
    )
    delivery.refresh_from_db()
    return delivery


def given_up(endpoint: Endpoint, since: datetime | None = None, until: datetime | None = None) -> QuerySet[Delivery]:
    """What was given up for an endpoint, oldest first; of deliveries made from `since` until just before `until`."""
    rows = Delivery.objects.filter(endpoint=endpoint, status=Delivery.Status.FAILED).order_by("created_at", "id")
    rows = rows.filter(created_at__gte=since) if since else rows
    return rows.filter(created_at__lt=until) if until else rows


@transaction.atomic
def retry_failed(
    *, actor: Actor, endpoint: Endpoint, since: datetime | None = None, until: datetime | None = None
) -> int:
    """Sends again what was given up for this endpoint (between two moments); returns how many deliveries that is."""
    if not Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk).is_open:
        raise EndpointOff()
    count = _make_due(_first(given_up(endpoint, since, until)))
    between = {name: moment.isoformat() for name, moment in (("since", since), ("until", until)) if moment}
    audit.record(
        actor, "webhook_endpoint.failed_retried", str(endpoint.pk), merchant=endpoint.merchant_id, mode=endpoint.mode,
        count=count, **between,
    )
    return count


@transaction.atomic
def retry_deliveries(*, actor: Actor, deliveries: QuerySet[Delivery]) -> int:
    """Sends these again, but those whose endpoint is closed or that are being sent; returns how many.

    `deliveries` are what the actor may see. One line is written down for each endpoint.
    """
    rows = _first(deliveries.filter(endpoint__enabled=True, endpoint__deleted_at=None).order_by("created_at", "id"))
    told = list(rows.values("endpoint_id", "merchant_id", "mode").order_by("endpoint_id").annotate(count=Count("pk")))
    count = _make_due(rows)
    for line in told:
        audit.record(
            actor, "webhook_endpoint.deliveries_retried", str(line["endpoint_id"]), merchant=line["merchant_id"],
            mode=line["mode"], count=line["count"],
        )
    return count


def _first(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:MAX_AT_ONCE]))


def _make_due(deliveries: QuerySet[Delivery]) -> int:
    """Makes those due now that nobody is sending at this moment."""
    now = timezone.now()
    free = deliveries.filter(Q(leased_until=None) | Q(leased_until__lt=now))
    changes: dict[str, Any] = {"status": Delivery.Status.PENDING, "updated_at": now} | ended(now)
    wake_courier(now)
    return free.update(**changes)
