"""A capture books a succeeded payment's money, once: gross from clearing, fee and GST to the house, the rest to
the merchant as available or, by its settlement delay, as pending."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.crash import crash_point
from gateway.lib.jobs import wake
from gateway.lib.money import Money
from gateway.lib.providers import Flag, Outcome
from gateway.lib.work import ended
from ledger.services import Line, house_account, merchant_account, post
from payments.errors import NotCapturable
from payments.models import Order, Payment, Refund
from payments.providers import registry
from payments.services.fees import charged
from payments.services.records import lock, write_down

Status = Payment.Status


@transaction.atomic
def capture_payment(*, actor: Actor, payment: Payment) -> Payment:
    """Captures a succeeded payment, and remembers the wish for one that has not ended. Again: the same answer.

    Where the provider must be asked for a capture, a worker does that: `captured_at` is then still empty.
    Raises `NotCapturable` for a failed payment.
    """
    row = lock(payment)
    if row.status == Status.FAILED:
        raise NotCapturable()
    if row.capture_requested_at is None and row.captured_at is None:
        _remember(actor, row)
        if row.status == Status.SUCCEEDED:
            capture_if_wanted(actor, row)
    return row


def _remember(actor: Actor, row: Payment) -> None:
    row.capture_requested_at = row.updated_at = timezone.now()
    row.save(update_fields=["capture_requested_at", "updated_at"])
    write_down(actor, row, "payment.capture_requested")


def capture_if_wanted(actor: Actor, row: Payment) -> None:
    """What follows a success: nothing until the merchant asks, our own booking, or a call that a worker makes.

    Where people prove a payment its money has moved, and lies in an account of ours: there is nothing to ask for.
    """
    is_asked_for = row.capture_requested_at is not None or not row.order.manual_capture
    if not is_asked_for and not registry.decided_by_people(row.provider):
        return
    if registry.get(row.provider).captures_at_once:
        book_capture(actor, row)
    else:
        row.due_at, row.tries = timezone.now(), 0
        row.save(update_fields=["due_at", "tries"])
        wake("payments.drive")


def book_capture(actor: Actor, row: Payment) -> None:
    """`row` is locked, succeeded, and not captured yet."""
    _write_capture(row)
    row.order.advance(Order.Status.PAID)
    write_down(actor, row, "payment.captured", tell=True, detail=f"fee {row.fee}, net {row.net}")
    crash_point("capture.before_posting")
    _post_capture(row)
    crash_point("capture.after_posting")


def _write_capture(row: Payment) -> None:
    now, delay = timezone.now(), row.merchant.settlement_delay_days
    for name, minor in charged(row, row.received_minor or 0).items():  # also of what succeeded under older code
        setattr(row, name, minor)
    row.captured_at = row.updated_at = now
    row.settled_at = None if delay else now
    row.due_at = now + timedelta(days=delay) if delay else None
    row.leased_until, row.lease, row.tries = None, "", 0
    row.save(
        update_fields=[
            "fee_minor", "tax_minor", "captured_at", "settled_at", "due_at", "leased_until", "lease", "tries",
            "updated_at",
        ]
    )


def _post_capture(row: Payment) -> None:
    kind = "available" if row.settled_at else "pending"
    post(
        kind="payment.capture",
        reference=f"payment:{row.public_id}:capture",
        mode=row.mode,
        lines=[
            Line(house_account(row.mode, row.currency, "clearing", row.provider), -(row.received_minor or 0)),
            Line(merchant_account(row.merchant_id, row.mode, row.currency, kind), row.net.minor),
            Line(house_account(row.mode, row.currency, "fees"), row.fee_minor - row.tax_minor),
            Line(house_account(row.mode, row.currency, "tax"), row.tax_minor),
        ],
    )


@transaction.atomic
def finish_capture(*, actor: Actor, payment: Payment, outcome: Outcome) -> str:
    """Applies what a provider answered to a capture: books it, or flags the payment for an operator."""
    row = lock(payment)
    if row.captured_at is not None:
        return "none"
    if outcome.result == "succeeded" and outcome.moved(row.received_minor or 0, row.currency):
        book_capture(actor, row)
        return "captured"
    flag = Flag.AMOUNT_DIFFERS if outcome.result == "succeeded" else Flag.CAPTURE_FAILED
    Payment.objects.filter(pk=row.pk).update(**row.flagging(flag), **ended())
    write_down(actor, row, "payment.flagged", flag=flag, detail=f"{flag.label}. {outcome.message}".strip())
    return "flagged"


@transaction.atomic
def settle_captured(*, actor: Actor, payment: Payment) -> bool:
    """Moves what is left of a captured payment's pending money to available, once; False if that has happened."""
    now = timezone.now()
    rows = Payment.objects.filter(pk=payment.pk, captured_at__isnull=False, settled_at__isnull=True)
    if not rows.update(settled_at=now, updated_at=now, due_at=None, leased_until=None, lease=""):
        return False
    left = payment.net.minor - taken_from_pending(payment)  # read under the row's lock: no refund comes between
    write_down(
        actor, payment, "payment.settled",
        detail=f"{Money(left, payment.currency)} {payment.currency} is available",
    )
    if left:
        _post_settlement(payment, left)
    return True


def taken_from_pending(payment: Payment) -> int:
    """Minor units that refunds took of the payment's unsettled money, and have not given back. `payment` is locked."""
    refunds = Refund.objects.filter(payment=payment).exclude(status=Refund.Status.FAILED)
    taken: int = refunds.aggregate(taken=Sum("from_pending_minor", default=0))["taken"]
    return taken


def _post_settlement(payment: Payment, minor: int) -> None:
    def account(kind: str) -> Line:
        sign = 1 if kind == "available" else -1
        key = merchant_account(payment.merchant_id, payment.mode, payment.currency, kind)
        return Line(key, sign * minor)

    post(
        kind="payment.settle", reference=f"payment:{payment.public_id}:settle", mode=payment.mode,
        lines=[account("pending"), account("available")],
    )
