"""What is answered about a period, and by the overview."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, TypedDict, cast

from django.utils import timezone

from accounts.actors import Viewer
from crypto.models import Session, Withdrawal
from crypto.queries.addresses import needing_sweep
from crypto.queries.analytics import Analytics, Period, Tally, tally_of
from crypto.queries.balances import available, calendar, pending_by_currency
from crypto.queries.figures import count_opened
from crypto.queries.sessions import visible_sessions
from crypto.queries.withdrawals import visible_withdrawals
from crypto.rates import usd_total
from gateway.contracts.dashboard.answers.kinds import (
    Amount,
    Currency,
    Dollars,
    Network,
    Number,
    SessionStatus,
    Timestamp,
    Uuid,
)
from gateway.contracts.dashboard.words import amount, number, percent, short, timestamp

_RECENT = 5


class AnalyticsOverview(TypedDict):
    """Sessions opened in the period, by what became of them, and the money credited in it, before fees."""

    total_sessions: int
    successful_sessions: int
    failed_sessions: int
    expired_sessions: int
    success_rate: float
    total_volume: Amount
    total_volume_usd: Dollars
    average_transaction: Amount
    platform_fees: Amount


class NetworkShare(TypedDict):
    """`sessions` are the successful ones, `percentage` is of the volume."""

    network: Network
    sessions: int
    volume: Amount
    percentage: float


class CurrencyShare(TypedDict):
    currency: Currency
    sessions: int
    volume: Amount
    percentage: float


class Bucket(TypedDict):
    """`date`: a day, the Monday of a week, the first of a month; or the start of an hour."""

    date: str
    sessions: int
    successful: int
    volume: Amount


class TopHour(TypedDict):
    hour: int
    sessions: int
    label: str


class TopAmount(TypedDict):
    amount: str
    count: int


class AnalyticsBody(TypedDict):
    period: Literal["24h", "7d", "30d", "90d", "1y", "all", "custom"]
    start_date: Timestamp
    end_date: Timestamp
    overview: AnalyticsOverview
    by_network: list[NetworkShare]
    by_currency: list[CurrencyShare]
    timeline: list[Bucket]
    top_hours: list[TopHour]
    top_amounts: list[TopAmount]


class OverviewBalance(TypedDict):
    available: Amount
    pending: Amount


class OverviewPeriod(TypedDict):
    """`volume` was credited before fees, `revenue` after them."""

    sessions: int
    successful: int
    volume: Amount
    revenue: Amount


class RecentSession(TypedDict):
    session_id: Uuid
    reference: str
    amount: Number
    status: SessionStatus
    created_at: Timestamp


class PendingActions(TypedDict):
    pending_sessions: int
    addresses_needing_sweep: int
    pending_withdrawals: int


class OverviewBody(TypedDict):
    balance: OverviewBalance
    today: OverviewPeriod
    this_week: OverviewPeriod
    this_month: OverviewPeriod
    recent_sessions: list[RecentSession]
    pending_actions: PendingActions


def analytics(found: Analytics, period: Period, group_by: str) -> AnalyticsBody:
    volume = found.total.volume_minor
    return {
        "period": cast(Literal["custom"], period.name),
        "start_date": timestamp(period.start),
        "end_date": timestamp(period.end - timedelta(microseconds=1)),
        "overview": _overview(found),
        "by_network": [
            {
                "network": cast(Network, name), "sessions": row.paid, "volume": amount(row.volume_minor),
                "percentage": percent(row.volume_minor, volume),
            }
            for name, row in _largest(found.networks)
        ],
        "by_currency": [
            {
                "currency": cast(Currency, name), "sessions": row.paid, "volume": amount(row.volume_minor),
                "percentage": percent(row.volume_minor, volume),
            }
            for name, row in _largest(found.currencies)
        ],
        "timeline": [_bucket(at, row, group_by) for at, row in found.timeline.items()],
        "top_hours": [{"hour": hour, "sessions": count, "label": _label(hour)} for hour, count in found.hours],
        "top_amounts": [{"amount": short(minor), "count": count} for minor, count in found.amounts],
    }


def _overview(found: Analytics) -> AnalyticsOverview:
    total = found.total
    volumes = {name: row.volume_minor for name, row in found.currencies.items()}
    return {
        "total_sessions": total.sessions,
        "successful_sessions": total.paid,
        "failed_sessions": total.failed,
        "expired_sessions": total.expired,
        "success_rate": percent(total.paid, total.sessions),
        "total_volume": amount(total.volume_minor),
        "total_volume_usd": cast(float, usd_total(volumes)),
        "average_transaction": amount(total.volume_minor // total.credits if total.credits else 0),
        "platform_fees": amount(total.fee_minor),
    }


def _largest(tallies: dict[str, Tally]) -> list[tuple[str, Tally]]:
    return sorted(tallies.items(), key=lambda item: (-item[1].volume_minor, -item[1].paid, item[0]))


def _bucket(at: datetime, row: Tally, group_by: str) -> Bucket:
    return {
        "date": timestamp(at) if group_by == "hour" else f"{at:%Y-%m-%d}",
        "sessions": row.sessions, "successful": row.paid, "volume": amount(row.volume_minor),
    }


def _label(hour: int) -> str:
    return f"{hour % 12 or 12}:00 {'AM' if hour < 12 else 'PM'}"


def overview(viewer: Viewer) -> OverviewBody:
    starts = calendar(timezone.now())
    midnight = starts["today"] + timedelta(days=1)  # whole days are kept, and nothing is of the future
    periods = {name: _period(viewer, Period(name, start, midnight)) for name, start in starts.items()}
    sessions = visible_sessions(viewer)
    return {
        "balance": {
            "available": amount(sum(row.minor for row in available(viewer))),
            "pending": amount(sum(pending_by_currency(viewer).values())),
        },
        "today": periods["today"],
        "this_week": periods["this_week"],
        "this_month": periods["this_month"],
        "recent_sessions": [_recent(row) for row in sessions[:_RECENT]],
        "pending_actions": {
            "pending_sessions": count_opened(viewer)[Session.Status.PENDING],
            "addresses_needing_sweep": needing_sweep(viewer).count(),
            "pending_withdrawals": visible_withdrawals(viewer).filter(status=Withdrawal.Status.PENDING).count(),
        },
    }


def _period(viewer: Viewer, period: Period) -> OverviewPeriod:
    tally = tally_of(viewer, period)
    return {
        "sessions": tally.sessions, "successful": tally.paid, "volume": amount(tally.volume_minor),
        "revenue": amount(tally.net_minor),
    }


def _recent(row: Session) -> RecentSession:
    return {
        "session_id": str(row.pk),
        "reference": row.reference,
        "amount": cast(float, number(row.amount_minor, row.currency)),
        "status": cast(SessionStatus, row.status),
        "created_at": timestamp(row.created_at),
    }
