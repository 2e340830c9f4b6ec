"""Which period a call asks for, and how its time line is cut."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from accounts.actors import Viewer
from crypto.queries.analytics import GROUPS, MOST_BUCKETS, PERIODS, Period, bucket_count, period_of
from gateway.contracts.dashboard.errors import InvalidParameter
from gateway.contracts.dashboard.filters import DashboardFilters, Sort
from gateway.contracts.filters import MomentFilter


class PeriodFilters(DashboardFilters):
    """Read by its form alone: it narrows no rows."""

    period = Sort(PERIODS)
    start_date = MomentFilter(method="as_order")
    end_date = MomentFilter(as_end=True, method="as_order")
    group_by = Sort(GROUPS)


def chosen_period(query: QueryDict, viewer: Viewer) -> tuple[Period, str]:
    """`period` (30d), or from `start_date` to `end_date`, both included; and `group_by` (day)."""
    chosen = PeriodFilters.chosen(query)
    period = period_of(viewer, chosen.get("period") or "30d")
    period = _between(chosen, period)
    group_by = chosen.get("group_by") or "day"
    if bucket_count(period, group_by) > MOST_BUCKETS:
        larger = [name for name in GROUPS if bucket_count(period, name) <= MOST_BUCKETS]
        raise InvalidParameter("group_by", f"would make more than {MOST_BUCKETS} rows of this period", larger)
    return period, group_by


def _between(chosen: dict[str, Any], period: Period) -> Period:
    start: datetime | None = chosen.get("start_date")
    end: datetime | None = chosen.get("end_date")
    if start is None and end is None:
        return period
    last = (end or timezone.now()) + timedelta(microseconds=1)
    first = start or last - (period.end - period.start)
    if first >= last:
        raise InvalidParameter("start_date", "must not be after end_date")
    return Period("custom", first, last)
