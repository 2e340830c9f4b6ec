"""Where a page of a long list lies, from kept figures: how many rows there are, and between which two moments (or
amounts) the page's rows are, so that nobody steps over the rows before them.

A list that is narrowed by anything that is not counted has no such places; it is read as any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce

from accounts.actors import Viewer, scope
from accounts.models import Role
from crypto.models import SessionFigure
from crypto.models.figures import NEVER, amount_bucket
from crypto.queries.figures import DAY, STATUSES, TYPES, count_opened, opened, seen
from crypto.queries.transactions import TransactionTotals, Type

Buckets = list[tuple[Any, int]]


@dataclass(frozen=True, slots=True)
class Place:
    """The rows that a page is among, and how many of them come before it."""

    rows: Q
    offset: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What a list is narrowed to: `words` of network and currency, one status or type, rows created from `start` up to
    `end`. `sort` is created_at, amount_minor or paid_at; what was never paid comes last, either way."""

    words: dict[str, str] = field(default_factory=dict)
    only: str = ""
    start: datetime | None = None
    end: datetime | None = None
    sort: str = "created_at"
    descending: bool = True

    @property
    def is_narrow(self) -> bool:
        return bool(self.only or self.words)


def counted_sessions(viewer: Viewer, choice: Choice) -> dict[str, int]:
    """How many of the chosen sessions are in each status."""
    found = count_opened(viewer, choice.start, choice.end, **choice.words)
    return {status: count if choice.only in ("", status) else 0 for status, count in found.items()}


def place_of_sessions(viewer: Viewer, choice: Choice, offset: int, limit: int) -> Place | None:
    """None: read it from the beginning."""
    if choice.sort == "created_at":
        rows = opened(viewer, choice.start, choice.end, "day", **choice.words)
        buckets = _sum_up((row.at, _chosen(row.counts, STATUSES, choice)) for row in rows)
    elif choice.start or choice.end or viewer.user.role == Role.API_USER:
        return None
    else:
        buckets = _amounts(viewer, choice) if choice.sort == "amount_minor" else _paid_days(viewer, choice)
    return _place(choice.sort, buckets, choice, offset, limit)


def counted_transactions(viewer: Viewer, choice: Choice) -> TransactionTotals:
    rows = list(seen(viewer, choice.start, choice.end, "month", **choice.words))
    counts = {name: sum(row.counts[at] for row in rows) for at, name in enumerate(TYPES) if choice.only in ("", name)}
    volume = sum(row.volume_minor for row in rows) if Type.INCOMING in counts else 0
    return TransactionTotals(sum(counts.values()), counts.get(Type.INCOMING, 0), volume)


def place_of_transactions(viewer: Viewer, choice: Choice, offset: int, limit: int) -> Place | None:
    rows = seen(viewer, choice.start, choice.end, "day", **choice.words)
    buckets = _sum_up((row.at, _chosen(row.counts, TYPES, choice)) for row in rows)
    return _place("created_at", buckets, choice, offset, limit)


def _chosen(counts: Sequence[int], names: Sequence[str], choice: Choice) -> int:
    return counts[names.index(choice.only)] if choice.only else sum(counts)


def _sum_up(rows: Any) -> Buckets:
    """One bucket for each moment; an end of the period shares its day with kept hours."""
    found: Counter[Any] = Counter()
    for at, count in rows:
        found[at] += count
    return list((+found).items())


def _amounts(viewer: Viewer, choice: Choice) -> Buckets:
    grouped = _figures(viewer, choice, SessionFigure.Kind.AMOUNT).values_list("amount_minor")
    return _sum_up((amount_bucket(amount)[0], int(count)) for amount, count in grouped.annotate(count=_count(choice)))


def _paid_days(viewer: Viewer, choice: Choice) -> Buckets:
    rows = _figures(viewer, choice, SessionFigure.Kind.PAID)
    day = Case(When(kind=SessionFigure.Kind.CHANGE, then=Coalesce("paid_on", NEVER)), default=F("at"))
    grouped = rows.annotate(day=day).values_list("day")
    return _sum_up((moment, int(count)) for moment, count in grouped.annotate(count=_count(choice)))


def _figures(viewer: Viewer, choice: Choice, kind: str) -> QuerySet[SessionFigure]:
    kinds = Q(kind=kind) | Q(kind=SessionFigure.Kind.CHANGE)
    return scope(SessionFigure.objects.filter(kinds, **choice.words), viewer).order_by()


def _count(choice: Choice) -> Any:
    return Sum(choice.only) if choice.only else sum(Sum(name) for name in STATUSES)


def _place(column: str, buckets: Buckets, choice: Choice, offset: int, limit: int) -> Place | None:
    """From the bucket of the page's first row to that of its last; what never was comes last."""
    known = sorted((bucket for bucket in buckets if bucket[0] != NEVER), reverse=choice.descending)
    skipped, reached, among = 0, 0, []
    for start, count in [*known, *(bucket for bucket in buckets if bucket[0] == NEVER)]:
        if reached >= offset + limit:
            break
        reached += count
        if reached > offset:
            among.append(start)
        else:
            skipped = reached
    if not among or (NEVER in among and len(among) > 1):
        return None
    return Place(_rows(column, among), offset - skipped)


def _rows(column: str, among: list[Any]) -> Q:
    if among == [NEVER]:
        return Q(**{f"{column}__isnull": True})
    first, last = min(among), max(among)
    end = last + DAY if isinstance(last, datetime) else amount_bucket(last)[1]
    return Q(**{f"{column}__gte": first, f"{column}__lt": end})
