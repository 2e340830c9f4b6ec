"""Proposing and deciding a correction. Nothing is booked, and the merchant sees nothing, before it is confirmed.

Live, nobody confirms their own, whatever their role: whoever is the only operator must make a second one first, which
the trail shows. In test mode the proposer may.
"""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, Sum

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant, Role
from accounts.notices import tell_super_admins
from accounts.operators import acting_for, check_operator, check_second_person
from gateway.lib.crash import crash_point
from gateway.lib.errors import InvalidFields, NotAllowed
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.lib.transfers import hold_transfer, is_used_elsewhere
from ledger.services import AccountKey, Line, house_account, merchant_account, post
from payments.models import Correction, Dispute, Payment, ReceivingAccount
from payments.services.instruments import UTR
from payments.services.records import lock

Kind, Status = Correction.Kind, Correction.Status
# The clearing account of the house's own bank account, where no provider of a payment is known.
BANK = "bank"
_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9/._-]{3,39}", re.ASCII)  # of a dispute, a case, a ticket
_COUNTING = (Status.OPEN, Status.CONFIRMED)
_ANY_OPERATOR: tuple[str, ...] = (Role.SUPER_ADMIN, Role.ADMIN)


@transaction.atomic
def propose_correction(
    *, actor: Actor, merchant: Merchant, mode: str, kind: str, amount: Money, reason: str, bank_reference: str = "",
    payment: Payment | None = None,
) -> Correction:
    """Writes down what is to be booked, in rupees. `payment` is what a chargeback is about.

    Raises `NotAllowed`, `NotFound` (a merchant out of reach), `InvalidFields` (kind, amount, reason, bank_reference,
    payment).
    """
    user = acting_for(actor, merchant.pk)
    _check(kind, amount, reason)
    row = Correction(
        merchant=merchant, mode=mode, kind=kind, amount_minor=amount.minor, reason=reason.strip()[:200],
        bank_reference=_clean_reference(kind, bank_reference), payment=payment, created_by=user,
    )
    _check_payment(row)
    _check_transfer(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidFields(bank_reference="is of another correction already") from error
    _write_down(actor, row, "proposed", f": {row.reason}")
    if mode == Mode.LIVE:
        what = f"{row.get_kind_display()} of {amount} {row.currency} for {merchant.name}: {row.reason}"
        tell_super_admins(actor, row.public_id, "A correction was proposed", what)
    return row


def propose_for_provider(
    *, actor: Actor, payment: Payment, kind: str, amount_minor: int, reason: str, number: str
) -> Correction:
    """A chargeback that `payment`'s provider told of under `number`, or one that it gave back; the one that an operator
    has entered under it already, if that is the same. Raises `InvalidFields`."""
    number = number.upper() if _NUMBER.fullmatch(number.upper()) else ""
    row = Correction(
        merchant=payment.merchant, mode=payment.mode, kind=kind, currency=payment.currency, amount_minor=amount_minor,
        reason=reason[:200], bank_reference=number, payment=payment,
    )
    if number and (entered := _entered(row)):
        return entered
    _check_payment(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidFields(bank_reference="is of another correction already") from error
    _write_down(actor, row, "proposed", f": {row.reason}")
    return row


def _entered(row: Correction) -> Correction | None:
    same = Correction.objects.filter(mode=row.mode, kind=row.kind, bank_reference=row.bank_reference)
    found = same.filter(status__in=_COUNTING).first()
    same_money = found and (found.payment_id, found.amount_minor) == (row.payment_id, row.amount_minor)
    if found and (not same_money or Dispute.objects.filter(Q(chargeback=found) | Q(credit=found)).exists()):
        raise InvalidFields(bank_reference=f"is of another correction already, {found.public_id}")
    return found


def withdraw_for_provider(*, actor: Actor, correction: Correction, note: str) -> None:
    """Takes back a proposal that was made on the provider's word. `correction` is locked, and open."""
    correction.advance(Status.WITHDRAWN, note=note)
    _write_down(actor, correction, "withdrawn", f": {note}")


@transaction.atomic
def confirm_correction(*, actor: Actor, correction: Correction) -> Correction:
    """Books it, once. Raises `OwnRecord` (live, one's own), `IllegalTransition`, `InsufficientBalance`,
    `BalanceTooLarge`, `InvalidFields` (the transfer was booked as a payment meanwhile); then nothing was changed."""
    check_operator(actor, correction, own=_ANY_OPERATOR if correction.mode == Mode.TEST else ())
    row = _fresh(correction)
    if row.mode == Mode.LIVE and actor.user is not None and row.created_by is not None:
        check_second_person(row.created_by, actor.user)
    if row.payment is not None:
        lock(row.payment)  # a refund reads what was charged back
    _check_transfer(row)
    if row.kind == Kind.CREDIT:
        _check_payment(row, counting=(Status.CONFIRMED,))
    row.advance(Status.CONFIRMED, decided_by=actor.user)
    _write_down(actor, row, "confirmed", f": {row.reason}. Proposed by {row.proposer}", tell=True)
    crash_point("correction.before_posting")
    _post(row)
    return row


@transaction.atomic
def reject_correction(*, actor: Actor, correction: Correction, note: str) -> Correction:
    """Another operator says no. Raises `OwnRecord`, `InvalidFields`, `IllegalTransition`."""
    check_operator(actor, correction)
    return _end(actor, correction, Status.REJECTED, note)


@transaction.atomic
def withdraw_correction(*, actor: Actor, correction: Correction, note: str) -> Correction:
    """The proposer, and nobody else, takes it back. Raises `NotAllowed`, `InvalidFields`, `IllegalTransition`."""
    check_operator(actor, correction, own=_ANY_OPERATOR)
    if actor.user is None or correction.created_by_id != actor.user.pk:
        raise NotAllowed("Only whoever proposed it withdraws it.")
    return _end(actor, correction, Status.WITHDRAWN, note)


def _end(actor: Actor, correction: Correction, status: str, note: str) -> Correction:
    if not note.strip():
        raise InvalidFields(note="is required")
    row = _fresh(correction)
    row.advance(status, decided_by=actor.user, note=note.strip()[:200])
    _write_down(actor, row, status, f": {row.note}")
    return row


def _fresh(correction: Correction) -> Correction:
    """A copy of its own: what is refused leaves the caller's row as it was."""
    return Correction.objects.select_related("merchant", "payment", "created_by").get(pk=correction.pk)


def _check(kind: str, amount: Money, reason: str) -> None:
    if kind not in Kind.values:
        raise InvalidFields(kind="is not known")
    if amount.currency != "INR" or amount.minor <= 0:
        raise InvalidFields(amount="must be a positive amount in INR")
    if not reason.strip():
        raise InvalidFields(reason="is required")


def _clean_reference(kind: str, text: str) -> str:
    """In upper case, so that one transfer has one spelling."""
    text = text.strip().upper()
    if not text and kind not in Correction.BANKED:
        return ""
    if kind == Kind.TOP_UP and not UTR.fullmatch(text):
        raise InvalidFields(bank_reference="must be the transfer's UTR: 6 to 40 letters and digits")
    if not _NUMBER.fullmatch(text):
        raise InvalidFields(bank_reference="must be 4 to 40 letters, digits, / . _ or -")
    return text


def _check_payment(row: Correction, counting: tuple[str, ...] = _COUNTING) -> None:
    """A payment has been charged back no more than it brought, and given back no more than was charged back, all that
    is `counting` together."""
    if row.payment is None:
        return
    if row.kind not in (Kind.CHARGEBACK, Kind.CREDIT):
        raise InvalidFields(payment="is named for a chargeback, or one that was given back, only")
    if (row.payment.merchant_id, row.payment.mode) != (row.merchant_id, row.mode):
        raise InvalidFields(payment="is not one of this merchant")
    payment = lock(row.payment)
    if payment.captured_at is None:
        raise InvalidFields(payment="has brought no money that could be charged back")
    left = _left(row, payment, counting)
    if row.amount_minor > left:
        raise InvalidFields(amount=f"is more than is left of this payment: {Money(max(left, 0), row.currency)}")


def _left(row: Correction, payment: Payment, counting: tuple[str, ...]) -> int:
    """A chargeback's limit grows by what is back for good; a credit's, by what was, or may be, charged back."""
    others = Correction.objects.filter(payment=payment).exclude(pk=row.pk)

    def sum_of(kind: str, *statuses: str) -> int:
        return others.filter(kind=kind, status__in=statuses).aggregate(sum=Sum("amount_minor"))["sum"] or 0

    if row.kind == Kind.CREDIT:
        return sum_of(Kind.CHARGEBACK, *counting) - sum_of(Kind.CREDIT, *counting)
    return (payment.received_minor or 0) - sum_of(Kind.CHARGEBACK, *counting) + sum_of(Kind.CREDIT, Status.CONFIRMED)


def _check_transfer(row: Correction) -> None:
    """The same transfer is no payment, nor a payout that came back; its UTR is held before the row is written."""
    if row.kind != Kind.TOP_UP:
        return
    hold_transfer(row.mode, row.bank_reference)
    ours = ReceivingAccount.objects.filter(mode=row.mode).values("vpa")
    rows = Payment.objects.filter(mode=row.mode, receiving_account__in=ours, utr=row.bank_reference)
    if rows.exclude(receiving_account="").exists():
        raise InvalidFields(bank_reference="has already been used for a payment")
    if is_used_elsewhere("payments", row.mode, row.bank_reference):
        raise InvalidFields(bank_reference="has already been used for a payout that came back")


def other_side(row: Correction) -> AccountKey:
    """The house's account that the money comes from or goes to. What a provider gave back is with it again."""
    if row.kind not in Correction.BANKED and row.payment is None:
        return house_account(row.mode, row.currency, "corrections")
    return house_account(row.mode, row.currency, "clearing", row.payment.provider if row.payment else BANK)


def _post(row: Correction) -> None:
    available = merchant_account(row.merchant_id, row.mode, row.currency, "available")
    post(
        kind=f"correction.{row.kind}", reference=f"correction:{row.public_id}:book", mode=row.mode,
        lines=[Line(available, row.signed_minor), Line(other_side(row), -row.signed_minor)],
    )


def _write_down(actor: Actor, row: Correction, what: str, more: str, *, tell: bool = False) -> None:
    """`tell`: in the merchant's own trail too. What only waits is not: whoever reads there of a chargeback to come
    could pay the money out before it."""
    about: dict[str, Any] = {"payment": row.payment.public_id} if row.payment else {}
    reference = f", {row.bank_reference}" if row.bank_reference else ""
    detail = f"{row.get_kind_display()} of {row.amount} {row.currency}{reference}{more}"
    owner = row.merchant_id if tell else None
    audit.record(
        actor, f"correction.{what}", row.public_id, merchant=owner, mode=row.mode, detail=detail, kind=row.kind, **about
    )
