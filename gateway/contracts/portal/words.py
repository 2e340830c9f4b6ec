"""The portal's own words for the core's statuses, roles and values; the only place that knows both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from accounts.models import Role
from gateway.lib.money import Money
from payments.models import Payment
from payouts.models import Payout

PAYMENT_STATUSES: dict[str, str] = {
    Payment.Status.CREATED: "pending",
    Payment.Status.PROCESSING: "processing",
    Payment.Status.SUCCEEDED: "completed",
    Payment.Status.FAILED: "failed",
}
PAYOUT_STATUSES: dict[str, str] = {
    Payout.Status.PENDING: "pending",
    Payout.Status.APPROVED: "approved",
    Payout.Status.PROCESSING: "processing",
    Payout.Status.PROCESSED: "processed",
    Payout.Status.REJECTED: "rejected",
    Payout.Status.FAILED: "rejected",
}
# What a body may say for a role: the core's words, and the original's other name for a merchant.
ROLES: dict[str, str] = {role: role for role in Role.values} | {"partner_api": Role.MERCHANT.value}


def core_statuses(words: dict[str, str], word: str) -> list[str]:
    """The core's statuses that this contract calls `word`."""
    return [status for status, name in words.items() if name == word]


def timestamp(moment: datetime) -> str:
    """`2026-04-05T06:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe_timestamp(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None


def number(minor: int, currency: str) -> float:
    """Rupees (or tokens) as a JSON number with exactly its digits: `5000`, `5.9`."""
    return cast(float, Money(minor, currency).exact_number)
