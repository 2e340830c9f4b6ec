"""A merchant's own figures in one mode, counted by the database: payments, refunds, webhooks, and how long payments
took from creation to their final status (percentiles interpolated, as PostgreSQL's `percentile_cont` does).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypedDict

from django.db import connection
from django.db.models import Aggregate, Avg, Count, DurationField, F, Max, Min, Q, QuerySet, Sum

from accounts.actors import Viewer
from payments.models import Payment, Refund
from payments.queries import visible_payments, visible_refunds
from webhooks.models import Delivery, Endpoint
from webhooks.queries import deliveries


class PaymentFigures(TypedDict):
    total: int
    success: int
    failed: int
    processing: int
    success_rate_pct: float
    failure_rate_pct: float


class RefundFigures(TypedDict):
    total: int
    processed: int
    failed: int
    pending: int
    success_rate_pct: float


class WebhookFigures(TypedDict):
    """`retries`: attempts beyond the first of each delivery."""

    total: int
    failed: int
    retries: int
    success_rate_pct: float


class Latency(TypedDict):
    avg: float
    min: float
    max: float
    p50: float
    p95: float


class StatsBody(TypedDict):
    payments: PaymentFigures
    refunds: RefundFigures
    webhooks: WebhookFigures
    latency_sec: Latency


def stats(viewer: Viewer) -> StatsBody:
    payments = visible_payments(viewer).select_related(None).order_by()
    return {
        "payments": _payments(payments),
        "refunds": _refunds(visible_refunds(viewer).select_related(None).order_by()),
        "webhooks": _webhooks(deliveries(viewer).select_related(None).order_by()),
        "latency_sec": _latency(payments.filter(completed_at__isnull=False)),
    }


def _payments(rows: QuerySet[Payment]) -> PaymentFigures:
    status = Payment.Status
    found = rows.aggregate(
        total=Count("id"),
        success=Count("id", filter=Q(status=status.SUCCEEDED)),
        failed=Count("id", filter=Q(status=status.FAILED)),
        processing=Count("id", filter=Q(status=status.PROCESSING)),
    )
    rates = {
        "success_rate_pct": _percent(found["success"], found["total"]),
        "failure_rate_pct": _percent(found["failed"], found["total"]),
    }
    return {**found, **rates}  # type: ignore[typeddict-item]


def _refunds(rows: QuerySet[Refund]) -> RefundFigures:
    status = Refund.Status
    found = rows.aggregate(
        total=Count("id"),
        processed=Count("id", filter=Q(status=status.PROCESSED)),
        failed=Count("id", filter=Q(status=status.FAILED)),
        pending=Count("id", filter=Q(status=status.PENDING)),
    )
    return {**found, "success_rate_pct": _percent(found["processed"], found["total"])}  # type: ignore[typeddict-item]


def _webhooks(rows: QuerySet[Delivery]) -> WebhookFigures:
    status = Delivery.Status
    found = rows.filter(endpoint__contract=Endpoint.Contract.CHECKOUT).aggregate(
        total=Count("id"),
        succeeded=Count("id", filter=Q(status=status.SUCCEEDED)),
        failed=Count("id", filter=Q(status=status.FAILED)),
        retries=Sum(F("attempt_count") - 1, filter=Q(attempt_count__gt=1), default=0),
    )
    return {
        "total": found["total"],
        "failed": found["failed"],
        "retries": found["retries"],
        "success_rate_pct": _percent(found["succeeded"], found["total"]),
    }


def _percent(part: int, whole: int) -> float:
    return _short(100 * part / whole) if whole else 0


def _short(value: float) -> float:
    """Three places are plenty; a whole number is written as one."""
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


class _Percentile(Aggregate):
    """`percentile_cont(share) WITHIN GROUP (ORDER BY …)`."""

    function = "PERCENTILE_CONT"
    name = "Percentile"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()

    def __init__(self, expression: str, *, share: float) -> None:
        super().__init__(expression, share=repr(share))


def _latency(rows: QuerySet[Payment]) -> Latency:
    timed = rows.annotate(took=F("completed_at") - F("created_at"))
    found = timed.aggregate(count=Count("id"), avg=Avg("took"), min=Min("took"), max=Max("took"))
    count = found.pop("count")
    found |= _percentiles(timed, count)
    return {name: _seconds(value) for name, value in found.items()}  # type: ignore[return-value]


_SHARES = {"p50": 0.5, "p95": 0.95}


def _percentiles(timed: QuerySet[Any], count: int) -> dict[str, timedelta | None]:
    if connection.vendor == "postgresql":
        return timed.aggregate(**{name: _Percentile("took", share=share) for name, share in _SHARES.items()})
    return {name: _interpolated(timed, share * (count - 1)) if count else None for name, share in _SHARES.items()}


def _interpolated(timed: QuerySet[Any], position: float) -> timedelta:
    """Between the two values around `position` in the sorted list: what `percentile_cont` computes."""
    lower = int(position)
    near: list[timedelta] = list(timed.order_by("took").values_list("took", flat=True)[lower : lower + 2])
    return near[0] + (near[-1] - near[0]) * (position - lower)


def _seconds(took: timedelta | None) -> float:
    return _short(took.total_seconds()) if took else 0
