"""What the signed contract answers: one TypedDict a resource, in the original's order, and what fills it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

from django.conf import settings

from gateway.contracts.schema import Says
from gateway.contracts.signed.words import (
    PAYMENT_STATUSES,
    PAYOUT_STATUSES,
    indian_time,
    number,
    payout_message,
    timestamp,
)
from ledger.queries import Wallet
from payments.models import Payment
from payments.queries import bank_name_of
from payouts.models import Payout

Status = Literal["Pending", "Approved", "Rejected"]
Timestamp = Annotated[str, Says(format="date-time", example="2025-07-29T16:23:48.000000Z")]
Amount = Annotated[float, Says(description="Rupees, at most two places.", example=100)]
IndianTime = Annotated[str | None, Says(
    description="Asia/Kolkata. When the payment ended; before that, when the payer confirmed; null until then.",
    example="2025-08-04 16:58:30",
)]
MobileNumber = Annotated[Any, Says(
    oneOf=[{"type": "string"}, {"type": "integer"}], nullable=True, description="A string or a number, as it was sent.",
)]


class BalanceBody(TypedDict):
    balance: Annotated[str, Says(example="1111.11")]


class PayinLinkBody(TypedDict):
    user_id: str
    order_id: str
    amount: Amount
    method: Literal["UPI"]
    redirect_url: str
    updated_at: Timestamp
    created_at: Timestamp
    pay_url: str


class PayinBody(TypedDict):
    """`amount` is what was received (until then, what was asked); `transaction_id` the UTR, null until it is known."""

    user_id: str | None
    order_id: str
    transaction_id: str | None
    amount: Amount
    request_amount: Amount
    method: Literal["UPI", "CARD"]
    comments: str
    status: Status
    time_of_processing: IndianTime
    created_at: Timestamp
    updated_at: Timestamp
    bank_upi: str | None
    bank_name: str | None


class NewPayoutBody(TypedDict):
    beneficiary_name: str
    beneficiary_email: str
    beneficiary_mobile_no: MobileNumber
    beneficiary_address: str
    payment_method: Literal["IMPS", "NEFT", "RTGS"]
    beneficiary_acc_no: str
    bank_name: str
    ifsc: str
    amount: Amount
    order_id: str
    user_id: str
    transaction_id: str | None
    remarks: str | None
    charge: Amount
    status: Status
    message: str
    updated_at: Timestamp
    created_at: Timestamp


class PayoutBody(TypedDict):
    order_id: str
    user_id: str | None
    transaction_id: str | None
    amount: Amount
    charge: Amount
    beneficiary_name: str
    beneficiary_address: str | None
    beneficiary_email: str | None
    beneficiary_mobile_no: MobileNumber
    payment_method: Literal["IMPS", "NEFT", "RTGS"]
    beneficiary_acc_no: str
    ifsc: str
    bank_name: str | None
    vpa: str | None
    remarks: str | None
    status: Status
    created_at: Timestamp
    updated_at: Timestamp
    message: str


def balance(wallet: Wallet) -> BalanceBody:
    whole, paise = divmod(wallet.available_minor, 100)
    return {"balance": f"{whole}.{paise:02d}"}


def payin_link(row: Payment) -> PayinLinkBody:
    return {
        "user_id": row.payer_reference,
        "order_id": str(row.order),
        "amount": number(row.amount_minor, row.currency),
        "method": "UPI",
        "redirect_url": row.redirect_url,
        "updated_at": timestamp(row.updated_at),
        "created_at": timestamp(row.created_at),
        "pay_url": f"{settings.PUBLIC_URL}/pay/{row.page_token}",
    }


def payin(row: Payment) -> PayinBody:
    received = row.amount_minor if row.received_minor is None else row.received_minor
    is_paid = row.status == Payment.Status.SUCCEEDED
    processed_at = _processed_at(row)
    return {
        "user_id": row.payer_reference or None,
        "order_id": str(row.order),
        "transaction_id": row.utr or None,
        "amount": number(received, row.currency),
        "request_amount": number(row.amount_minor, row.currency),
        "method": row.method.upper(),  # type: ignore[typeddict-item]
        "comments": row.comments or "Waiting for the payer",
        "status": PAYMENT_STATUSES[row.status],  # type: ignore[typeddict-item]
        "time_of_processing": indian_time(processed_at) if processed_at else None,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "bank_upi": (row.receiving_account or None) if is_paid else None,
        "bank_name": bank_name_of(row) if is_paid else None,
    }


def _processed_at(row: Payment) -> datetime | None:
    return row.completed_at or (row.updated_at if row.status == Payment.Status.PROCESSING else None)


def new_payout(row: Payout) -> NewPayoutBody:
    """Every payout starts as `Pending`, and is answered so: one that approves itself does it from there."""
    details = row.beneficiary_details
    return {
        "beneficiary_name": row.beneficiary_name,
        "beneficiary_email": details["email"],
        "beneficiary_mobile_no": details["mobile_no"],
        "beneficiary_address": details["address"],
        "payment_method": row.method,  # type: ignore[typeddict-item]
        "beneficiary_acc_no": row.account_number,
        "bank_name": row.bank_name,
        "ifsc": row.ifsc,
        "amount": number(row.amount_minor, row.currency),
        "order_id": row.reference,
        "user_id": row.user_reference,
        "transaction_id": None,
        "remarks": row.remarks or None,
        "charge": number(row.charge_minor, row.currency),
        "status": "Pending",
        "message": "Payout has been processing.",
        "updated_at": timestamp(row.updated_at),
        "created_at": timestamp(row.created_at),
    }


def payout(row: Payout) -> PayoutBody:
    return {
        "order_id": row.reference,
        "user_id": row.user_reference or None,
        **_money_and_beneficiary(row),  # type: ignore[typeddict-item]
        "status": PAYOUT_STATUSES[row.status],
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "message": payout_message(row, approved="Payout has been completed."),
    }


def payout_event(row: Payout) -> dict[str, Any]:
    """The same as a webhook tells it: in the original's other order and words."""
    return {
        **_money_and_beneficiary(row),
        "order_id": row.reference,
        "user_id": row.user_reference or None,
        "status": PAYOUT_STATUSES[row.status],
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "message": payout_message(row, approved="Payout has been approved."),
    }


def _money_and_beneficiary(row: Payout) -> dict[str, Any]:
    details = row.beneficiary_details
    return {
        "transaction_id": row.utr or None,
        "amount": number(row.amount_minor, row.currency),
        "charge": number(row.charge_minor, row.currency),
        "beneficiary_name": row.beneficiary_name,
        "beneficiary_address": details.get("address"),
        "beneficiary_email": details.get("email"),
        "beneficiary_mobile_no": details.get("mobile_no"),
        "payment_method": row.method,
        "beneficiary_acc_no": row.account_number,
        "ifsc": row.ifsc,
        "bank_name": row.bank_name or None,
        "vpa": None,
        "remarks": row.remarks or None,
    }
