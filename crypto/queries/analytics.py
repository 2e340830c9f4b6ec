"""What happened in a period: sessions by when they were opened, money by when it was credited. All in UTC.

Sessions are counted with what has become of them by now, so a rate never exceeds 100. Money is the credits of the
period: one row each in the list of transactions, one posting each in the ledger, whenever their session was opened.
The sums are kept (`crypto.queries.figures`), and are those of a direct count at every moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.db.models.functions import ExtractHour
from django.utils import timezone

from accounts.actors import Viewer, scope
from crypto.models import Session, SessionFigure
from crypto.queries.figures import DAY, STATUSES, Opened, credited, cut, opened, session_figures
from crypto.queries.sessions import visible_sessions

DAYS = {"7d": 7, "30d": 30, "90d": 90, "1y": 365}
PERIODS = ("24h", *DAYS, "all")
GROUPS = ("hour", "day", "week", "month")
MOST_BUCKETS = 10_000
_TOP = 5
Status = Session.Status


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, not including, `end`."""

    name: str
    start: datetime
    end: datetime


@dataclass(slots=True)
class Tally:
    """`volume_minor` before the fee, `fee_minor` with its tax; `credits` is how many transfers that was."""

    sessions: int = 0
    paid: int = 0
    failed: int = 0
    expired: int = 0
    volume_minor: int = 0
    fee_minor: int = 0
    credits: int = 0

    @property
    def net_minor(self) -> int:
        return self.volume_minor - self.fee_minor

    def count(self, row: Opened) -> None:
        for status, sessions in zip(STATUSES, row.counts, strict=True):
            self.sessions += sessions
            if status != Status.PENDING:
                setattr(self, status, getattr(self, status) + sessions)

    def credit(self, volume_minor: int, fee_minor: int, credits: int) -> None:
        self.volume_minor += volume_minor
        self.fee_minor += fee_minor
        self.credits += credits


@dataclass(slots=True)
class Analytics:
    total: Tally = field(default_factory=Tally)
    networks: dict[str, Tally] = field(default_factory=dict)
    currencies: dict[str, Tally] = field(default_factory=dict)
    timeline: dict[datetime, Tally] = field(default_factory=dict)
    hours: list[tuple[int, int]] = field(default_factory=list)  # hour of the day, sessions opened
    amounts: list[tuple[int, int]] = field(default_factory=list)  # minor units asked for, sessions paid


def period_of(viewer: Viewer, name: str, now: datetime | None = None) -> Period:
    """The last 24 hours to the second; or today and so many days before it; or all there is."""
    now = now or timezone.now()
    tomorrow = _midnight(now) + timedelta(days=1)
    if name == "24h":
        return Period(name, now - timedelta(hours=24), now)
    if name in DAYS:
        return Period(name, tomorrow - timedelta(days=DAYS[name] + 1), tomorrow)
    first = visible_sessions(viewer).aggregate(first=Min("created_at"))["first"] or now
    return Period(name, _midnight(first), tomorrow)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def analytics(viewer: Viewer, period: Period, group_by: str) -> Analytics:
    """Everything about a period, its time line without holes."""
    found = Analytics(timeline={start: Tally() for start in buckets(period, group_by)})
    for row in opened(viewer, period.start, period.end, group_by):
        for tally in _tallies(found, row.at, row.network, row.currency):
            tally.count(row)
    for sums in credited(viewer, period.start, period.end, group_by):
        for tally in _tallies(found, sums.at, sums.network, sums.currency):
            tally.credit(sums.volume_minor, sums.fee_minor, sums.credits)
    found.hours = _busiest_hours(viewer, period)
    found.amounts = _usual_amounts(viewer, period)
    return found


def tally_of(viewer: Viewer, period: Period) -> Tally:
    """The sums of a period alone."""
    made = Tally()
    for row in opened(viewer, period.start, period.end, "month"):
        made.count(row)
    for sums in credited(viewer, period.start, period.end, "month"):
        made.credit(sums.volume_minor, sums.fee_minor, sums.credits)
    return made


def buckets(period: Period, group_by: str) -> Iterator[datetime]:
    """The start of each hour, day, week (Monday) or month that the period touches."""
    at = _floor(period.start, group_by)
    while at < period.end:
        yield at
        at = _next(at, group_by)


def bucket_count(period: Period, group_by: str) -> int:
    """About how many there are; cheap for any period."""
    hours = {"hour": 1, "day": 24, "week": 168, "month": 720}[group_by]
    return int((period.end - period.start) / timedelta(hours=hours)) + 1


def _floor(moment: datetime, group_by: str) -> datetime:
    if group_by == "hour":
        return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = _midnight(moment)
    if group_by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if group_by == "month" else day


def _next(at: datetime, group_by: str) -> datetime:
    if group_by == "month":
        return (at + timedelta(days=32)).replace(day=1)
    return at + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}[group_by]


def _tallies(found: Analytics, at: datetime, network: str, currency: str) -> list[Tally]:
    return [
        found.total, found.timeline[at], found.networks.setdefault(network, Tally()),
        found.currencies.setdefault(currency, Tally()),
    ]


def _busiest_hours(viewer: Viewer, period: Period) -> list[tuple[int, int]]:
    parts, found = cut(viewer, period.start, period.end), Counter[int]()
    if parts.whole:
        kept = session_figures(viewer, parts.whole, hourly=True)
        found.update(_by_hour(kept, "at", sum(Sum(name) for name in STATUSES)))
    at_ends = parts.at_ends("created_at")
    if at_ends is not None:
        found.update(_by_hour(visible_sessions(viewer).filter(at_ends).order_by(), "created_at", Count("pk")))
    return _top(found)


def _by_hour(rows: QuerySet[Any], column: str, count: Any) -> dict[int, int]:
    grouped = rows.annotate(hour=ExtractHour(column, tzinfo=UTC)).values_list("hour").annotate(count=count)
    return {hour: int(count) for hour, count in grouped}


def _top(found: Counter[int]) -> list[tuple[int, int]]:
    return sorted(((+found).items()), key=lambda item: (-item[1], item[0]))[:_TOP]


def _usual_amounts(viewer: Viewer, period: Period) -> list[tuple[int, int]]:
    """An amount that only the kept days have is among the first of them, or among none."""
    parts, found = cut(viewer, period.start, period.end, DAY), Counter[int]()
    at_ends = parts.at_ends("created_at")
    if at_ends is not None:
        read = visible_sessions(viewer).filter(at_ends, status=Status.PAID).order_by()
        found.update(dict(read.values_list("amount_minor").annotate(count=Count("pk"))))
    if parts.whole:
        kept = _prices(viewer, parts.whole)
        first = dict(kept.order_by("-count", "amount_minor")[:_TOP])
        also = dict(kept.filter(amount_minor__in=set(found) - set(first))) if found else {}
        found.update({amount: int(count) for amount, count in (first | also).items()})
    return _top(found)


def _prices(viewer: Viewer, days: tuple[datetime, datetime]) -> QuerySet[Any]:
    kinds = Q(kind=SessionFigure.Kind.PRICE) | Q(kind=SessionFigure.Kind.CHANGE)
    rows = scope(SessionFigure.objects.filter(kinds, at__gte=days[0], at__lt=days[1]), viewer)
    return rows.order_by().values_list("amount_minor").annotate(count=Sum("paid"))
