"""Money back to the payer. The one place that refunds: capped under the payment's lock and by a constraint.

A refund holds its amount at once (→ reserved) and ends in one settlement or one release. While the payment's money is
not settled, that money is held first; what it lacks, and everything later, comes from `available`.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from accounts.operators import MAY_DECIDE_OWN, check_operator
from gateway.lib.crash import crash_point
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.jobs import wake
from gateway.lib.money import Money
from gateway.lib.providers import UNFLAGGED, Flag, Outcome, ProviderState, is_silent
from gateway.lib.work import ended
from ledger.services import AccountKey, Line, house_account, merchant_account, post
from payments.errors import NotRefundable, RefundTooLarge
from payments.models import Payment, Refund
from payments.providers import registry
from payments.services.captures import taken_from_pending
from payments.services.fees import given_back
from payments.services.records import write_down

log = structlog.get_logger(__name__)
Status = Refund.Status


@transaction.atomic
def create_refund(
    *, actor: Actor, payment: Payment, amount: Money | None = None, reason: str = "", created_by: User | None = None
) -> Refund:
    """Gives back `amount` (default: all that is left) of a captured payment; a worker sends it.

    Raises `NotRefundable`, `RefundTooLarge`, `InsufficientBalance`.
    """
    row = _lock(payment.pk)
    if row.captured_at is None:
        raise NotRefundable()
    minor = _checked_amount(row, amount)
    row.refunding_minor += minor
    row.save(update_fields=["refunding_minor"])
    refund = Refund.objects.create(
        payment=row, merchant=row.merchant, mode=row.mode, amount_minor=minor, currency=row.currency,
        from_pending_minor=_from_pending(row, minor),
        reason=reason[:200], created_by=created_by or actor.user, due_at=timezone.now(),
    )
    write_down(actor, refund, "refund.created", detail=f"{Money(minor, row.currency)} {row.currency}")
    wake("payments.refund")
    _post(refund, "hold", [*_lines_of_source(refund, -1), Line(_account(refund, "reserved"), minor)])
    return refund


def _from_pending(row: Payment, minor: int) -> int:
    """How much of a refund the payment's own money pays that is not settled; `row` is locked, and captured."""
    if row.settled_at is not None:
        return 0
    return min(minor, row.net.minor - taken_from_pending(row))


def _lines_of_source(refund: Refund, sign: int) -> list[Line]:
    """From where the refund is held (-1), or back to there (1). What was settled meanwhile is no longer pending."""
    pending = refund.from_pending_minor if refund.payment.settled_at is None else 0
    return [
        Line(_account(refund, "pending"), sign * pending),
        Line(_account(refund, "available"), sign * (refund.amount_minor - pending)),
    ]


def _lock(payment_id: int) -> Payment:
    rows = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("merchant", "order")
    return rows.get(pk=payment_id)


def _checked_amount(row: Payment, amount: Money | None) -> int:
    left = row.refundable()
    if amount is not None and (amount.currency != row.currency or amount.minor <= 0):
        raise InvalidFields(amount=f"must be a positive amount in {row.currency}")
    minor = left if amount is None else amount.minor
    if not 0 < minor <= left:
        raise RefundTooLarge(f"At most {Money(left, row.currency)} can still be refunded.", left_minor=left)
    return minor


@transaction.atomic
def apply_refund_outcome(*, actor: Actor, refund: Refund, outcome: Outcome) -> str:
    """Applies what a provider said about a refund; returns the effect: processed, failed, flagged or none."""
    payment = _lock(refund.payment_id)
    row = Refund.objects.select_related("merchant").get(pk=refund.pk)
    row.payment = payment
    if outcome.result not in ("succeeded", "failed"):
        return "none"
    if row.status != Status.PENDING:
        return _repeated(actor, row, outcome)
    if outcome.result == "failed":
        return _failed(actor, row, outcome)
    if not outcome.moved(row.amount_minor, row.currency):
        return _flag(actor, row, Flag.AMOUNT_DIFFERS)
    return _processed(actor, row, outcome)


@transaction.atomic
def resolve_refund(*, actor: Actor, refund: Refund, paid: bool, note: str) -> Refund:
    """An operator who asked the provider ends a flagged refund that is still open: paid in full, or not at all.

    One that is sent by hand, or that the provider has said nothing of for a day, is ended so as well, flagged or not.
    """
    check_operator(actor, refund, own=MAY_DECIDE_OWN)
    if not note.strip():
        raise InvalidFields(note="is required")
    payment = _lock(refund.payment_id)
    row = Refund.objects.select_related("merchant").get(pk=refund.pk)
    row.payment = payment
    if not can_be_resolved(row):
        raise IllegalTransition(
            "Only a refund that has not ended can be resolved: flagged, sent by hand, or without an answer for a day."
        )
    write_down(actor, row, "refund.resolved", flag=row.flag, detail=note.strip()[:200])
    Refund.objects.filter(pk=row.pk).update(**UNFLAGGED)
    row.flag, row.flagged_at = "", None
    reference = row.provider_reference
    if paid:
        _processed(actor, row, Outcome("succeeded", reference=reference))
    else:
        _failed(actor, row, Outcome("failed", reference=reference, code="not_paid", message=note.strip()[:200]))
    return row


def can_be_resolved(refund: Refund) -> bool:
    by_hand = registry.decided_by_people(refund.payment.provider)
    return refund.status == Status.PENDING and (bool(refund.flag) or by_hand or is_silent(refund))


def _repeated(actor: Actor, row: Refund, outcome: Outcome) -> str:
    """The hold has ended one way; a report of the other way is for a person, the books stay as they are."""
    if (outcome.result == "succeeded") == (row.status == Status.PROCESSED):
        return "none"
    return _flag(actor, row, Flag.CONTRADICTED)


def _flag(actor: Actor, row: Refund, flag: Flag) -> str:
    changes: dict[str, Any] = row.flagging(flag) | {"updated_at": timezone.now()} | ended()
    Refund.objects.filter(pk=row.pk).update(provider_state=ProviderState.ANSWERED, **changes)
    write_down(actor, row, "refund.flagged", flag=flag, detail=f"{flag.label}.")
    log.warning("refund_flagged", refund=row.public_id, flag=flag)
    return "flagged"


def _processed(actor: Actor, row: Refund, outcome: Outcome) -> str:
    payment, minor = row.payment, row.amount_minor
    back = given_back(payment, minor)
    row.advance(
        Status.PROCESSED, completed_at=timezone.now(), provider_state=ProviderState.ANSWERED,
        provider_reference=outcome.reference, **ended(),
    )
    payment.refunding_minor -= minor
    payment.refunded_minor += minor
    payment.updated_at = timezone.now()
    payment.save(update_fields=["refunding_minor", "refunded_minor", "updated_at"])
    write_down(actor, row, "refund.processed", tell=True)
    crash_point("refund.before_posting")
    lines = [
        Line(_account(row, "reserved"), -minor),
        Line(house_account(row.mode, row.currency, "clearing", payment.provider), minor),
        Line(house_account(row.mode, row.currency, "fees"), back.tax_minor - back.fee_minor),
        Line(house_account(row.mode, row.currency, "tax"), -back.tax_minor),
        Line(_account(row, "available"), back.fee_minor),
    ]
    _post(row, "settle", lines)
    return "processed"


def _failed(actor: Actor, row: Refund, outcome: Outcome) -> str:
    payment, minor = row.payment, row.amount_minor
    row.advance(
        Status.FAILED, completed_at=timezone.now(), provider_state=ProviderState.ANSWERED,
        provider_reference=outcome.reference, error_code=outcome.code or "refund_failed",
        error_description=outcome.message or "The refund was declined.", **ended(),
    )
    payment.refunding_minor -= minor
    payment.save(update_fields=["refunding_minor"])
    write_down(actor, row, "refund.failed", tell=True, detail=row.error_description)
    _post(row, "release", [Line(_account(row, "reserved"), -minor), *_lines_of_source(row, 1)])
    return "failed"


def _account(row: Refund, kind: str) -> AccountKey:
    return merchant_account(row.merchant_id, row.mode, row.currency, kind)


def _post(row: Refund, step: str, lines: list[Line]) -> None:
    reference = f"refund:{row.public_id}:{step}"
    post(kind=f"refund.{step}", reference=reference, mode=row.mode, lines=lines)
