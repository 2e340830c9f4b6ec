"""What a payment is to its payer: one word, from which page, address bar and polling all follow."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import TextChoices
from django.utils import timezone

from gateway.pay.returning import back_to
from payments.models import Payment
from payments.services.outcomes import order_has_other_success

Status = Payment.Status
# The portal's words, which a merchant's return page knows.
_WORDS = {
    Status.CREATED: "pending", Status.PROCESSING: "processing", Status.SUCCEEDED: "completed", Status.FAILED: "failed",
}
_ASKED_AFTER_RETURN = timedelta(seconds=20)


class State(TextChoices):
    WAITING = "waiting", "Pay"
    PROCESSING = "processing", "Confirming your payment"
    STEP = "step", "Confirm at your bank"
    PAID = "paid", "Payment received"
    FAILED = "failed", "Payment failed"
    EXPIRED = "expired", "This payment link has expired"
    CLOSED = "closed", "This payment cannot be made now"
    PAID_OTHERWISE = "paid_otherwise", "This has been paid already"


def state_of(payment: Payment) -> State:
    """Past its time a payment is expired, also where no sweep has written that down yet."""
    expired = payment.failure_code == "expired"
    waits = payment.awaits_payer or payment.awaits_bank_step
    if (expired or waits) and order_has_other_success(payment):
        return State.PAID_OTHERWISE
    if expired:
        return State.EXPIRED
    if payment.awaits_payer:
        return _waiting_state(payment)
    return {
        Status.CREATED: State.PROCESSING,  # the payer acted through the API, and a worker has not asked yet
        Status.PROCESSING: State.STEP if must_go_to_bank(payment) else State.PROCESSING,
        Status.SUCCEEDED: State.PAID,
    }.get(Status(payment.status), State.FAILED)


def must_go_to_bank(payment: Payment) -> bool:
    """Not in the moment after the payer came back: the provider is being asked then."""
    back = payment.step_returned_at
    return payment.awaits_bank_step and (back is None or timezone.now() - back >= _ASKED_AFTER_RETURN)


def _waiting_state(payment: Payment) -> State:
    if seconds_left(payment) == 0:
        return State.EXPIRED
    return State.WAITING if payment.merchant.is_active else State.CLOSED


def seconds_left(payment: Payment) -> int | None:
    """None for a payment without a time limit."""
    if payment.expires_at is None:
        return None
    return max(0, int((payment.expires_at - timezone.now()).total_seconds()))


def return_url(payment: Payment) -> str:
    """The merchant's page with the order id, the payment and its status; empty if there is none to go to."""
    status = _WORDS[Status(payment.status)]
    return back_to(
        payment.redirect_url, order_id=str(payment.order), transaction_id=payment.public_id, status=status
    )
