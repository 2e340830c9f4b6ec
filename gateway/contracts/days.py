"""Where a page far down a long list lies: by how many rows each day has, so that nobody steps over the rows before it.

For lists, newest first, whose rows never go and never change their day: then a day that is over has its count for good.
The counts of one list are read once an hour in each process; only what came since is counted each time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.core.cache import caches
from django.db.models import Count, Model, QuerySet
from django.db.models.functions import TruncDay
from django.utils import timezone

from gateway.contracts.remembered import key_of

M = TypeVar("M", bound=Model)
_KEEP_SECONDS = 3600
# A transaction that began before midnight may end after it; by then it surely has.
_LATE = timedelta(hours=1)
Counts = list[tuple[datetime, int]]


def from_day_of(rows: QuerySet[M], offset: int) -> tuple[QuerySet[M], int]:
    """`rows` from the day on that the row at `offset` is in, and how many of them still come before it."""
    closed_until = _midnight(timezone.now() - _LATE)
    recent = rows.filter(created_at__gte=closed_until).order_by().count()
    skipped, end = 0, None
    for day, count in [(closed_until, recent), *_counts(rows, closed_until)]:
        if skipped + count > offset:
            break
        skipped, end = skipped + count, day
    return (rows if end is None else rows.filter(created_at__lt=end)), offset - skipped


def _counts(rows: QuerySet[M], until: datetime) -> Counts:
    """Of each day before `until` that has rows, newest first."""
    closed = rows.filter(created_at__lt=until).order_by()
    key = key_of("days", closed)
    known: Counts | None = caches["local"].get(key)
    if known is None:
        by_day = closed.annotate(day=TruncDay("created_at", tzinfo=UTC)).values_list("day")
        known = sorted(by_day.annotate(count=Count("pk")), reverse=True)
        caches["local"].set(key, known, _KEEP_SECONDS)
    return known


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
