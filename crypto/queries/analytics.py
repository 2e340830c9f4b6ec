"""What happened in a period: sessions by when they were opened, money by when it was credited. All in UTC.

Sessions are counted with what has become of them by now, so a rate never exceeds 100. Money is the credits of the
period: one row each in the list of transactions, one posting each in the ledger, whenever their session was opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.db.models.functions import ExtractHour, Trunc
from django.utils import timezone

from accounts.actors import Viewer
from crypto.models import ChainTransaction, Session
from crypto.queries.sessions import visible_sessions
from crypto.queries.transactions import visible_credits
from gateway.lib.sums import ExactSum

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

    def count(self, status: str, sessions: int) -> None:
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
    sessions = _opened(viewer, period)
    for at, network, currency, status, count in _by_bucket(sessions, "created_at", group_by, "status"):
        for tally in _tallies(found, at, network, currency):
            tally.count(status, count)
    for at, network, currency, *sums in _credits_by_bucket(_credited(viewer, period), group_by):
        for tally in _tallies(found, at, network, currency):
            tally.credit(*(int(value or 0) for value in sums))
    found.hours = _busiest_hours(sessions)
    found.amounts = _usual_amounts(sessions)
    return found


def tally_of(viewer: Viewer, period: Period) -> Tally:
    """The sums of a period alone."""
    made = Tally()
    for status, count in _opened(viewer, period).order_by().values_list("status").annotate(count=Count("pk")):
        made.count(status, count)
    sums = _credited(viewer, period).order_by().aggregate(**_SUMS)
    made.credit(*(int(sums[name] or 0) for name in _SUMS))
    return made


_SUMS: dict[str, Any] = {
    "volume": ExactSum("credited_minor"), "fee": ExactSum("fee_minor"), "credits": Count("pk"),
}


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


def _opened(viewer: Viewer, period: Period) -> QuerySet[Session]:
    return visible_sessions(viewer).filter(created_at__gte=period.start, created_at__lt=period.end)


def _credited(viewer: Viewer, period: Period) -> QuerySet[ChainTransaction]:
    return visible_credits(viewer).filter(confirmed_at__gte=period.start, confirmed_at__lt=period.end)


def _by_bucket(rows: QuerySet[Any], column: str, group_by: str, *more: str) -> Any:
    at = Trunc(column, group_by, tzinfo=UTC)
    grouped = rows.order_by().annotate(at=at).values_list("at", "network", "currency", *more)
    return grouped.annotate(count=Count("pk"))


def _credits_by_bucket(rows: QuerySet[ChainTransaction], group_by: str) -> Any:
    at = Trunc("confirmed_at", group_by, tzinfo=UTC)
    return rows.order_by().annotate(at=at).values_list("at", "network", "currency").annotate(**_SUMS)


def _busiest_hours(rows: QuerySet[Session]) -> list[tuple[int, int]]:
    grouped = rows.order_by().annotate(hour=ExtractHour("created_at", tzinfo=UTC)).values_list("hour")
    return list(grouped.annotate(count=Count("pk")).order_by("-count", "hour")[:_TOP])


def _usual_amounts(rows: QuerySet[Session]) -> list[tuple[int, int]]:
    paid = rows.filter(status=Status.PAID).order_by().values_list("amount_minor")
    return list(paid.annotate(count=Count("pk")).order_by("-count", "amount_minor")[:_TOP])
