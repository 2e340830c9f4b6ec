"""The portal's webhook payloads: the six events of the original, in its own words."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.models import User
from gateway.contracts.portal.words import PAYMENT_STATUSES, PAYOUT_STATUSES, timestamp
from gateway.lib.money import Money
from payments.models import Payment
from payouts.models import Payout

Payload = dict[str, Any]
# Core event → this contract's; what is not listed is not told here.
NAMES = {
    "payment.succeeded": "payment.completed",
    "payment.failed": "payment.failed",
    "payout.processed": "payout.processed",
    "payout.rejected": "payout.rejected",
    "user.created": "user.created",
    "user.suspended": "user.suspended",
}


def render(event_type: str, subject: Any) -> tuple[str, Payload] | None:
    name = NAMES.get(event_type)
    if name is None:
        return None
    fill = next(fill for kind, fill in _FILLERS.items() if isinstance(subject, kind))
    return name, {"event": name} | fill(subject) | {"timestamp": timestamp(timezone.now())}


def sample(name: str) -> Payload:
    """For a test delivery: the original's own sample in that event's fields, marked as a test."""
    about = _SAMPLE_USER if name.startswith("user.") else _sample_money(name)
    return {"event": name} | about | {"test": True, "timestamp": timestamp(timezone.now())}


_SAMPLE_USER = {"user_id": "usr_0000000000000000", "role": "api_user", "email": "jane@example.com"}


def _sample_money(name: str) -> Payload:
    subject, _, status = name.partition(".")
    own = {"transaction_id": "pay_0000000000000000"} if subject == "payment" else {"payout_id": "pout_0000000000000000"}
    done = status in ("completed", "processed")
    return {
        "order_id": "TXN-2026-001", "amount": 5000, "currency": "INR", "status": status, "payer": "Jane Smith",
        **own, "utr": "000000000000" if done else None,
    }


def _payment(row: Payment) -> Payload:
    return {
        "order_id": str(row.order),
        "amount": row.gross.number,
        "currency": row.currency,
        "status": PAYMENT_STATUSES[row.status],
        "payer": row.payer_name or None,
        "transaction_id": row.public_id,
        "utr": row.utr or None,
    }


def _payout(row: Payout) -> Payload:
    """The payer of a payout is the merchant whose money it is."""
    return {
        "order_id": row.reference,
        "amount": Money(row.amount_minor, row.currency).number,
        "currency": row.currency,
        "status": PAYOUT_STATUSES[row.status],
        "payer": row.merchant.name,
        "payout_id": row.public_id,
        "utr": row.utr or None,
    }


def _user(row: User) -> Payload:
    return {"user_id": row.public_id, "role": row.role, "email": row.email}


_FILLERS: dict[type[Any], Any] = {Payment: _payment, Payout: _payout, User: _user}
