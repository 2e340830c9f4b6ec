"""What every step of a payment shares: its locks, and what is written down and told about it."""

from __future__ import annotations

from typing import Any

from accounts import audit
from accounts.actors import Actor
from payments.models import Order, Payment, Refund
from webhooks.services import emit


def lock(payment: Payment) -> Payment:
    """The payment as it stands now, and nobody else's until the transaction ends. Order first, always."""
    Order.objects.select_for_update(no_key=True).get(pk=payment.order_id)
    rows = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("order", "merchant")
    return rows.get(pk=payment.pk)


def write_down(actor: Actor, row: Payment | Refund, action: str, *, tell: bool = False, **data: Any) -> None:
    """One row in the audit trail; with `tell`, an event for the merchant. `detail` is what a timeline shows."""
    audit.record(actor, action, row.public_id, merchant=row.merchant_id, mode=row.mode, **data)
    if tell:
        event = "payment.initiated" if action == "payment.processing" else action
        emit(event_type=event, merchant=row.merchant, mode=row.mode, subject=row, subject_id=row.public_id)
