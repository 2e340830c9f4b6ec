"""What the checkout contract answers: one TypedDict a resource, and the function that fills it.

Webhooks and the OpenAPI document are made from these too, so what is told, documented and answered cannot drift
apart. `razorpay` adds what Razorpay's own clients look for; callers by HTTP Basic, as those are, get it as well.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast

from django.db.models import OuterRef, Subquery

from gateway.contracts.checkout.words import (
    DELIVERY_STATUSES,
    ORDER_STATUSES,
    PAYMENT_STATUSES,
    REFUND_STATUSES,
    timestamp,
)
from gateway.contracts.schema import Says
from payments.models import Order, Payment, Refund
from webhooks.models import Delivery, Endpoint
from webhooks.services import reveal_secret

Timestamp = Annotated[str, Says(format="date-time", example="2026-01-16T11:01:02.771058Z")]
Paise = Annotated[int, Says(description="Paise.", example=50000)]
_UUID = Annotated[str, Says(format="uuid")]


class OrderBody(TypedDict):
    """`entity` and what follows it: for callers by HTTP Basic."""

    id: str
    merchant_id: str
    amount: Paise
    currency: Literal["INR"]
    status: Literal["created", "attempted", "paid"]
    receipt: str | None
    notes: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp
    entity: NotRequired[Literal["order"]]
    amount_paid: NotRequired[Paise]
    amount_due: NotRequired[Paise]


class PaymentBody(TypedDict):
    """`amount`: received (until then, asked for); `captured` once it succeeded; from `entity` on: for HTTP Basic."""

    id: str
    order_id: str
    merchant_id: str
    amount: Paise
    currency: Literal["INR"]
    method: Literal["upi", "card"]
    status: Literal["CREATED", "PROCESSING", "SUCCESS", "FAILED"]
    captured: NotRequired[bool]
    error_code: str | None
    error_description: str | None
    created_at: Timestamp
    updated_at: Timestamp
    entity: NotRequired[Literal["payment"]]
    amount_refunded: NotRequired[Paise]
    refund_status: NotRequired[Literal["partial", "full"] | None]
    fee: NotRequired[Paise]
    tax: NotRequired[Paise]
    vpa: NotRequired[str | None]
    email: NotRequired[str | None]
    contact: NotRequired[str | None]


class RefundBody(TypedDict):
    """`entity` and `currency`: for callers by HTTP Basic."""

    id: str
    payment_id: str
    merchant_id: str
    amount: Paise
    status: Literal["pending", "PROCESSED", "FAILED"]
    reason: str | None
    error_code: str | None
    error_description: str | None
    created_at: Timestamp
    updated_at: Timestamp
    entity: NotRequired[Literal["refund"]]
    currency: NotRequired[Literal["INR"]]


class NewWebhookBody(TypedDict):
    id: _UUID
    url: str
    secret: str


class WebhookBody(TypedDict):
    active: bool
    merchant_id: str
    id: _UUID
    updated_at: Timestamp
    url: str
    secret: str
    created_at: Timestamp


class WebhookLogBody(TypedDict):
    """`response_code` and `response_body`: of the last attempt; null before it, and where no answer came."""

    id: _UUID
    webhook_id: _UUID
    event_type: str
    status: Literal["pending", "success", "retrying", "failed"]
    attempts: int
    response_code: str | None
    response_body: str | None
    created_at: Timestamp
    updated_at: Timestamp


class RetryBody(TypedDict):
    message: Literal["Webhook retry queued"]


class JobBody(TypedDict):
    status: Literal["queued"]
    payment_id: str
    queue: Literal["gateway_jobs"]


class HealthBody(TypedDict):
    """`broker` and what follows it: with `?deep=1`."""

    status: Literal["healthy", "unhealthy"]
    database: Literal["connected", "disconnected"]
    timestamp: Timestamp
    broker: NotRequired[Literal["connected", "disconnected"]]
    cache: NotRequired[Literal["connected", "disconnected"]]
    worker: NotRequired[Literal["keeping up", "behind", "unknown"]]
    watcher: NotRequired[Literal["keeping up", "behind", "unknown"]]


def order(row: Order) -> OrderBody:
    return {
        "id": row.public_id,
        "merchant_id": row.merchant.public_id,
        "amount": row.amount_minor,
        "currency": row.currency,  # type: ignore[typeddict-item]
        "status": ORDER_STATUSES[row.status],  # type: ignore[typeddict-item]
        "receipt": row.receipt or row.reference or None,
        "notes": row.notes,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def payment(row: Payment) -> PaymentBody:
    """Keys stand in the order of the original; `captured` is said where it can be true."""
    body: dict[str, Any] = {
        "id": row.public_id,
        "order_id": row.order.public_id,
        "merchant_id": row.merchant.public_id,
        "amount": row.gross.minor,
        "currency": row.currency,
        "method": row.method,
        "status": PAYMENT_STATUSES[row.status],
        "captured": row.captured_at is not None,
        "error_code": row.failure_code or None,
        "error_description": row.failure_reason or None,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }
    if row.status != Payment.Status.SUCCEEDED:
        del body["captured"]
    return cast(PaymentBody, body)


def refund(row: Refund) -> RefundBody:
    return {
        "id": row.public_id,
        "payment_id": row.payment.public_id,
        "merchant_id": row.merchant.public_id,
        "amount": row.amount_minor,
        "status": REFUND_STATUSES[row.status],  # type: ignore[typeddict-item]
        "reason": row.reason or None,
        "error_code": row.error_code or None,
        "error_description": row.error_description or None,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def razorpay(row: Order | Payment | Refund) -> dict[str, Any]:
    """The names that Razorpay's answers have beside this contract's own."""
    if isinstance(row, Order):
        paid = _paid_minor(row) if row.status == Order.Status.PAID else 0
        return {"entity": "order", "amount_paid": paid, "amount_due": max(row.amount_minor - paid, 0)}
    if isinstance(row, Refund):
        return {"entity": "refund", "currency": row.currency}
    return {
        "entity": "payment",
        "captured": row.captured_at is not None,
        "amount_refunded": row.refunded_minor,
        "refund_status": _refund_status(row),
        "fee": row.fee_minor,
        "tax": row.tax_minor,
        "vpa": row.vpa or None,
        "email": row.payer_email or None,
        "contact": row.payer_phone or None,
    }


# For lists: what `_paid_minor` would ask for each order, in the same statement.
PAID_MINOR = Subquery(
    Payment.objects.filter(order=OuterRef("pk"), status=Payment.Status.SUCCEEDED).values("received_minor")[:1]
)


def _paid_minor(row: Order) -> int:
    """One payment of an order succeeds; an operator may have taken another sum for it than was asked."""
    if hasattr(row, "paid_minor"):
        return int(row.paid_minor or 0)
    return row.payments.values_list("received_minor", flat=True).get(status=Payment.Status.SUCCEEDED) or 0


def _refund_status(row: Payment) -> str | None:
    if not row.refunded_minor:
        return None
    return "full" if row.refunded_minor == row.received_minor else "partial"


def new_webhook(row: Endpoint) -> NewWebhookBody:
    return {"id": str(row.pk), "url": row.url, "secret": reveal_secret(row)}


def webhook(row: Endpoint) -> WebhookBody:
    return {
        "active": row.enabled,
        "merchant_id": row.merchant.public_id,
        "id": str(row.pk),
        "updated_at": timestamp(row.updated_at),
        "url": row.url,
        "secret": reveal_secret(row),
        "created_at": timestamp(row.created_at),
    }


def webhook_log(row: Delivery, response_body: str | None) -> WebhookLogBody:
    code = row.last_response_status
    return {
        "id": str(row.pk),
        "webhook_id": str(row.endpoint_id),
        "event_type": row.event_name,
        "status": DELIVERY_STATUSES[row.status],  # type: ignore[typeddict-item]
        "attempts": row.attempt_count,
        "response_code": None if code is None else str(code),
        "response_body": None if code is None else response_body,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def health(connected: bool, at: datetime) -> HealthBody:
    return {
        "status": "healthy" if connected else "unhealthy",
        "database": "connected" if connected else "disconnected",
        "timestamp": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
