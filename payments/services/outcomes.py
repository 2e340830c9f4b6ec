"""How a payment ends, whoever says so: the payer's provider, an operator, or the clock.

All ends pass through here under the locks of the order and then the payment, so that at most one payment of an
order succeeds and its money is booked once. Money that arrives is never lost: a success after a failure or an expiry
is booked and flagged, and one that cannot be booked (another amount, an order paid already) is flagged for an
operator. The events of a provider may come in any order and end in the same state: success outweighs failure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.lib.providers import UNFLAGGED, Flag, Outcome, ProviderState
from gateway.lib.work import ended
from payments.models import Payment
from payments.providers import registry
from payments.services.captures import capture_if_wanted
from payments.services.fees import charged
from payments.services.instruments import utr_is_used
from payments.services.records import lock, write_down
from payments.statements.attaching import attach_line

log = structlog.get_logger(__name__)
Status = Payment.Status
AUTO_APPROVED = "Auto Approved"  # as the signed contract says it


@transaction.atomic
def apply_outcome(*, actor: Actor, payment: Payment, outcome: Outcome) -> str:
    """Applies what a provider said about a payment; returns the effect: succeeded, failed, flagged or none."""
    row = lock(payment)
    if outcome.result == "succeeded":
        return _provider_success(actor, row, outcome)
    if outcome.result == "failed":
        return _provider_failure(actor, row, outcome)
    return "none"


def _provider_success(actor: Actor, row: Payment, outcome: Outcome) -> str:
    if row.status == Status.SUCCEEDED:
        return _repeated_success(actor, row, outcome)
    if row.status == Status.CREATED:
        begin(actor, row)
    if not outcome.moved(row.amount_minor, row.currency):
        return _not_booked(actor, row, Flag.AMOUNT_DIFFERS, _difference(row, outcome))
    if utr_is_used(row, outcome.utr.upper()):
        return _not_booked(actor, row, Flag.UTR_REUSED, f"UTR {outcome.utr}")
    if order_has_other_success(row):
        return _second_success(actor, row, outcome)
    succeed(
        actor, row, received_minor=row.amount_minor, utr=outcome.utr.upper(), comments=AUTO_APPROVED,
        provider_reference=outcome.reference,
    )
    return "succeeded"


def _repeated_success(actor: Actor, row: Payment, outcome: Outcome) -> str:
    """The same success again is nothing new; another amount, or another UTR (money a second time), is for a person."""
    if not outcome.moved(row.received_minor or 0, row.currency):
        return set_flag(actor, row, Flag.AMOUNT_DIFFERS, _difference(row, outcome))
    utr, booked = outcome.utr.upper(), row.utr.upper()
    if not (utr and booked) or utr == booked or row.flag == Flag.SECOND_SUCCESS:
        return "none"
    return set_flag(actor, row, Flag.SECOND_SUCCESS, f"UTR {booked} is booked, the provider reports UTR {utr} as well")


def _difference(row: Payment, outcome: Outcome) -> str:
    said = f"{outcome.amount_minor} {outcome.currency or row.currency}"
    return f"asked for {row.amount_minor} {row.currency}, the provider reports {said} (minor units)"


def _second_success(actor: Actor, row: Payment, outcome: Outcome) -> str:
    if row.status != Status.FAILED:
        _fail_as_paid_otherwise(actor, row, answered=True)
    return _not_booked(actor, row, Flag.SECOND_SUCCESS, f"UTR {outcome.utr}: return the money to the payer")


def _not_booked(actor: Actor, row: Payment, flag: Flag, detail: str) -> str:
    """Nobody goes on looking for money that came: the same answer would flag again what a person has dealt with."""
    if row.status == Status.FAILED:
        Payment.objects.filter(pk=row.pk).update(**ended())
    return set_flag(actor, row, flag, detail)


def _fail_as_paid_otherwise(actor: Actor, row: Payment, *, answered: bool) -> None:
    reason = "The order was paid already by another payment."
    fail(actor, row, code="order_already_paid", reason=reason, answered=answered)


def _provider_failure(actor: Actor, row: Payment, outcome: Outcome) -> str:
    if row.status == Status.FAILED:
        return "none"
    if row.status == Status.SUCCEEDED:
        return set_flag(actor, row, Flag.CONTRADICTED, outcome.message)
    if row.status == Status.CREATED:
        begin(actor, row)
    # The flag of a success that could not be booked stays: that money may still have to go back.
    fail(
        actor, row, code=outcome.code or "declined", reason=outcome.message or "The payment was declined.",
        answered=True, provider_reference=outcome.reference, keep_flag=True,
    )
    return "failed"


def order_has_other_success(row: Payment) -> bool:
    others = Payment.objects.filter(order_id=row.order_id, status=Status.SUCCEEDED)
    return others.exclude(pk=row.pk).exists()


def begin(actor: Actor, payment: Payment, **changes: Any) -> None:
    """The payer has acted. `changes` are written in the same UPDATE."""
    payment.advance(Status.PROCESSING, comments="Payin Initiated", **changes)
    write_down(actor, payment, "payment.processing", tell=True, detail=_instrument(payment))


def succeed(
    actor: Actor, row: Payment, *, received_minor: int, utr: str, comments: str, provider_reference: str = ""
) -> None:
    """The money is there. `row` is locked, and no other payment of its order has succeeded."""
    flag = _lateness(row)
    row.advance(
        Status.SUCCEEDED, received_minor=received_minor, utr=utr, comments=comments, failure_code="",
        failure_reason="", provider_state=ProviderState.ANSWERED, completed_at=timezone.now(),
        provider_reference=provider_reference or row.provider_reference, step_url="",
        **charged(row, received_minor), **ended(), **(row.flagging(flag) if flag else UNFLAGGED),
    )
    received = Money(received_minor, row.currency)
    detail = f"{received} {row.currency} received, UTR {utr or 'none'}"
    write_down(actor, row, "payment.succeeded", tell=True, detail=detail, flag=flag)
    if flag:
        log.warning("payment_flagged", payment=row.public_id, flag=flag)
    capture_if_wanted(actor, row)
    if registry.decided_by_people(row.provider):
        attach_line(row)


def _lateness(row: Payment) -> str:
    """The flag of a success: an operator's decision or a second report has dealt with an earlier one."""
    if row.status != Status.FAILED:  # flagged before it ended: by a chargeback that came first
        is_told_of = row.flag == Flag.CONTRADICTED or (row.flag and row.disputes.exclude(problem="").exists())
        return Flag.CONTRADICTED if is_told_of else ""
    return Flag.CONTRADICTED if row.provider_state == ProviderState.ANSWERED else Flag.LATE_SUCCESS


def fail(
    actor: Actor, row: Payment, *, code: str, reason: str, answered: bool = False, provider_reference: str = "",
    keep_flag: bool = False, ask_at: datetime | None = None,
) -> None:
    """With `ask_at` the provider is asked from then on whether money came all the same."""
    state = ProviderState.ANSWERED if answered else row.provider_state
    row.advance(
        Status.FAILED, failure_code=code[:40], failure_reason=reason[:200], comments=reason[:200],
        provider_state=state, completed_at=timezone.now(),
        provider_reference=provider_reference or row.provider_reference, step_url="",
        **ended(ask_at), **({} if keep_flag else UNFLAGGED),
    )
    write_down(actor, row, "payment.failed", tell=True, detail=reason, code=code)


def set_flag(actor: Actor, row: Payment, flag: str, detail: str) -> str:
    """A person must look; nobody asks the provider any more until then."""
    flagging = row.flagging(flag)
    changes: dict[str, Any] = flagging | {"updated_at": timezone.now()}
    if row.status == Status.PROCESSING:
        changes |= {"provider_state": ProviderState.ANSWERED} | ended()
    Payment.objects.filter(pk=row.pk).update(**changes)
    row.flag, row.flagged_at = flag, flagging["flagged_at"]
    write_down(actor, row, "payment.flagged", flag=flag, detail=f"{Flag(flag).label}. {detail}".strip())
    log.warning("payment_flagged", payment=row.public_id, flag=flag)
    return "flagged"


def _instrument(payment: Payment) -> str:
    if payment.card_last_four:
        return f"{payment.card_brand} ending in {payment.card_last_four}"
    return payment.vpa or (f"the payer gave UTR {payment.claimed_utr}" if payment.claimed_utr else "")


@transaction.atomic
def expire(*, actor: Actor, payment: Payment) -> bool:
    """Ends a payment that nobody confirmed in time; False if somebody did meanwhile."""
    row = lock(payment)
    if row.status != Status.CREATED or row.due_at or row.expires_at is None or row.expires_at > timezone.now():
        return False
    fail(actor, row, code="expired", reason="The payer did not pay in time.", keep_flag=True)
    return True


@transaction.atomic
def begin_queued(*, actor: Actor, payment: Payment) -> None:
    """A worker takes up a payment whose payer acted when it was made; it keeps the worker's lease."""
    begin(actor, payment)


@transaction.atomic
def give_up_needless(*, actor: Actor, payment: Payment) -> None:
    """Ends a payment of which nothing was sent, and whose order another payment has paid meanwhile."""
    row = lock(payment)
    if row.provider_state == ProviderState.NONE and row.status in (Status.CREATED, Status.PROCESSING):
        _fail_as_paid_otherwise(actor, row, answered=False)
