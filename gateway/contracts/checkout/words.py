"""The checkout contract's own words for the core's statuses and values; the only place that knows both."""

from __future__ import annotations

from datetime import UTC, datetime

from payments.models import Order, Payment, Refund
from webhooks.models import Delivery

ORDER_STATUSES: dict[str, str] = {status: status for status in Order.Status.values}
PAYMENT_STATUSES: dict[str, str] = {
    Payment.Status.CREATED: "CREATED",
    Payment.Status.PROCESSING: "PROCESSING",
    Payment.Status.SUCCEEDED: "SUCCESS",
    Payment.Status.FAILED: "FAILED",
}
REFUND_STATUSES: dict[str, str] = {
    Refund.Status.PENDING: "pending",
    Refund.Status.PROCESSED: "PROCESSED",
    Refund.Status.FAILED: "FAILED",
}
DELIVERY_STATUSES: dict[str, str] = {
    Delivery.Status.PENDING: "pending",
    Delivery.Status.SUCCEEDED: "success",
    Delivery.Status.RETRYING: "retrying",
    Delivery.Status.FAILED: "failed",
}


def timestamp(moment: datetime) -> str:
    """`2026-01-16T11:01:02.771058Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
