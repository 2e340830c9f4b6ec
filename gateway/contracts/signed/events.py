"""This contract's webhooks: the five events of the original, field for field.

A payin is an order, as `payin/transactions` has it: when one of its payments has succeeded, what becomes of the others
(another contract allows several tries) is not told, since it would read as if the order were not paid.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gateway.contracts.signed import answers
from payments.models import Payment
from payments.services.outcomes import order_has_other_success
from payouts.models import Payout

Payload = dict[str, Any]
# Core event → this contract's; what is not listed is not told here.
NAMES = {
    "payment.initiated": "payin.initiated",
    "payment.succeeded": "payin.succeeded",
    "payment.failed": "payin.failed",
    "payout.processed": "payout.succeeded",
    "payout.rejected": "payout.failed",
}


def render(event_type: str, subject: Any) -> tuple[str, Payload] | None:
    name = NAMES.get(event_type)
    if name is None or (isinstance(subject, Payment) and order_has_other_success(subject)):
        return None
    data = answers.payout_event(subject) if isinstance(subject, Payout) else _payin(name, subject)
    return name, {"event": name, "data": _plain(data)}


def _payin(name: str, subject: Any) -> Payload:
    assert isinstance(subject, Payment)
    data: Payload = {**answers.payin(subject)}
    return data | {"status": "Initiated"} if name == "payin.initiated" else data


def _plain(data: Payload) -> Payload:
    """Payloads are kept as plain JSON; sums beyond a float's digits do not occur in rupees that move."""
    return {key: float(value) if isinstance(value, Decimal) else value for key, value in data.items()}


def sample(name: str) -> Payload:
    """For a test delivery: the original's own sample of that event, marked as a test."""
    subject, _, what = name.partition(".")
    data = _sample_payin(what) if subject == "payin" else _sample_payout(what)
    return {"event": name, "data": data, "test": True}


def _sample_payin(what: str) -> Payload:
    paid = what == "succeeded"
    words = {"initiated": ("Payin Initiated", "Initiated"), "succeeded": ("Auto Approved", "Approved")}
    comments, status = words.get(what, ("The payment was declined.", "Rejected"))
    return {
        "user_id": "a42332-2fs-q341-d36d34",
        "order_id": "adsd-ewerz-23sdsd-ad234",
        "transaction_id": "98675644343" if paid else None,
        "amount": 100,
        "request_amount": 100,
        "method": "UPI",
        "comments": comments,
        "status": status,
        "time_of_processing": "2025-08-04 16:58:30",
        "created_at": "2025-08-04T06:16:03.000000Z",
        "updated_at": "2025-08-04T11:28:30.000000Z",
        "bank_upi": "gateway@sandbox" if paid else None,
        "bank_name": None,
    }


def _sample_payout(what: str) -> Payload:
    paid = what == "succeeded"
    return {
        "transaction_id": "2517319122" if paid else None,
        "amount": 100,
        "charge": 5.9,
        "beneficiary_name": "Ak Test",
        "beneficiary_address": "NOIDA",
        "beneficiary_email": "test@example.com",
        "beneficiary_mobile_no": "7878787878",
        "payment_method": "IMPS",
        "beneficiary_acc_no": "99999999999",
        "ifsc": "SBIN0060589",
        "bank_name": "SBI",
        "vpa": None,
        "remarks": None,
        "order_id": "qweq-2d2fss-2234sd-44533",
        "user_id": "aseq-2d2fss-22a4sd-44a33",
        "status": "Approved" if paid else "Rejected",
        "created_at": "2025-09-14T14:21:56.000000Z",
        "updated_at": "2025-09-19T10:54:24.000000Z",
        "message": "Payout has been approved." if paid else "Payout has been rejected. The account is closed.",
    }
