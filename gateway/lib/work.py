"""Rows are the queue: a row with a `due_at` in the past is work, a lease keeps two workers off it.

Celery only carries wake-ups. Whoever is woken claims what is due (`FOR UPDATE SKIP LOCKED` on PostgreSQL; on
SQLite the write lock does the same), works with no transaction open, and records the outcome in a second one. A
worker that dies leaves its lease to run out, and the next sweep finds the row again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Q
from django.utils import timezone

log = structlog.get_logger(__name__)
# Few at a time: a lease counts from the claim, and each row may wait for a provider's whole time-out.
_BATCH = 10


class WorkModel(models.Model):
    """Columns of a row that somebody must look at again at `due_at` (null: nobody)."""

    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease = models.CharField(max_length=16, default="", blank=True, editable=False)
    tries = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True


W = TypeVar("W", bound=WorkModel)


def claim_due(queryset: models.QuerySet[W], *, limit: int = 100, lease_seconds: int | None = None) -> list[W]:
    """Takes up to `limit` due rows of `queryset` for this worker, oldest first, and returns them leased."""
    now = timezone.now()
    until = now + timedelta(seconds=lease_seconds or settings.WORK_LEASE_SECONDS)
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    with transaction.atomic():
        due = queryset.filter(free, due_at__lte=now).order_by("due_at", "pk")
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, no_key=True, of=("self",))
        rows = list(due[:limit])
        if rows:
            _lease(rows, secrets.token_hex(8), until)
    return rows


def _lease(rows: list[W], token: str, until: datetime) -> None:
    taken = type(rows[0])._default_manager.filter(pk__in=[row.pk for row in rows])
    taken.update(lease=token, leased_until=until, tries=models.F("tries") + 1)
    for row in rows:
        row.lease, row.leased_until, row.tries = token, until, row.tries + 1


def own_lease() -> dict[str, Any]:
    """The columns of a new row that whoever makes it works on at once: a worker's only once that lease has run out."""
    until = timezone.now() + timedelta(seconds=settings.WORK_LEASE_SECONDS)
    return {"lease": secrets.token_hex(8), "leased_until": until, "tries": 1}


def settle(row: WorkModel, *, due_at: datetime | None = None, **changes: Any) -> bool:
    """Ends this worker's lease and sets when to look again; False if the lease was lost to another worker."""
    changes |= ended(due_at)
    rows = type(row)._default_manager.filter(pk=row.pk, lease=row.lease)
    return bool(rows.update(**changes))


def ended(due_at: datetime | None = None) -> dict[str, Any]:
    """The columns of a row whose step is over, for the UPDATE that records its outcome."""
    return {"due_at": due_at, "leased_until": None, "lease": ""}


def drive(queryset: models.QuerySet[W], step: Callable[[W], None], *, limit: int) -> int:
    """Claims what is due and takes `step` with each row, until nothing is due, `limit` or a lease's time is used up.

    A step that raises leaves its row to the next round; the others go on. Returns how many rows were taken.
    """
    started, taken = time.monotonic(), 0
    while taken < limit and time.monotonic() - started < settings.WORK_LEASE_SECONDS:
        wanted = min(_BATCH, limit - taken)
        rows = claim_due(queryset, limit=wanted)
        for row in rows:
            _guarded(step, row)
        taken += len(rows)
        if len(rows) < wanted:  # what fell due meanwhile has a wake-up of its own
            break
    return taken


def _guarded(step: Callable[[W], None], row: W) -> None:
    try:
        step(row)
    except Exception as error:  # one row's trouble must not hold up the others; its lease runs out by itself
        log.exception("work_failed", row=str(row), kind=type(row).__name__, error=type(error).__name__)


def backoff(tries: int, *, first: float = 1.0, most: float = 3600.0) -> timedelta:
    """1, 2, 4, … seconds up to `most`; for asking again about something that somebody else decides."""
    return timedelta(seconds=min(first * 2 ** min(max(tries - 1, 0), 30), most))


def work_due(now: datetime) -> Iterator[tuple[str, int, datetime | None]]:
    """Of each kind of work: its label, how many rows are due, and since when the oldest is."""
    for model in apps.get_models():
        if issubclass(model, WorkModel):
            found = model._default_manager.filter(due_at__lte=now).aggregate(
                count=models.Count("pk"), oldest=models.Min("due_at")
            )
            yield model._meta.label_lower, found["count"], found["oldest"]
