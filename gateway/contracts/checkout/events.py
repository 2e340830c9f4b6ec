"""This contract's webhooks: the event in its frame, the record in it exactly as `GET` answers it."""

from __future__ import annotations

from typing import Any

from gateway.contracts.checkout import answers
from gateway.contracts.checkout.words import timestamp
from payments.models import Payment, Refund
from webhooks.models import Event

Payload = dict[str, Any]
# Core event → this contract's; what is not listed is not told here.
NAMES = {
    "payment.succeeded": "payment.success",
    "payment.captured": "payment.captured",
    "payment.failed": "payment.failed",
    "refund.processed": "refund.processed",
    "refund.failed": "refund.failed",
}


def render(event_type: str, subject: Any) -> tuple[str, Payload] | None:
    name = NAMES.get(event_type)
    if name is None:
        return None
    if isinstance(subject, Refund):
        return name, {"refund": answers.refund(subject)}
    assert isinstance(subject, Payment)
    return name, {"payment": answers.payment(subject)}


def envelope(event: Event, name: str, data: Payload) -> Payload:
    return {"id": event.public_id, "event": name, "created_at": timestamp(event.created_at), "data": data}


def sample(name: str) -> Payload:
    """For a test delivery: the original's own payment or refund as that event shows it, marked as a test."""
    subject, _, what = name.partition(".")
    failed = what == "failed"
    told = ("declined", "The bank declined it.") if failed else (None, None)
    end = dict(zip(("error_code", "error_description"), told, strict=True)) | {
        "created_at": "2026-01-15T05:08:17.841529Z", "updated_at": "2026-01-15T05:09:49.920543Z",
    }
    if subject == "refund":
        status = "FAILED" if failed else "PROCESSED"
        return {"refund": _SAMPLE_REFUND | {"status": status} | end, "test": True}
    captured = {} if failed else {"captured": what == "captured"}
    status = "FAILED" if failed else "SUCCESS"
    return {"payment": _SAMPLE_PAYMENT | {"status": status} | captured | end, "test": True}


_SAMPLE_PAYMENT = {
    "id": "pay_0000000000000000", "order_id": "order_0000000000000000", "merchant_id": "mrc_0000000000000000",
    "amount": 50000, "currency": "INR", "method": "upi",
}
_SAMPLE_REFUND = {
    "id": "refund_0000000000000000", "payment_id": "pay_0000000000000000", "merchant_id": "mrc_0000000000000000",
    "amount": 1500, "status": "PROCESSED", "reason": None,
}
