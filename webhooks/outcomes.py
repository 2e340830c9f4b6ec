"""Writes down how attempts ended, and what follows: delivered, another try, given up, or the endpoint disabled.

A delivery is changed only by the worker whose lease is still on it; an attempt was made whoever holds the lease, so
it is always kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from gateway.lib.jobs import wake
from gateway.lib.meters import count_deliveries
from gateway.lib.work import ended
from webhooks import batches, schedule
from webhooks.claiming import Leased
from webhooks.courier import Outcome
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.stopping import stop_deliveries

KEPT_BODY = 4 * 1024
_KEPT_HEADERS, _KEPT_HEADER = 40, 500
_End = tuple[str, datetime | None]  # a delivery's status, and when it is due again


def record(outcomes: list[Outcome]) -> None:
    """Writes down a batch of attempts; endpoints are locked first, in one order, so that no two workers deadlock.

    All of it or nothing. On PostgreSQL that is one statement while no endpoint fails, and needs no transaction.
    """
    now, touched = timezone.now(), _touched(outcomes)
    at_once = connection.vendor == "postgresql" and not touched
    with nullcontext() if at_once else transaction.atomic():
        endpoints = _locked(touched)
        before = {pk: (endpoint.enabled, endpoint.failing_since) for pk, endpoint in endpoints.items()}
        for outcome in sorted(outcomes, key=lambda one: one.started_at):
            if outcome.delivery.endpoint.pk in endpoints:
                _judge(endpoints[outcome.delivery.endpoint.pk], outcome, now)
        _write_down([(outcome, _end(endpoints, outcome, now)) for outcome in outcomes], now)
        for pk, endpoint in endpoints.items():
            if before[pk] != (endpoint.enabled, endpoint.failing_since):
                _save(endpoint, now)
    delivered = sum(outcome.delivered for outcome in outcomes)
    count_deliveries("delivered", delivered)
    count_deliveries("failed", len(outcomes) - delivered)


def attempt_row(outcome: Outcome) -> Attempt:
    return Attempt(delivery_id=outcome.delivery.id, **_attempt(outcome))


def _attempt(outcome: Outcome) -> dict[str, Any]:
    response = outcome.response
    return {
        "number": outcome.delivery.number,
        "started_at": outcome.started_at,
        "duration_ms": outcome.duration_ms,
        "request_headers": outcome.headers,
        "response_status": outcome.status,
        "response_headers": _kept_headers(response.headers) if response else {},
        "response_body": _kept_body(response.body) if response else "",
        "error": outcome.error[:200],
    }


def _kept_headers(headers: dict[str, str]) -> dict[str, str]:
    return {name[:100]: value[:_KEPT_HEADER] for name, value in list(headers.items())[:_KEPT_HEADERS]}


def _kept_body(body: bytes) -> str:
    """The beginning, as text that any database stores."""
    return body[:KEPT_BODY].decode("utf-8", "replace").replace("\0", "\ufffd")


def _touched(outcomes: Iterable[Outcome]) -> set[UUID]:
    """The endpoints that failed, and those that were failing when they were claimed; most batches have none."""
    endpoints = ((outcome.delivery.endpoint, outcome.delivered) for outcome in outcomes)
    return {endpoint.pk for endpoint, delivered in endpoints if not delivered or endpoint.failing_since}


def _locked(touched: Collection[UUID]) -> dict[UUID, Endpoint]:
    if not touched:
        return {}
    rows = Endpoint.objects.select_for_update(no_key=True).filter(pk__in=touched).order_by("pk")
    return {row.pk: row for row in rows}


def _judge(endpoint: Endpoint, outcome: Outcome, now: datetime) -> None:
    """What one attempt says about its endpoint; nothing, if it went to the address that the endpoint had before."""
    if _moved(endpoint, outcome):
        return
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


def _moved(endpoint: Endpoint, outcome: Outcome) -> bool:
    return endpoint.url != outcome.delivery.endpoint.url


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


def _end(endpoints: dict[UUID, Endpoint], outcome: Outcome, now: datetime) -> _End:
    if outcome.delivered:
        return Delivery.Status.SUCCEEDED, None
    delay = _delay(endpoints[outcome.delivery.endpoint.pk], outcome, now)
    return (Delivery.Status.FAILED, None) if delay is None else (Delivery.Status.RETRYING, now + delay)


def _write_down(ends: list[tuple[Outcome, _End]], now: datetime) -> None:
    if connection.vendor == "postgresql":
        batches.write_down((
            {"delivery": one.delivery.id, "lease": one.delivery.lease, "status": status, "due_at": due_at}
            | _attempt(one) for one, (status, due_at) in ends
        ), now)
        return
    Attempt.objects.bulk_create([attempt_row(outcome) for outcome, _ in ends])
    alike: dict[Any, list[Leased]] = defaultdict(list)
    for outcome, end in ends:
        alike[*end, outcome.status, outcome.error[:200]].append(outcome.delivery)
    for (status, due_at, response, error), deliveries in alike.items():
        rows = Delivery.objects.filter(
            pk__in=[one.id for one in deliveries], lease__in={one.lease for one in deliveries}
        )
        rows.update(
            status=status, last_response_status=response, last_error=error, updated_at=now,
            attempt_count=F("attempt_count") + 1, **ended(due_at),
        )


def _delay(endpoint: Endpoint, outcome: Outcome, now: datetime) -> timedelta | None:
    if not endpoint.is_open:
        return None
    if _moved(endpoint, outcome):
        return timedelta(0)  # the new address has not been asked yet, not even if that was the last try
    headers = outcome.response.headers if outcome.response else {}
    asked = schedule.asked_delay(outcome.status, headers, now)
    return schedule.next_delay(outcome.delivery.attempts_before + 1, endpoint.retry_config, asked=asked)
