"""This contract's webhooks: one flat payload for every event about a session, and, for those who name them, one for
every withdrawal that has ended.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from crypto.models import Session, Withdrawal
from crypto.queries.sessions import first_transfer
from crypto.queries.transactions import confirmations, heads
from gateway.contracts.dashboard.words import number, timestamp

Payload = dict[str, Any]
# Core event → this contract's; what is not listed is not told here.
NAMES = {
    "session.paid": "payment.confirmed",
    "session.failed": "payment.failed",
    "session.expired": "session.expired",
    "withdrawal.completed": "withdrawal.completed",
    "withdrawal.failed": "withdrawal.failed",
}
# The published contract has three events: an endpoint hears of withdrawals only if it names them.
ON_REQUEST = ("withdrawal.completed", "withdrawal.failed")


def render(event_type: str, subject: Any) -> tuple[str, Payload] | None:
    name = NAMES.get(event_type)
    if name is None:
        return None
    if isinstance(subject, Withdrawal):
        return name, _withdrawal(name, subject)
    assert isinstance(subject, Session)
    return name, _session(name, subject)


def _session(name: str, subject: Session) -> Payload:
    transfer = first_transfer(subject)
    return {
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


def _withdrawal(name: str, row: Withdrawal) -> Payload:
    return {
        "event": name,
        "withdrawal_id": row.pk,
        "amount": _json(number(row.amount_minor, row.currency)),
        "fee_amount": _json(number(row.fee_minor, row.currency)),
        "net_amount": _json(number(row.net.minor, row.currency)),
        "currency": row.currency,
        "method": row.method,
        "network": row.network_id,
        "address": row.address or None,
        "status": row.status,
        "blockchain_tx_hash": (row.outgoing.transaction_hash or None) if row.outgoing else None,
        "utr": (row.payout.utr or None) if row.payout else None,
        "timestamp": timestamp(timezone.now()),
    }


def _json(value: Any) -> int | float:
    """Payloads are plain JSON: an amount that a float cannot show exactly is told by the session itself."""
    return value if isinstance(value, (int, float)) else float(value)


def sample(name: str) -> Payload:
    """For a test delivery: the original's own session or a withdrawal, marked as a test."""
    if name in ON_REQUEST:
        return _sample_withdrawal(name)
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


def _sample_withdrawal(name: str) -> Payload:
    done = name == "withdrawal.completed"
    return {
        "event": name,
        "withdrawal_id": 1,
        "amount": 100,
        "fee_amount": 0.1,
        "net_amount": 99.9,
        "currency": "USDT",
        "method": "crypto",
        "network": "BSC",
        "address": "0x" + "0" * 40,
        "status": "completed" if done else "failed",
        "blockchain_tx_hash": "0x" + "0" * 64 if done else None,
        "utr": None,
        "timestamp": timestamp(timezone.now()),
        "test": True,
    }
