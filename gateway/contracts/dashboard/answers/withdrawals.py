"""What is answered about a withdrawal, in a list and whole."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Literal, NotRequired, TypedDict, cast

from crypto import formats
from crypto.models import Withdrawal
from crypto.queries.withdrawals import WithdrawalTotals, withdrawal_timeline
from gateway.contracts.dashboard.answers.kinds import Amount, Currency, Link, Network, Timestamp
from gateway.contracts.dashboard.answers.sessions import TimelineItem, timeline_item
from gateway.contracts.dashboard.words import amount, maybe, timestamp

Method = Literal["crypto", "fiat"]
Status = Literal["pending", "processing", "completed", "failed"]
# What a merchant is told to expect; a person's approval and a bank take longer than a block.
_AT_ONCE, _BY_PEOPLE = timedelta(minutes=30), timedelta(hours=24)


class CryptoDetails(TypedDict):
    network: Network
    address: str
    tx_hash: str | None
    explorer_url: Link | None


class FiatDetails(TypedDict):
    """Rupees to the settlement account: the sum, the rate for one token, the payout and the bank's reference."""

    amount_inr: str
    rate: str | None
    payout_id: str | None
    utr: str | None


class Fees(TypedDict):
    fee_amount: Amount
    fee_percentage: str
    net_amount: Amount


class WithdrawalBody(TypedDict):
    """`crypto_details` is null for `fiat`, which has `fiat_details` instead."""

    id: int
    amount: Amount
    currency: Currency
    method: Method
    status: Status
    crypto_details: CryptoDetails | None
    fiat_details: NotRequired[FiatDetails]
    fees: Fees
    created_at: Timestamp
    processed_at: Timestamp | None
    completed_at: Timestamp | None


class WithdrawalDetailBody(TypedDict):
    id: int
    amount: Amount
    currency: Currency
    method: Method
    status: Status
    crypto_details: CryptoDetails | None
    fiat_details: NotRequired[FiatDetails]
    fees: Fees
    created_at: Timestamp
    processed_at: Timestamp | None
    completed_at: Timestamp | None
    timeline: list[TimelineItem]


class WithdrawalsSummary(TypedDict):
    """Over all withdrawals that the filters let through, fees included: paid out, on its way, paid out this month."""

    total_withdrawn: Amount
    pending_withdrawals: Amount
    this_month: Amount


class NewWithdrawalBody(TypedDict):
    withdrawal_id: int
    amount: Amount
    fee_amount: Amount
    net_amount: Amount
    status: Status
    estimated_completion: Timestamp
    created_at: Timestamp


def withdrawal(row: Withdrawal) -> WithdrawalBody:
    body: WithdrawalBody = {
        "id": row.pk,
        "amount": amount(row.amount_minor),
        "currency": cast(Currency, row.currency),
        "method": cast(Method, row.method),
        "status": cast(Status, row.status),
        "crypto_details": _crypto_details(row),
        "fees": {
            "fee_amount": amount(row.fee_minor),
            "fee_percentage": _percentage(row),
            "net_amount": amount(row.net.minor),
        },
        "created_at": timestamp(row.created_at),
        "processed_at": maybe(row.processed_at),
        "completed_at": maybe(row.completed_at),
    }
    if row.method == Withdrawal.Method.FIAT:
        body["fiat_details"] = _fiat_details(row)
    return body


def withdrawal_detail(row: Withdrawal) -> WithdrawalDetailBody:
    return cast(
        WithdrawalDetailBody, withdrawal(row) | {"timeline": [timeline_item(line) for line in withdrawal_timeline(row)]}
    )


def _crypto_details(row: Withdrawal) -> CryptoDetails | None:
    if row.method != Withdrawal.Method.CRYPTO or row.network is None:
        return None
    found = row.outgoing.transaction_hash if row.outgoing else ""
    return {
        "network": cast(Network, row.network_id),
        "address": row.address,
        "tx_hash": found or None,
        "explorer_url": formats.explorer_transaction_url(row.network, found) if found else None,
    }


def _fiat_details(row: Withdrawal) -> FiatDetails:
    return {
        "amount_inr": f"{Decimal(row.inr_minor).scaleb(-2):.2f}",
        "rate": row.rate or None,
        "payout_id": row.payout.public_id if row.payout else None,
        "utr": (row.payout.utr or None) if row.payout else None,
    }


def _percentage(row: Withdrawal) -> str:
    """`0.1`: what was charged, as a share of the amount, up to four places."""
    share = (Decimal(row.fee_minor) * 100 / row.amount_minor).quantize(Decimal("0.0001"))
    text = f"{share:f}".rstrip("0").rstrip(".")
    return text or "0"


def withdrawals_summary(totals: WithdrawalTotals) -> WithdrawalsSummary:
    return {
        "total_withdrawn": amount(totals.completed_minor),
        "pending_withdrawals": amount(totals.open_minor),
        "this_month": amount(totals.completed_since_minor),
    }


def new_withdrawal(row: Withdrawal) -> NewWithdrawalBody:
    at_once = row.method == Withdrawal.Method.CRYPTO and not row.needs_approval
    return {
        "withdrawal_id": row.pk,
        "amount": amount(row.amount_minor),
        "fee_amount": amount(row.fee_minor),
        "net_amount": amount(row.net.minor),
        "status": cast(Status, row.status),
        "estimated_completion": timestamp(row.created_at + (_AT_ONCE if at_once else _BY_PEOPLE)),
        "created_at": timestamp(row.created_at),
    }
