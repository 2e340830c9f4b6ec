"""What is answered about a deposit address, in a list and whole."""

from __future__ import annotations

from typing import Literal, TypedDict, cast

from accounts.actors import Viewer, scope
from crypto import formats
from crypto.models import ChainTransaction, Session, Sweep
from crypto.queries.addresses import AddressRecord, sweeps_of, transfers_of
from crypto.queries.transactions import confirmations, heads
from crypto.rates import usd_value
from gateway.contracts.dashboard.answers.kinds import (
    Amount,
    Currency,
    Dollars,
    Link,
    Network,
    Number,
    SessionStatus,
    Timestamp,
    Uuid,
)
from gateway.contracts.dashboard.words import amount, maybe, native, number, timestamp

_MOST_LINES = 100


class AddressBalance(TypedDict):
    current: Amount
    total_received: Amount
    total_swept: Amount


class SweepInfo(TypedDict):
    """`status` is null while nothing has come in. The other three are those of the last sweep."""

    status: Literal["pending", "swept", "failed"] | None
    last_swept_at: Timestamp | None
    sweep_tx_hash: str | None
    sweep_explorer_url: Link | None


class Usage(TypedDict):
    """`times_reused`: how many of your sessions had it."""

    times_reused: int
    last_used_at: Timestamp | None
    first_used_at: Timestamp | None


class GasFundingInfo(TypedDict):
    """The last coins that were sent to it to pay for a sweep; nulls while none were."""

    funded_at: Timestamp | None
    funding_tx_hash: str | None
    funding_amount: str | None


class AddressBody(TypedDict):
    id: int
    address: str
    network: Network
    currency: Currency
    is_active: bool
    is_assigned: bool
    assigned_to_session_id: Uuid | None
    assigned_to_reference: str | None
    balance: AddressBalance
    sweep_info: SweepInfo
    usage: Usage
    gas_funding: GasFundingInfo
    last_checked_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp


class AddressesSummary(TypedDict):
    """Over all addresses that the filters let through."""

    total_addresses: int
    active_addresses: int
    assigned_addresses: int
    addresses_with_balance: int
    total_balance_across_all: Amount


class AddressDetailBalance(TypedDict):
    current: Amount
    current_usd: Dollars
    total_received: Amount
    total_received_usd: Dollars
    total_swept: Amount
    total_swept_usd: Dollars


class SweepLine(TypedDict):
    swept_at: Timestamp | None
    amount: Amount
    tx_hash: str | None
    explorer_url: Link | None
    status: Literal["confirmed", "pending", "failed"]


class AddressSession(TypedDict):
    session_id: Uuid
    reference: str
    amount: Number
    status: SessionStatus
    paid_at: Timestamp | None
    created_at: Timestamp


# By the functional form: `from` is a word of Python's.
AddressTransactionBody = TypedDict("AddressTransactionBody", {
    "tx_hash": str, "type": Literal["incoming", "outgoing", "sweep"], "amount": Amount, "from": str, "to": str,
    "timestamp": Timestamp, "confirmations": int, "explorer_url": Link,
})


class AddressDetailBody(TypedDict):
    """Its sweeps, sessions and transactions: the newest 100 of each."""

    id: int
    address: str
    network: Network
    currency: Currency
    is_active: bool
    is_assigned: bool
    balance: AddressDetailBalance
    sweep_history: list[SweepLine]
    sessions: list[AddressSession]
    blockchain_transactions: list[AddressTransactionBody]
    usage: Usage
    created_at: Timestamp
    updated_at: Timestamp


class CheckedBalanceBody(TypedDict):
    """`blockchain_confirmed`: a node of the network said so just now."""

    address: str
    network: Network
    currency: Currency
    balance: Amount
    balance_usd: Dollars
    last_checked_at: Timestamp
    blockchain_confirmed: bool


def address(record: AddressRecord) -> AddressBody:
    row, held = record.address, record.session
    return {
        "id": row.pk,
        "address": row.address,
        "network": cast(Network, row.network_id),
        "currency": cast(Currency, record.currency),
        "is_active": row.is_active,
        "is_assigned": held is not None,
        "assigned_to_session_id": str(held.pk) if held else None,
        "assigned_to_reference": held.reference if held else None,
        "balance": {
            "current": amount(record.held_minor),
            "total_received": amount(record.received_minor),
            "total_swept": amount(record.swept_minor),
        },
        "sweep_info": _sweep_info(record),
        "usage": _usage(record),
        "gas_funding": _gas_funding(record),
        "last_checked_at": maybe(record.checked_at),
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(record.updated_at),
    }


def _sweep_info(record: AddressRecord) -> SweepInfo:
    line = _sweep_line(record.sweep, record) if record.sweep else None
    return {
        "status": cast(Literal["pending", "swept", "failed"] | None, record.sweep_status or None),
        "last_swept_at": line["swept_at"] if line else None,
        "sweep_tx_hash": line["tx_hash"] if line else None,
        "sweep_explorer_url": line["explorer_url"] if line else None,
    }


def _usage(record: AddressRecord) -> Usage:
    return {
        "times_reused": record.times_used,
        "last_used_at": maybe(record.last_used_at),
        "first_used_at": maybe(record.first_used_at),
    }


def _gas_funding(record: AddressRecord) -> GasFundingInfo:
    funding = record.funding
    sent = funding.outgoing if funding else None
    return {
        "funded_at": maybe(sent.confirmed_at or sent.sent_at) if sent else None,
        "funding_tx_hash": (sent.transaction_hash or None) if sent else None,
        "funding_amount": native(funding.amount_minor) if funding else None,
    }


def address_detail(viewer: Viewer, record: AddressRecord) -> AddressDetailBody:
    row = record.address
    sessions = scope(Session.objects.filter(address=row), viewer).order_by("-created_at", "-id")[:_MOST_LINES]
    known = heads(row.mode)
    return {
        "id": row.pk,
        "address": row.address,
        "network": cast(Network, row.network_id),
        "currency": cast(Currency, record.currency),
        "is_active": row.is_active,
        "is_assigned": record.session is not None,
        "balance": _detail_balance(record),
        "sweep_history": [
            _sweep_line(sweep, record)
            for sweep in sweeps_of(viewer).filter(address=row).order_by("-created_at", "-pk")[:_MOST_LINES]
        ],
        "sessions": [_session(found) for found in sessions],
        "blockchain_transactions": [_transaction(found, known) for found in transfers_of(viewer, row)[:_MOST_LINES]],
        "usage": _usage(record),
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(record.updated_at),
    }


def _detail_balance(record: AddressRecord) -> AddressDetailBalance:
    def dollars(minor: int) -> float:
        return cast(float, usd_value(minor, record.currency))

    return {
        "current": amount(record.held_minor),
        "current_usd": dollars(record.held_minor),
        "total_received": amount(record.received_minor),
        "total_received_usd": dollars(record.received_minor),
        "total_swept": amount(record.swept_minor),
        "total_swept_usd": dollars(record.swept_minor),
    }


_SWEEPS: dict[str, Literal["confirmed", "pending", "failed"]] = {
    Sweep.Status.SWEPT: "confirmed", Sweep.Status.FAILED: "failed",
}


def _sweep_line(sweep: Sweep, record: AddressRecord) -> SweepLine:
    found = sweep.outgoing.transaction_hash if sweep.outgoing else ""
    return {
        "swept_at": maybe(sweep.swept_at),
        "amount": amount(sweep.amount_minor),
        "tx_hash": found or None,
        "explorer_url": formats.explorer_transaction_url(record.address.network, found) if found else None,
        "status": _SWEEPS.get(sweep.status, "pending"),
    }


def _session(row: Session) -> AddressSession:
    return {
        "session_id": str(row.pk),
        "reference": row.reference,
        "amount": cast(float, number(row.amount_minor, row.currency)),
        "status": cast(SessionStatus, row.status),
        "paid_at": maybe(row.paid_at),
        "created_at": timestamp(row.created_at),
    }


def _transaction(row: ChainTransaction, known: dict[str, int]) -> AddressTransactionBody:
    return {
        "tx_hash": row.transaction_hash,
        "type": cast(Literal["incoming", "outgoing", "sweep"], row.type),
        "amount": amount(row.amount_minor),
        "from": row.sender,
        "to": row.recipient,
        "timestamp": timestamp(row.created_at),
        "confirmations": confirmations(row, known),
        "explorer_url": formats.explorer_transaction_url(row.network, row.transaction_hash),
    }
