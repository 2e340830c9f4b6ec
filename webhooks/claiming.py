"""Which deliveries a worker takes next: what is due, a fair share for each endpoint, under a lease.

An endpoint with much waiting never stands before another: a worker has at most `PER_ENDPOINT` under way for each,
and when what is oldest belongs mostly to endpoints that have no room, every other one is asked for its own oldest.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Mapping
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
from webhooks.batches import Taken, take_due
from webhooks.models import Delivery, Endpoint
from webhooks.one_off import lend_secrets

PER_ENDPOINT = 20


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


@dataclass(frozen=True, slots=True)
class _Lease:
    """What one claim puts on its rows."""

    token: str
    now: datetime
    until: datetime


def claim(busy: Mapping[UUID, int], *, limit: int, avoid: Collection[UUID] = ()) -> list[Leased]:
    """Leases up to `limit` due deliveries.

    `busy`: how many this worker has under way, by endpoint. `avoid`: endpoints that get nothing now. What is due for
    an endpoint that was closed meanwhile is given up here.
    """
    now = timezone.now()
    lease = _Lease(secrets.token_hex(8), now, now + timedelta(seconds=lease_seconds()))
    room = {endpoint: PER_ENDPOINT - count for endpoint, count in busy.items()} | dict.fromkeys(avoid, 0)
    looked_at, taken = _take(lease, room, limit)
    if looked_at == limit and len(taken) < limit // 2:
        count = Counter(row[1] for row in taken)
        room |= {endpoint: _places(room, endpoint) - count[endpoint] for endpoint in count}
        taken += _fair_share(lease, room, limit - len(taken))
    return _ready(lease, taken) if taken else []


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


def _places(room: Mapping[UUID, int], endpoint: UUID) -> int:
    return room.get(endpoint, PER_ENDPOINT)


def _take(lease: _Lease, room: Mapping[UUID, int], limit: int) -> tuple[int, list[Taken]]:
    """Leases the oldest, within each endpoint's `room`; says how many it looked at."""
    if connection.vendor == "postgresql":
        return take_due(
            lease.now, limit=limit, lease=lease.token, until=lease.until, room=room, usual_room=PER_ENDPOINT
        )
    if not _due(lease.now).exists():  # or else the write lock would be taken for nothing
        return 0, []
    with transaction.atomic():
        oldest = _oldest(_due(lease.now), limit)
        count: Counter[UUID] = Counter()
        chosen = []
        for pk, endpoint in oldest:
            count[endpoint] += 1
            if count[endpoint] <= _places(room, endpoint):
                chosen.append(pk)
        return len(oldest), _put_on(lease, chosen)


def _oldest(due: QuerySet[Delivery], most: int) -> list[tuple[UUID, UUID]]:
    """Each with its endpoint, locked, without those that another worker is claiming at this moment."""
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, no_key=True)
    return list(due.order_by("due_at", "id").values_list("pk", "endpoint_id")[:most])


def _put_on(lease: _Lease, chosen: Collection[UUID]) -> list[Taken]:
    rows = Delivery.objects.filter(pk__in=chosen)
    rows.update(lease=lease.token, leased_until=lease.until, tries=F("tries") + 1)
    columns = ("pk", "endpoint_id", "event__public_id", "event_name", "body", "tries", "attempt_count")
    return list(rows.order_by("due_at", "id").values_list(*columns))


def _fair_share(lease: _Lease, room: Mapping[UUID, int], most: int) -> list[Taken]:
    """The oldest of each endpoint that has something waiting and room for it, endpoints in random order."""
    full = [endpoint for endpoint, places in room.items() if places <= 0]
    waiting = Endpoint.objects.filter(Exists(_due(lease.now).filter(endpoint=OuterRef("pk"))))
    taken: list[Taken] = []
    with transaction.atomic():
        for endpoint in waiting.exclude(pk__in=full).order_by("?").values_list("pk", flat=True)[:most]:
            places = min(_places(room, endpoint), most - len(taken))
            taken += _put_on(lease, [pk for pk, _ in _oldest(_due(lease.now).filter(endpoint=endpoint), places)])
            if len(taken) >= most:
                break
    return taken


def _ready(lease: _Lease, taken: list[Taken]) -> list[Leased]:
    """With their endpoints; what is for one that is closed is given up."""
    endpoints = Endpoint.objects.in_bulk({row[1] for row in taken})
    lend_secrets(endpoints.values())
    for row in taken:
        if not endpoints[row[1]].is_open:
            _give_up(lease, row[0], endpoints[row[1]])
    return [
        Leased(pk, lease.token, tries, attempts, event, name, body.encode(), endpoints[endpoint])
        for pk, endpoint, event, name, body, tries, attempts in taken
        if endpoints[endpoint].is_open
    ]


def _give_up(lease: _Lease, delivery: UUID, endpoint: Endpoint) -> None:
    why = "endpoint deleted" if endpoint.deleted_at else endpoint.disabled_reason or "endpoint disabled"
    changes: dict[str, Any] = {"status": Delivery.Status.FAILED, "last_error": why, "updated_at": lease.now} | ended()
    Delivery.objects.filter(pk=delivery, lease=lease.token).update(**changes)
