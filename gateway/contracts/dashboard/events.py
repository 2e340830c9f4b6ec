"""This contract's webhooks: one flat payload for every event about a session."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from crypto.models import Session
from crypto.queries.sessions import first_transfer
from crypto.queries.transactions import confirmations, heads
from gateway.contracts.dashboard.words import number, timestamp

Payload = dict[str, Any]
# Core event → this contract's; what is not listed is not told here.
NAMES = {
    "session.paid": "payment.confirmed",
    "session.failed": "payment.failed",
    "session.expired": "session.expired",
}


def render(event_type: str, subject: Any) -> tuple[str, Payload] | None:
    name = NAMES.get(event_type)
    if name is None:
        return None
    assert isinstance(subject, Session)
    transfer = first_transfer(subject)
    return name, {
        "event": name,
        "session_id": str(subject.pk),
        "reference": subject.reference,
        "amount": _json(number(subject.amount_minor, subject.currency)),
        "paid_amount": _json(number(subject.received_minor, subject.currency)),
        "currency": subject.currency,
        "network": subject.network_id,
        "status": subject.status,
        "blockchain_tx_hash": subject.transaction_hash or None,
        "confirmations": confirmations(transfer, heads(subject.mode)) if transfer else 0,
        "metadata": subject.metadata,
        "timestamp": timestamp(timezone.now()),
    }


def _json(value: Any) -> int | float:
    """Payloads are plain JSON: an amount that a float cannot show exactly is told by the session itself."""
    return value if isinstance(value, (int, float)) else float(value)


def sample(name: str) -> Payload:
    """For a test delivery: the original's own session, marked as a test."""
    paid = name == "payment.confirmed"
    return {
        "event": name,
        "session_id": "11fec830-6b48-4e1e-b504-eef2ad0bbc01",
        "reference": "ORDER-12345",
        "amount": 100,
        "paid_amount": 100 if paid else 0,
        "currency": "USDT",
        "network": "BSC",
        "status": {"payment.confirmed": "paid", "payment.failed": "failed"}.get(name, "expired"),
        "blockchain_tx_hash": "0x" + "0" * 64 if paid else None,
        "confirmations": 12 if paid else 0,
        "metadata": {"order_id": "12345"},
        "timestamp": timestamp(timezone.now()),
        "test": True,
    }
