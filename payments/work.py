"""What workers do about money in: claim what is due, call the provider with no transaction open, record the answer.

A worker that dies at any point leaves its row to the next one, which asks the provider instead of sending again.
"""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.crash import crash_point
from gateway.lib.providers import FINAL, ProviderState, call, exchange, put_off
from gateway.lib.work import backoff, drive, settle
from payments.models import Payment, Refund
from payments.providers import registry
from payments.providers.base import Charge, PaymentProvider, Reversal
from payments.services import steps
from payments.services.captures import finish_capture, settle_captured
from payments.services.outcomes import (
    apply_outcome,
    begin_queued,
    expire,
    give_up_needless,
    order_has_other_success,
)
from payments.services.refunds import apply_refund_outcome
from payments.statements.matching import wait_for_money

Status = Payment.Status
_WORKER = Actor.system("worker")
_SCHEDULER = Actor.system("scheduler")


def drive_payments(limit: int = 100) -> int:
    """Authorises what payers confirmed, asks about what has no answer yet, captures where the provider must."""
    open_rows = Q(status__in=[Status.CREATED, Status.PROCESSING])
    uncaptured = Q(status=Status.SUCCEEDED, captured_at__isnull=True)
    maybe_late = Q(status=Status.FAILED, due_at__isnull=False)
    rows = Payment.objects.filter(open_rows | uncaptured | maybe_late).select_related("order", "merchant")
    return drive(rows, _drive_payment, limit=limit)


def _drive_payment(payment: Payment) -> None:
    provider = registry.get(payment.provider)
    if payment.status == Status.SUCCEEDED:
        _capture(provider, payment)
    elif payment.status == Status.FAILED:
        _look_for_late_money(provider, payment)
    else:
        _authorise(provider, payment)


def _authorise(provider: PaymentProvider, payment: Payment) -> None:
    if _is_needless(provider, payment):
        give_up_needless(actor=_WORKER, payment=payment)
        return
    if payment.status == Status.CREATED:
        begin_queued(actor=_WORKER, payment=payment)
    if provider.decided_by_people:
        wait_for_money(payment=payment)
        return
    charge = _charge(payment)
    outcome = exchange(
        payment, name="payment",
        send=lambda: steps.checked(payment, provider.authorise(charge)),
        ask=lambda: steps.checked(payment, provider.status(payment.public_id)),
    )
    if outcome is None:
        return
    if outcome.result in FINAL:
        apply_outcome(actor=Actor.system(provider.name), payment=payment, outcome=outcome)
        crash_point("payment.after_commit")
    elif outcome.step_url or payment.step_url:
        steps.wait_for_payer(actor=Actor.system(provider.name), payment=payment, outcome=outcome)
    else:
        put_off(payment, outcome, "payments.drive")


def _is_needless(provider: PaymentProvider, payment: Payment) -> bool:
    """Nothing has been sent yet, and another payment has paid the order: the payer would be charged a second time."""
    unsent = payment.provider_state == ProviderState.NONE and not provider.decided_by_people
    return unsent and order_has_other_success(payment)


def _charge(payment: Payment) -> Charge:
    return Charge(
        reference=payment.public_id, amount=payment.amount, method=payment.method, vpa=payment.vpa,
        token=payment.provider_token, claimed_utr=payment.claimed_utr, capture=not payment.order.manual_capture,
        return_url=steps.return_address(payment),
    )


def _look_for_late_money(provider: PaymentProvider, payment: Payment) -> None:
    """Of a payment that expired at its payer's bank: a step that was taken all the same, told by no callback."""
    outcome = call(lambda: provider.status(payment.public_id), "payment.ask")
    if outcome.result in FINAL:
        apply_outcome(actor=Actor.system(provider.name), payment=payment, outcome=outcome)
        settle(payment, provider_state=ProviderState.ANSWERED)
    else:
        settle(payment, due_at=steps.next_look(payment, outcome))


def _capture(provider: PaymentProvider, payment: Payment) -> None:
    """A capture may be repeated: by its reference the provider knows it again, and answers as before."""
    outcome = call(lambda: provider.capture(_charge(payment)), "capture")
    if outcome.result in FINAL:
        finish_capture(actor=Actor.system(provider.name), payment=payment, outcome=outcome)
    else:
        settle(payment, due_at=timezone.now() + backoff(payment.tries))


def drive_refunds(limit: int = 100) -> int:
    rows = Refund.objects.filter(status=Refund.Status.PENDING).select_related("payment")
    return drive(rows, _drive_refund, limit=limit)


def _drive_refund(refund: Refund) -> None:
    provider = registry.get(refund.payment.provider)
    if provider.decided_by_people:  # sent by hand; an operator says how it ended
        settle(refund, provider_state=ProviderState.SENT)
        return
    reversal = Reversal(refund.public_id, refund.payment.public_id, refund.amount)
    outcome = exchange(
        refund, name="refund", send=lambda: provider.refund(reversal), ask=lambda: provider.status(refund.public_id)
    )
    if outcome is None:
        return
    if outcome.result in FINAL:
        apply_refund_outcome(actor=Actor.system(provider.name), refund=refund, outcome=outcome)
    else:
        put_off(refund, outcome, "payments.refund")


def expire_payments(limit: int = 200) -> int:
    """Ends payments that nobody confirmed in time. Returns how many."""
    rows = Payment.objects.filter(status=Status.CREATED, due_at__isnull=True, expires_at__lte=timezone.now())
    return sum(expire(actor=_SCHEDULER, payment=row) for row in rows.order_by("expires_at")[:limit])


def settle_payments(limit: int = 200) -> int:
    """Makes the money of captured payments available when their merchant's settlement delay is over."""
    rows = Payment.objects.filter(status=Status.SUCCEEDED, captured_at__isnull=False, settled_at__isnull=True)
    return drive(rows.select_related("merchant"), _settle, limit=limit)


def _settle(payment: Payment) -> None:
    settle_captured(actor=_SCHEDULER, payment=payment)
