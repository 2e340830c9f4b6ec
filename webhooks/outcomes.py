"""Writes down how attempts ended, and what follows: delivered, another try, given up, or the endpoint disabled.

A delivery is changed only by the worker whose lease is still on it; an attempt was made whoever holds the lease, so
it is always kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from gateway.lib.jobs import wake
from gateway.lib.meters import count_delivery
from gateway.lib.work import ended
from webhooks import schedule
from webhooks.courier import Outcome
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.stopping import stop_deliveries

KEPT_BODY = 4 * 1024
_KEPT_HEADERS, _KEPT_HEADER = 40, 500


@transaction.atomic
def record(outcomes: list[Outcome]) -> None:
    """Writes down a batch of attempts; endpoints are locked first, in one order, so that no two workers deadlock."""
    now = timezone.now()
    endpoints = _locked_endpoints(outcomes)
    before = {pk: (endpoint.enabled, endpoint.failing_since) for pk, endpoint in endpoints.items()}
    for outcome in sorted(outcomes, key=lambda one: one.started_at):
        if outcome.delivery.endpoint.pk in endpoints:
            _judge(endpoints[outcome.delivery.endpoint.pk], outcome, now)
    Attempt.objects.bulk_create([attempt_row(outcome) for outcome in outcomes])
    _mark_delivered([outcome for outcome in outcomes if outcome.delivered], now)
    for outcome in outcomes:
        if not outcome.delivered:
            _mark_failed(endpoints[outcome.delivery.endpoint.pk], outcome, now)
        count_delivery("delivered" if outcome.delivered else "failed")
    for pk, endpoint in endpoints.items():
        if before[pk] != (endpoint.enabled, endpoint.failing_since):
            _save(endpoint, now)


def attempt_row(outcome: Outcome) -> Attempt:
    response = outcome.response
    return Attempt(
        delivery_id=outcome.delivery.id,
        number=outcome.delivery.number,
        started_at=outcome.started_at,
        duration_ms=outcome.duration_ms,
        request_headers=outcome.headers,
        response_status=outcome.status,
        response_headers=_kept_headers(response.headers) if response else {},
        response_body=_kept_body(response.body) if response else "",
        error=outcome.error[:200],
    )


def _kept_headers(headers: dict[str, str]) -> dict[str, str]:
    return {name[:100]: value[:_KEPT_HEADER] for name, value in list(headers.items())[:_KEPT_HEADERS]}


def _kept_body(body: bytes) -> str:
    """The beginning, as text that any database stores."""
    return body[:KEPT_BODY].decode("utf-8", "replace").replace("\0", "\ufffd")


def _locked_endpoints(outcomes: list[Outcome]) -> dict[UUID, Endpoint]:
    """Those that failed, and those that were failing when they were claimed; most batches have none."""
    endpoints = [(outcome.delivery.endpoint, outcome.delivered) for outcome in outcomes]
    touched = {endpoint.pk for endpoint, delivered in endpoints if not delivered or endpoint.failing_since}
    if not touched:
        return {}
    rows = Endpoint.objects.select_for_update(no_key=True).filter(pk__in=touched).order_by("pk")
    return {row.pk: row for row in rows}


def _judge(endpoint: Endpoint, outcome: Outcome, now: datetime) -> None:
    """What one attempt says about its endpoint."""
    if outcome.delivered:
        endpoint.failing_since = None
        return
    endpoint.failing_since = endpoint.failing_since or outcome.started_at
    if not endpoint.is_open:
        return
    if outcome.status == 410:
        _disable(endpoint, "it answered 410 Gone")
    elif now - endpoint.failing_since >= timedelta(hours=settings.WEBHOOK_DISABLE_AFTER_HOURS):
        _disable(endpoint, f"nothing but failures for {settings.WEBHOOK_DISABLE_AFTER_HOURS} hours")


def _disable(endpoint: Endpoint, why: str) -> None:
    endpoint.enabled, endpoint.disabled_reason = False, f"endpoint disabled: {why}"
    endpoint.notice_due = not endpoint.one_off  # the next record that names it opens it again
    audit.record(
        Actor.system("webhooks"), "webhook_endpoint.disabled", str(endpoint.pk),
        merchant=endpoint.merchant_id, mode=endpoint.mode, reason=why,
    )
    wake("webhooks.tell_owners")


def _save(endpoint: Endpoint, now: datetime) -> None:
    endpoint.updated_at = now
    endpoint.save(update_fields=["enabled", "disabled_reason", "notice_due", "failing_since", "updated_at"])
    if not endpoint.enabled:
        stop_deliveries(endpoint, endpoint.disabled_reason)


def _mark_delivered(outcomes: Iterable[Outcome], now: datetime) -> None:
    by_status: dict[int | None, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_status[outcome.status].append(outcome)
    for status, group in by_status.items():
        rows = Delivery.objects.filter(
            pk__in=[one.delivery.id for one in group], lease__in={one.delivery.lease for one in group}
        )
        rows.update(
            status=Delivery.Status.SUCCEEDED, last_response_status=status, last_error="", updated_at=now,
            attempt_count=F("attempt_count") + 1, **ended(),
        )


def _mark_failed(endpoint: Endpoint, outcome: Outcome, now: datetime) -> None:
    delivery = outcome.delivery
    changes: dict[str, Any] = {
        "last_response_status": outcome.status, "last_error": outcome.error[:200], "updated_at": now,
        "attempt_count": F("attempt_count") + 1,
    }
    delay = _delay(endpoint, outcome, now)
    if delay is None:
        changes |= {"status": Delivery.Status.FAILED} | ended()
    else:
        changes |= {"status": Delivery.Status.RETRYING} | ended(now + delay)
    Delivery.objects.filter(pk=delivery.id, lease=delivery.lease).update(**changes)


def _delay(endpoint: Endpoint, outcome: Outcome, now: datetime) -> timedelta | None:
    if not endpoint.is_open:
        return None
    headers = outcome.response.headers if outcome.response else {}
    asked = schedule.asked_delay(outcome.status, headers, now)
    return schedule.next_delay(outcome.delivery.attempts_before + 1, endpoint.retry_config, asked=asked)
