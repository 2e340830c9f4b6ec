"""What an order is to its payer: one word and the payment that counts, from which its whole page follows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils import timezone

from gateway.pay.rendering import IST
from gateway.pay.returning import failed_url, paid_url, unpaid_url
from gateway.pay.states import must_go_to_bank
from payments.models import Order, Payment

Status = Payment.Status
# What ends within so many seconds is counted down; a day that is far off is only named.
COUNTED_SECONDS = 3600


class State(TextChoices):
    WAITING = "waiting", "Choose how to pay"
    PROCESSING = "processing", "Confirming your payment"
    STEP = "step", "Confirm at your bank"
    PAID = "paid", "Payment received"
    FAILED = "failed", "Payment failed"
    EXPIRED = "expired", "This order has expired"
    CLOSED = "closed", "This order cannot be paid now"


@dataclass(frozen=True, slots=True)
class Seen:
    """`payment`: the one that was received or is under way, else the last that failed, else None."""

    order: Order
    state: State
    payment: Payment | None

    @property
    def is_payable(self) -> bool:
        return self.state in (State.WAITING, State.FAILED)

    @property
    def awaits_payer(self) -> bool:
        return self.payment is not None and self.payment.awaits_payer

    @property
    def mark(self) -> str:
        """Changes with whatever the page shows of the payment."""
        return f"{self.state}.{self.payment.public_id}.{self.payment.status}" if self.payment else self.state.value

    @property
    def return_url(self) -> str:
        """Empty while a payment is under way: whoever leaves then does not learn how it ended."""
        if self.state in (State.PROCESSING, State.STEP):
            return ""
        if self.payment is None:
            return unpaid_url(self.order, "expired" if self.state == State.EXPIRED else "cancelled")
        return (paid_url if self.state == State.PAID else failed_url)(self.order, self.payment)


def look_at(order: Order) -> Seen:
    """A success counts more than what is under way, and that more than a failure, whichever was last."""
    tries = {payment.status: payment for payment in order.payments.order_by("id")}
    if Status.SUCCEEDED in tries:
        return Seen(order, State.PAID, tries[Status.SUCCEEDED])
    under_way = tries.get(Status.PROCESSING) or tries.get(Status.CREATED)
    if under_way and under_way.awaits_payer and not order.merchant.is_active:
        return Seen(order, State.CLOSED, None)  # nobody is shown whom to pay any more
    if under_way:
        return Seen(order, State.STEP if must_go_to_bank(under_way) else State.PROCESSING, under_way)
    return Seen(order, _resting(order, bool(tries)), tries.get(Status.FAILED))


def _resting(order: Order, was_tried: bool) -> State:
    if order.has_expired:
        return State.EXPIRED
    if not _is_open(order):
        return State.CLOSED
    return State.FAILED if was_tried else State.WAITING


def _is_open(order: Order) -> bool:
    """As the public calls have it: a suspended merchant takes nothing, and public orders can be switched off."""
    return order.merchant.is_active and (order.merchant.public_checkout or not order.public)


def seconds_left(order: Order) -> int | None:
    """For the last hour only."""
    if order.expires_at is None:
        return None
    left = int((order.expires_at - timezone.now()).total_seconds())
    return left if 0 <= left <= COUNTED_SECONDS else None


def open_until(order: Order) -> str:
    if order.expires_at is None:
        return ""
    moment, today = order.expires_at.astimezone(IST), timezone.now().astimezone(IST).date()
    return f"{moment:%H:%M} IST" if moment.date() == today else f"{moment:%d %b %Y, %H:%M} IST"
