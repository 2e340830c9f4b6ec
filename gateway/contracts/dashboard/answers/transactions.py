"""What is answered about a movement on chain, in a list and whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict, cast

from crypto import formats
from crypto.models import ChainTransaction
from crypto.queries.transactions import TransactionTotals, confirmations, heads, told_status
from crypto.rates import usd_value
from gateway.contracts.dashboard.answers.kinds import (
    Amount,
    Currency,
    Dollars,
    Link,
    Network,
    SessionStatus,
    Timestamp,
    Uuid,
)
from gateway.contracts.dashboard.words import amount, maybe, native, timestamp

Type = Literal["incoming", "outgoing", "sweep"]
Status = Literal["pending", "confirmed", "orphaned", "failed"]


class TransactionBody(TypedDict):
    """Incoming ones have `session_id` and `reference`; what the gateway sent has `gas_fee`, in the network's coin."""

    id: int
    tx_hash: str
    type: Type
    network: Network
    currency: Currency
    amount: Amount
    amount_usd: Dollars
    from_address: str
    to_address: str
    confirmations: int
    status: Status
    explorer_url: Link
    timestamp: Timestamp
    session_id: NotRequired[Uuid | None]
    reference: NotRequired[str | None]
    gas_fee: NotRequired[str | None]


class TransactionsSummary(TypedDict):
    """Over all transactions that the filters let through. `total_outgoing` counts sweeps too; `total_volume` is what
    came in and was credited, fee included."""

    total_transactions: int
    total_incoming: int
    total_outgoing: int
    total_volume: Amount


TransactionAddresses = TypedDict("TransactionAddresses", {"from": str, "to": str})


class BlockchainInfo(TypedDict):
    """Nulls until the transaction is in a block, and where the network does not say."""

    block_number: int | None
    block_hash: str | None
    confirmations: int
    gas_used: str | None
    gas_price: str | None
    gas_fee: str | None
    timestamp: Timestamp | None


class RelatedSession(TypedDict):
    session_id: Uuid
    reference: str
    customer_email: str | None
    status: SessionStatus


class TransactionDetailBody(TypedDict):
    tx_hash: str
    type: Type
    network: Network
    currency: Currency
    amount: Amount
    amount_usd: Dollars
    addresses: TransactionAddresses
    blockchain_info: BlockchainInfo
    status: Status
    explorer_url: Link
    related_session: RelatedSession | None
    created_at: Timestamp
    confirmed_at: Timestamp | None


def transactions(rows: Sequence[ChainTransaction], mode: str) -> list[TransactionBody]:
    known = heads(mode) if rows else {}
    return [_transaction(row, known) for row in rows]


def _transaction(row: ChainTransaction, known: dict[str, int]) -> TransactionBody:
    body: TransactionBody = {
        "id": row.pk,
        "tx_hash": row.transaction_hash,
        "type": cast(Type, row.type),
        "network": cast(Network, row.network_id),
        "currency": cast(Currency, row.currency),
        "amount": amount(row.amount_minor),
        "amount_usd": cast(float, usd_value(row.amount_minor, row.currency)),
        "from_address": row.sender,
        "to_address": row.recipient,
        "confirmations": confirmations(row, known),
        "status": cast(Status, told_status(row.status)),
        "explorer_url": formats.explorer_transaction_url(row.network, row.transaction_hash),
        "timestamp": timestamp(row.created_at),
    }
    if row.type == ChainTransaction.Type.INCOMING:
        body["session_id"] = str(row.session_id) if row.session_id else None
        body["reference"] = row.session.reference if row.session else None
    else:
        body["gas_fee"] = _gas_fee(row)
    return body


def _gas_fee(row: ChainTransaction) -> str | None:
    return None if row.gas_fee_minor is None else native(row.gas_fee_minor)


def transactions_summary(totals: TransactionTotals) -> TransactionsSummary:
    return {
        "total_transactions": totals.count,
        "total_incoming": totals.incoming,
        "total_outgoing": totals.count - totals.incoming,
        "total_volume": amount(totals.volume_minor),
    }


def transaction_detail(row: ChainTransaction) -> TransactionDetailBody:
    short = _transaction(row, heads(row.mode))
    return {
        "tx_hash": short["tx_hash"],
        "type": short["type"],
        "network": short["network"],
        "currency": short["currency"],
        "amount": short["amount"],
        "amount_usd": short["amount_usd"],
        "addresses": {"from": row.sender, "to": row.recipient},
        "blockchain_info": {
            "block_number": row.height,
            "block_hash": row.block_hash or None,
            "confirmations": short["confirmations"],
            "gas_used": row.gas_used or None,
            "gas_price": row.gas_price or None,
            "gas_fee": _gas_fee(row),
            "timestamp": maybe(row.block_time),
        },
        "status": short["status"],
        "explorer_url": short["explorer_url"],
        "related_session": _related_session(row),
        "created_at": short["timestamp"],
        "confirmed_at": maybe(row.confirmed_at),
    }


def _related_session(row: ChainTransaction) -> RelatedSession | None:
    session = row.session
    if session is None:
        return None
    return {
        "session_id": str(session.pk),
        "reference": session.reference,
        "customer_email": session.customer_email or None,
        "status": cast(SessionStatus, session.status),
    }
