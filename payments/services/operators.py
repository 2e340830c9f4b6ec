"""What people decide about payments: an operator who saw the bank's statement, and the page's Simulate buttons."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.operators import MAY_DECIDE_OWN, check_operator
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.providers import UNFLAGGED
from payments.errors import OrderAlreadyPaid, SecondOperatorNeeded, TestModeOnly, UtrUsed
from payments.models import Payment, Refund
from payments.providers import registry
from payments.providers.sandbox import SANDBOX
from payments.services.callbacks import apply_provider_event
from payments.services.captures import capture_payment
from payments.services.confirming import check_waiting
from payments.services.instruments import check_utr_is_new, clean_utr
from payments.services.outcomes import begin, fail, order_has_other_success, succeed
from payments.services.records import lock, write_down

Status = Payment.Status
_PAGE = Actor.system("payment page")


@transaction.atomic
def mark_succeeded(*, actor: Actor, payment: Payment, utr: str, received: Money | None = None) -> Payment:
    """An operator has seen the money: `received` (default: what was asked) came with this UTR.

    Also for a payment that had failed or expired; it is then flagged as late. Raises `OwnRecord`, `InvalidFields`,
    `UtrUsed`, `OrderAlreadyPaid`, `IllegalTransition`; `SecondOperatorNeeded` where it takes two (proposals.py).
    """
    check_operator(actor, payment, own=MAY_DECIDE_OWN)
    utr, row = clean_utr(utr), lock(payment)
    minor = check_received(row, received)
    if needs_second_operator(row, minor):
        raise SecondOperatorNeeded()
    book_by_hand(actor, row, utr=utr, received_minor=minor)
    return row


def check_received(row: Payment, received: Money | None) -> int:
    if received is not None and (received.currency != row.currency or received.minor <= 0):
        raise InvalidFields(received=f"must be a positive amount in {row.currency}")
    return received.minor if received else row.amount_minor


def needs_second_operator(payment: Payment, received_minor: int) -> bool:
    """Above a limit the word of one person is not enough; a bank's own interface needs none."""
    limit = settings.MATCH_SECOND_APPROVAL_ABOVE
    by_people = payment.mode == Mode.LIVE and registry.decided_by_people(payment.provider)
    return by_people and limit is not None and max(payment.amount_minor, received_minor) > limit


def check_bookable(row: Payment, utr: str) -> None:
    """Raises `IllegalTransition`, `OrderAlreadyPaid`, `UtrUsed`. `row` is locked."""
    if row.status == Status.SUCCEEDED:
        raise IllegalTransition("This payment has succeeded already.")
    if order_has_other_success(row):
        raise OrderAlreadyPaid()
    check_utr_is_new(row, utr)


def book_by_hand(actor: Actor, row: Payment, *, utr: str, received_minor: int) -> None:
    """`row` is locked. Raises as `check_bookable` does."""
    check_bookable(row, utr)
    if row.status == Status.CREATED:
        begin(actor, row)
    try:
        with transaction.atomic():
            succeed(actor, row, received_minor=received_minor, utr=utr, comments="Approved by an operator")
    except IntegrityError as error:  # the same UTR on another payment, at this very moment
        raise UtrUsed() from error


@transaction.atomic
def mark_failed(*, actor: Actor, payment: Payment, reason: str) -> Payment:
    """An operator rejects a payment that has not ended. Raises `OwnRecord`, `InvalidFields`, `IllegalTransition`."""
    check_operator(actor, payment, own=MAY_DECIDE_OWN)
    if not reason.strip():
        raise InvalidFields(reason="is required")
    row = lock(payment)
    if row.status not in (Status.CREATED, Status.PROCESSING):
        raise IllegalTransition("This payment has ended already.")
    fail(actor, row, code="rejected", reason=reason.strip())
    return row


def can_be_captured_by_hand(payment: Payment) -> bool:
    """People had proven it before such money was captured with its success: it lies in our account, booked nowhere.

    Whoever looks decides, since its payer may have had it back by hand: it could not be refunded here.
    """
    is_waiting = payment.status == Status.SUCCEEDED and payment.captured_at is None
    return is_waiting and registry.decided_by_people(payment.provider)


@transaction.atomic
def capture_proven(*, actor: Actor, payment: Payment) -> Payment:
    """An operator books such a payment. What a provider has only authorised, its merchant captures.

    Raises `NotAllowed`, `NotFound`, `OwnRecord`, `IllegalTransition`.
    """
    check_operator(actor, payment, own=MAY_DECIDE_OWN)
    row = lock(payment)
    if not can_be_captured_by_hand(row):
        raise IllegalTransition("Only money that people proved, and that is not booked yet, is booked so.")
    return capture_payment(actor=actor, payment=row)


@transaction.atomic
def simulate(*, payment: Payment, succeed: bool) -> Payment:
    """The Simulate buttons of a test payment's page: the sandbox decides now, and tells us as any provider would."""
    if payment.mode != Mode.TEST or payment.provider != SANDBOX.name:
        raise TestModeOnly()
    row = lock(payment)
    if row.status == Status.CREATED:
        check_waiting(row)
        begin(_PAGE, row)
    if row.status != Status.PROCESSING:
        raise IllegalTransition("This payment has ended already.")
    callback = SANDBOX.decide(row.public_id, row.amount, succeed=succeed)
    apply_provider_event(provider=SANDBOX.name, event=callback)
    row.refresh_from_db()
    return row


@transaction.atomic
def clear_flag(*, actor: Actor, record: Payment | Refund, note: str) -> None:
    """An operator has dealt with what was odd about `record`, and says how; one that is open is asked about again."""
    check_operator(actor, record, own=MAY_DECIDE_OWN)
    if not note.strip():
        raise InvalidFields(note="is required")
    rows = type(record)._default_manager.filter(pk=record.pk).exclude(flag="")
    flag = record.flag
    if not rows.update(**UNFLAGGED):
        raise IllegalTransition("There is nothing to clear.")
    record.flag, record.flagged_at = "", None
    if _is_open(record):
        type(record)._default_manager.filter(pk=record.pk).update(due_at=timezone.now(), tries=0)
    kind = "payment" if isinstance(record, Payment) else "refund"
    write_down(actor, record, f"{kind}.flag_cleared", flag=flag, detail=note.strip()[:200])


def _is_open(record: Payment | Refund) -> bool:
    """Whether something is still to come from the provider."""
    if isinstance(record, Refund):
        return record.status == Refund.Status.PENDING
    asked_for = record.capture_requested_at is not None or not record.order.manual_capture
    wants_capture = asked_for and record.captured_at is None
    return record.status == Status.PROCESSING or (record.status == Status.SUCCEEDED and wants_capture)
