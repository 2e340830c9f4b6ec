"""The signed contract's own words for the core's statuses and values; the only place that knows both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

from gateway.lib.money import Money
from payments.models import Payment
from payouts.models import Payout

PAYMENT_STATUSES: dict[str, str] = {
    Payment.Status.CREATED: "Pending",
    Payment.Status.PROCESSING: "Pending",
    Payment.Status.SUCCEEDED: "Approved",
    Payment.Status.FAILED: "Rejected",
}
PAYOUT_STATUSES: dict[str, str] = {
    Payout.Status.PENDING: "Pending",
    Payout.Status.APPROVED: "Pending",
    Payout.Status.PROCESSING: "Pending",
    Payout.Status.PROCESSED: "Approved",
    Payout.Status.REJECTED: "Rejected",
    Payout.Status.FAILED: "Rejected",
}
_INDIA = ZoneInfo("Asia/Kolkata")


def timestamp(moment: datetime) -> str:
    """`2025-07-29T16:23:48.000000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def indian_time(moment: datetime) -> str:
    """`2025-08-04 16:58:30`, the one time that this contract does not tell in UTC."""
    return moment.astimezone(_INDIA).strftime("%Y-%m-%d %H:%M:%S")


def number(minor: int, currency: str) -> float:
    """Rupees as a JSON number with exactly its digits: `100`, `5.9`."""
    return cast(float, Money(minor, currency).exact_number)


def payout_message(row: Payout, *, approved: str) -> str:
    """A sentence for a person; the original has two for a payout that was paid."""
    status = PAYOUT_STATUSES[row.status]
    if status == "Approved":
        return approved
    if status == "Pending":
        return "Payout has been processing."
    reason = row.failure_reason.strip().rstrip(".")
    return f"Payout has been rejected. {reason}." if reason else "Payout has been rejected."
