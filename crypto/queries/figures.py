"""Figures of a period without reading its rows: whole hours and days from what is kept (`crypto.models.figures`), the
two ends that are less than an hour from the rows themselves.

An api_user's own sessions are not kept apart, so for one every figure is a direct count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Sum, When
from django.db.models.functions import Trunc

from accounts.actors import Viewer, scope
from accounts.models import Role
from crypto.models import ChainTransaction, Session, SessionFigure, TransferFigure
from crypto.models.figures import EVER, NEVER
from crypto.queries.sessions import visible_sessions
from crypto.queries.transactions import CREDITED, visible_credits, visible_transactions
from gateway.lib.sums import ExactSum

Moments = tuple[datetime | None, datetime | None]  # from the first up to, not including, the second
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_ONE = 100_000_000
_MONEY = {name: Sum(name) for name in ("credited_whole", "credited_rest", "fee_whole", "fee_rest", "credits")}
_TYPES = {name: Sum(name) for name in ChainTransaction.Type.values}
STATUSES = tuple(Session.Status.values)


@dataclass(frozen=True, slots=True)
class Cut:
    """A period's whole hours (or days), if it has any, and what is left of it at its ends."""

    whole: tuple[datetime, datetime] | None
    ends: tuple[Moments, ...]

    def at_ends(self, column: str) -> Q | None:
        """The rows that must be read; None: none."""
        found: Q | None = None
        for start, end in self.ends:
            one = Q(**{f"{column}__gte": start}) if start else Q()
            one &= Q(**{f"{column}__lt": end}) if end else Q()
            found = one if found is None else found | one
        return found


def cut(viewer: Viewer, start: datetime | None, end: datetime | None, step: timedelta = HOUR) -> Cut:
    if viewer.user.role == Role.API_USER:
        return Cut(None, ((start, end),))
    first, last = _up(start, step) if start else EVER, _down(end, step) if end else NEVER
    if first >= last:
        return Cut(None, ((start, end),))
    ends = ((start, first) if start else None, (last, end) if end else None)
    return Cut((first, last), tuple(each for each in ends if each and each[0] != each[1]))


def _down(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - EVER) % step


def _up(moment: datetime, step: timedelta) -> datetime:
    return _down(moment, step) if moment == _down(moment, step) else _down(moment, step) + step


def _within(whole: tuple[datetime, datetime], hour: str, day: str, change: str, *, hourly: bool) -> Q:
    """The figures of whole hours: of days as far as they reach, of hours beside them, and what is not folded yet."""
    first, last = whole
    changes = Q(**{"kind": "change", f"{change}__gte": first, f"{change}__lt": last})
    morning, evening = _up(first, DAY), _down(last, DAY)
    if hourly or morning >= evening:
        return changes | Q(kind=hour, at__gte=first, at__lt=last)
    found = changes | Q(kind=day, at__gte=morning, at__lt=evening)
    if first < morning:
        found |= Q(kind=hour, at__gte=first, at__lt=morning)
    if evening < last:
        found |= Q(kind=hour, at__gte=evening, at__lt=last)
    return found


# Sessions, by when they were opened --------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Opened:
    """How many sessions of one network and currency were opened in a bucket of time, in the order of `STATUSES`."""

    at: datetime
    network: str
    currency: str
    counts: tuple[int, ...]


def session_figures(viewer: Viewer, whole: tuple[datetime, datetime], *, hourly: bool = False) -> QuerySet[Any]:
    rows = scope(SessionFigure.objects.all(), viewer)
    return rows.filter(_within(whole, "hour", "day", "at", hourly=hourly)).order_by()


def opened(
    viewer: Viewer, start: datetime | None, end: datetime | None, bucket: str, **words: str
) -> Iterator[Opened]:
    """Grouped by `bucket` (hour, day, week, month); `words` narrow by network and currency."""
    parts = cut(viewer, start, end)
    if parts.whole:
        kept = session_figures(viewer, parts.whole, hourly=bucket == "hour").filter(**words)
        yield from _opened(kept, "at", bucket, {name: Sum(name) for name in STATUSES})
    at_ends = parts.at_ends("created_at")
    if at_ends is not None:
        read = visible_sessions(viewer).filter(at_ends, **words).order_by()
        counts = {f"n_{name}": Count("pk", filter=Q(status=name)) for name in STATUSES}
        yield from _opened(read, "created_at", bucket, counts)


def _opened(rows: QuerySet[Any], column: str, bucket: str, sums: dict[str, Any]) -> Iterator[Opened]:
    at = Trunc(column, bucket, tzinfo=UTC)
    grouped = rows.annotate(bucket=at).values("bucket", "network", "currency").annotate(**sums)
    for moment, network, currency, *counts in grouped.values_list("bucket", "network", "currency", *sums):
        yield Opened(moment, network, currency, tuple(int(count or 0) for count in counts))


def count_opened(
    viewer: Viewer, start: datetime | None = None, end: datetime | None = None, **words: str
) -> dict[str, int]:
    """How many in each status, those without any included."""
    sums = [0] * len(STATUSES)
    for row in opened(viewer, start, end, "month", **words):
        sums = [before + more for before, more in zip(sums, row.counts, strict=True)]
    return dict(zip(STATUSES, sums, strict=True))


# Movements, by when they were first seen ---------------------------------------------------------------------
TYPES = tuple(ChainTransaction.Type.values)


@dataclass(frozen=True, slots=True)
class Seen:
    """How many movements were first seen in a bucket of time, in the order of `TYPES`, and what they were credited."""

    at: datetime
    counts: tuple[int, ...]
    volume_minor: int


def seen(viewer: Viewer, start: datetime | None, end: datetime | None, bucket: str, **words: str) -> Iterator[Seen]:
    """An api_user sees no movements."""
    if viewer.user.role == Role.API_USER:
        return
    parts = cut(viewer, start, end)
    if parts.whole:
        rows = scope(TransferFigure.objects.filter(**words), viewer)
        kept = rows.filter(_within(parts.whole, "hour", "day", "at", hourly=bucket == "hour")).order_by()
        grouped: QuerySet[Any, Any] = kept.annotate(bucket=Trunc("at", bucket, tzinfo=UTC)).values("bucket")
        for row in grouped.annotate(**{f"sum_{name}": each for name, each in (_TYPES | _MONEY).items()}):
            yield Seen(row["bucket"], tuple(int(row[f"sum_{name}"] or 0) for name in TYPES), _minor(row)[0])
    at_ends = parts.at_ends("created_at")
    if at_ends is not None:
        yield from _seen_rows(visible_transactions(viewer).filter(at_ends, **words).order_by(), bucket)


def _seen_rows(rows: QuerySet[ChainTransaction], bucket: str) -> Iterator[Seen]:
    counts: dict[str, Any] = {f"sum_{name}": Count("pk", filter=Q(type=name)) for name in TYPES}
    counts["volume"] = ExactSum("credited_minor", filter=CREDITED)
    grouped: QuerySet[Any, Any] = rows.annotate(bucket=Trunc("created_at", bucket, tzinfo=UTC)).values("bucket")
    for row in grouped.annotate(**counts):
        yield Seen(row["bucket"], tuple(row[f"sum_{name}"] for name in TYPES), int(row["volume"] or 0))


# Credits, by when they were credited ---------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Credited:
    """What was credited on one network in one currency in a bucket of time, in minor units."""

    at: datetime
    network: str
    currency: str
    volume_minor: int
    fee_minor: int
    credits: int


def credited(viewer: Viewer, start: datetime | None, end: datetime | None, bucket: str) -> Iterator[Credited]:
    """By when it was credited. What was credited at no known moment belongs to no period."""
    parts = cut(viewer, start, end)
    if parts.whole:
        kept = _credit_figures(viewer, parts.whole, hourly=bucket == "hour")
        grouped = kept.annotate(bucket=Trunc("moment", bucket, tzinfo=UTC)).values("bucket", "network", "currency")
        for row in grouped.annotate(**{f"sum_{name}": each for name, each in _MONEY.items()}):
            yield Credited(row["bucket"], row["network"], row["currency"], *_minor(row))
    at_ends = parts.at_ends("confirmed_at")
    if at_ends is not None:
        yield from _credited_rows(visible_credits(viewer).filter(at_ends).order_by(), bucket)


def _credit_figures(viewer: Viewer, whole: tuple[datetime, datetime], *, hourly: bool) -> QuerySet[Any]:
    rows = scope(TransferFigure.objects.all(), viewer)
    rows = rows.filter(_within(whole, "credit_hour", "credit_day", "credited_at", hourly=hourly)).order_by()
    return rows.annotate(moment=Case(When(kind="change", then=F("credited_at")), default=F("at")))


def _minor(row: dict[str, Any]) -> tuple[int, int, int]:
    sums = {name: int(row[f"sum_{name}"] or 0) for name in _MONEY}
    volume = sums["credited_whole"] * _ONE + sums["credited_rest"]
    return volume, sums["fee_whole"] * _ONE + sums["fee_rest"], sums["credits"]


def _credited_rows(rows: QuerySet[ChainTransaction], bucket: str) -> Iterator[Credited]:
    sums: dict[str, Any] = {
        "volume": ExactSum("credited_minor"), "fee": ExactSum("fee_minor"), "credits": Count("pk"),
    }
    at = Trunc("confirmed_at", bucket, tzinfo=UTC)
    grouped: QuerySet[Any, Any] = rows.annotate(bucket=at).values("bucket", "network", "currency")
    for row in grouped.annotate(**sums):
        yield Credited(
            row["bucket"], row["network"], row["currency"], *(int(row[name] or 0) for name in sums)
        )


def credited_since(viewer: Viewer, midnight: datetime | None) -> tuple[int, int]:
    """Volume and fee since a midnight; None: ever, whenever that was."""
    if viewer.user.role == Role.API_USER:
        return 0, 0
    rows = scope(TransferFigure.objects.all(), viewer)
    since = Q(kind="change") | Q(kind="credit_day")
    if midnight is not None:
        since = Q(kind="change", credited_at__gte=midnight) | Q(kind="credit_day", at__gte=midnight, at__lt=NEVER)
    found = rows.filter(since).aggregate(**{f"sum_{name}": each for name, each in _MONEY.items()})
    return _minor(found)[:2]
