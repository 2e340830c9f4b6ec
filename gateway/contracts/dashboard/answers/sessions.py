"""What is answered about a session, in a list and whole."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, cast

from django.conf import settings

from crypto import formats
from crypto.models import Session
from crypto.queries.sessions import Happening, first_transfer, timeline_of
from crypto.queries.transactions import confirmations, heads
from gateway.contracts.dashboard.answers.kinds import Currency, Link, Network, Number, SessionStatus, Timestamp, Uuid
from gateway.contracts.dashboard.words import maybe, number, timestamp


class SessionBody(TypedDict):
    session_id: Uuid
    reference: str
    amount: Number
    currency: Currency
    network: Network
    status: SessionStatus
    payment_method: Literal["crypto"]
    customer_email: str | None
    customer_name: str | None
    description: str | None
    deposit_address: str
    blockchain_tx_hash: str | None
    paid_amount: Number
    paid_at: Timestamp | None
    created_at: Timestamp
    expires_at: Timestamp
    payment_url: Link


class SessionsSummary(TypedDict):
    """Over all sessions that the filters let through."""

    total_sessions: int
    total_paid: int
    total_pending: int
    total_failed: int
    total_expired: int


class Customer(TypedDict):
    email: str | None
    name: str | None


class PaymentDetails(TypedDict):
    """`confirmations` are those of the first transfer, so far."""

    deposit_address: str
    deposit_address_id: int
    blockchain_tx_hash: str | None
    blockchain_explorer_url: Link | None
    paid_amount: Number
    expected_amount: Number
    confirmations: int
    required_confirmations: int
    paid_at: Timestamp | None


class TimelineItem(TypedDict):
    event: str
    timestamp: Timestamp
    details: str


class SessionDetailBody(TypedDict):
    session_id: Uuid
    reference: str
    amount: Number
    currency: Currency
    network: Network
    status: SessionStatus
    payment_method: Literal["crypto"]
    customer: Customer
    description: str | None
    callback_url: str | None
    metadata: dict[str, Any]
    payment_details: PaymentDetails
    timeline: list[TimelineItem]
    created_at: Timestamp
    updated_at: Timestamp
    expires_at: Timestamp
    payment_url: Link


def session(row: Session) -> SessionBody:
    return {
        "session_id": str(row.pk),
        "reference": row.reference,
        "amount": cast(float, number(row.amount_minor, row.currency)),
        "currency": cast(Currency, row.currency),
        "network": cast(Network, row.network_id),
        "status": cast(SessionStatus, row.status),
        "payment_method": "crypto",
        "customer_email": row.customer_email or None,
        "customer_name": row.customer_name or None,
        "description": row.description or None,
        "deposit_address": row.address.address,
        "blockchain_tx_hash": row.transaction_hash or None,
        "paid_amount": cast(float, number(row.received_minor, row.currency)),
        "paid_at": maybe(row.paid_at),
        "created_at": timestamp(row.created_at),
        "expires_at": timestamp(row.expires_at),
        "payment_url": f"{settings.PUBLIC_URL}/pay/{row.pk}",
    }


def session_detail(row: Session) -> SessionDetailBody:
    short = session(row)
    return {
        "session_id": short["session_id"],
        "reference": short["reference"],
        "amount": short["amount"],
        "currency": short["currency"],
        "network": short["network"],
        "status": short["status"],
        "payment_method": "crypto",
        "customer": {"email": short["customer_email"], "name": short["customer_name"]},
        "description": short["description"],
        "callback_url": row.callback_url or None,
        "metadata": row.metadata,
        "payment_details": _payment_details(row, short),
        "timeline": [timeline_item(line) for line in timeline_of(row)],
        "created_at": short["created_at"],
        "updated_at": timestamp(row.updated_at),
        "expires_at": short["expires_at"],
        "payment_url": short["payment_url"],
    }


def _payment_details(row: Session, short: SessionBody) -> PaymentDetails:
    found = row.transaction_hash
    return {
        "deposit_address": row.address.address,
        "deposit_address_id": row.address_id,
        "blockchain_tx_hash": found or None,
        "blockchain_explorer_url": formats.explorer_transaction_url(row.network, found) if found else None,
        "paid_amount": short["paid_amount"],
        "expected_amount": short["amount"],
        "confirmations": confirmations(first_transfer(row), heads(row.mode)),
        "required_confirmations": row.required_confirmations,
        "paid_at": short["paid_at"],
    }


def timeline_item(line: Happening) -> TimelineItem:
    return {"event": line.event, "timestamp": timestamp(line.at), "details": line.details}
