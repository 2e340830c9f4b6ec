"""Which deliveries a worker takes next: what is due, a fair share for each endpoint, under a lease.

An endpoint with much waiting never stands before another: a worker has at most `PER_ENDPOINT` under way for each,
and when what is oldest belongs mostly to endpoints that have no room, every other one is asked for its own oldest.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from gateway.lib.jobs import wake
from gateway.lib.work import ended
from webhooks.models import Delivery, Endpoint, Event
from webhooks.one_off import lend_secrets

PER_ENDPOINT = 20
# One row of a claim: pk, endpoint, event, event_name, body, tries, attempt_count.
Row = tuple[UUID, UUID, int, str, str, int, int]


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery that this worker may send, and what it needs for that."""

    id: UUID
    lease: str
    number: int  # of the attempt
    attempts_before: int
    event_id: str
    event_name: str
    body: bytes
    endpoint: Endpoint


def claim(busy: Mapping[UUID, int], *, limit: int, avoid: Collection[UUID] = ()) -> list[Leased]:
    """Leases up to `limit` due deliveries.

    `busy`: how many this worker has under way, by endpoint. `avoid`: endpoints that get nothing now. What is due for
    an endpoint that was closed meanwhile is given up here.
    """
    now = timezone.now()
    if not _due(now).exists():
        return []
    with transaction.atomic():
        rows = _locked(_due(now), limit)
        chosen = _within_limits(rows, busy, avoid)
        if len(rows) == limit and len(chosen) < limit // 2:
            chosen = _fair_share(now, busy, avoid, limit)
        return _lease(chosen, now) if chosen else []


def wake_courier(since: datetime) -> None:
    """Starts a run, once the caller's transaction has committed, for what it made due at `since`.

    Not if a run is under way or was called for already by something older that still waits: a run looks again at
    what is due before it ends, and messages for it would only pile up in the queue.
    """
    transaction.on_commit(lambda: None if _is_expected(since) else wake("webhooks.deliver"), robust=True)


def _is_expected(since: datetime) -> bool:
    """Retries do not count: they fell due by themselves, and nobody was called for them before the next sweep."""
    now = timezone.now()
    older = Delivery.objects.filter(due_at__lt=since).order_by("due_at", "id").values_list("leased_until", "status")
    return any(
        status == Delivery.Status.PENDING or (leased_until is not None and leased_until > now)
        for leased_until, status in older[: 2 * PER_ENDPOINT]
    )


def lease_seconds() -> float:
    """Longer than any attempt can take, so that only a worker that died loses its lease."""
    return float(max(settings.WORK_LEASE_SECONDS, settings.WEBHOOK_TIMEOUT_SECONDS + 15))


def _due(now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(Q(leased_until=None) | Q(leased_until__lt=now), due_at__lte=now)


def _locked(due: QuerySet[Delivery], most: int) -> list[Row]:
    """The oldest, without those that another worker is claiming at this moment."""
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, no_key=True)
    columns = ("pk", "endpoint_id", "event_id", "event_name", "body", "tries", "attempt_count")
    return list(due.order_by("due_at", "id").values_list(*columns)[:most])


def _within_limits(rows: Iterable[Row], busy: Mapping[UUID, int], avoid: Collection[UUID]) -> list[Row]:
    count, chosen = Counter(busy), []
    for row in rows:
        if row[1] not in avoid and count[row[1]] < PER_ENDPOINT:
            count[row[1]] += 1
            chosen.append(row)
    return chosen


def _fair_share(now: datetime, busy: Mapping[UUID, int], avoid: Collection[UUID], limit: int) -> list[Row]:
    """The oldest of each endpoint that has something waiting and room for it, endpoints in random order."""
    full = {endpoint for endpoint, count in busy.items() if count >= PER_ENDPOINT}
    waiting = Endpoint.objects.filter(Exists(_due(now).filter(endpoint=OuterRef("pk"))))
    rows: list[Row] = []
    for endpoint in waiting.exclude(pk__in=full.union(avoid)).order_by("?").values_list("pk", flat=True)[:limit]:
        room = min(PER_ENDPOINT - busy.get(endpoint, 0), limit - len(rows))
        rows += _locked(_due(now).filter(endpoint=endpoint), room)
        if len(rows) >= limit:
            break
    return rows


def _lease(rows: list[Row], now: datetime) -> list[Leased]:
    endpoints = Endpoint.objects.in_bulk({row[1] for row in rows})
    closed = [row for row in rows if not endpoints[row[1]].is_open]
    rows = [row for row in rows if endpoints[row[1]].is_open]
    lend_secrets(endpoints.values())
    for row in closed:
        _give_up(row[0], endpoints[row[1]], now)
    events = dict(Event.objects.filter(pk__in={row[2] for row in rows}).values_list("pk", "public_id"))
    token = secrets.token_hex(8)
    until = now + timedelta(seconds=lease_seconds())
    Delivery.objects.filter(pk__in=[row[0] for row in rows]).update(
        lease=token, leased_until=until, tries=F("tries") + 1
    )
    return [
        Leased(pk, token, tries + 1, attempts, events[event], name, body.encode(), endpoints[endpoint])
        for pk, endpoint, event, name, body, tries, attempts in rows
    ]


def _give_up(delivery: UUID, endpoint: Endpoint, now: datetime) -> None:
    why = "endpoint deleted" if endpoint.deleted_at else endpoint.disabled_reason or "endpoint disabled"
    changes: dict[str, Any] = {"status": Delivery.Status.FAILED, "last_error": why, "updated_at": now} | ended()
    Delivery.objects.filter(pk=delivery).update(**changes)
