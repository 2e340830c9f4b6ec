"""Writes about money out. A payout holds its amount and its charge from the moment it is made (available →
reserved), and ends in exactly one settlement or one release.

The wallet is the last thing each transaction touches, so that a merchant's payouts wait for each other as briefly
as can be.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant, User
from accounts.operators import check_operator
from gateway.lib.crash import crash_point
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.jobs import wake
from gateway.lib.money import FIAT, Money
from gateway.lib.providers import Flag, Outcome, ProviderState
from gateway.lib.work import ended
from ledger.fees import quote
from ledger.models import FeePlan
from ledger.services import AccountKey, Line, house_account, merchant_account, post
from payouts.errors import DuplicateReference
from payouts.models import Payout
from payouts.providers import registry
from webhooks.services import emit

log = structlog.get_logger(__name__)
Status = Payout.Status
_AUTO = Actor.system("auto-approval")


@transaction.atomic
def create_payout(
    *, actor: Actor, merchant: Merchant, mode: str, contract: str, amount: Money, reference: str,
    beneficiary_name: str, account_number: str, ifsc: str, bank_name: str = "", method: str = Payout.Method.IMPS,
    remarks: str = "", user_reference: str = "", beneficiary_details: dict[str, Any] | None = None,
    created_by: User | None = None,
) -> Payout:
    """Holds `amount` and its charge, and approves by itself what is within the merchant's limit.

    Raises `ProviderUnavailable` (live mode without a bank), then `DuplicateReference`, then `InsufficientBalance`.
    """
    provider = registry.provider_for(mode)
    _check_values(amount, method)
    charge = quote(merchant_id=merchant.pk, product=FeePlan.Product.PAYOUT, amount=amount)
    payout = Payout(
        merchant=merchant, mode=mode, contract=contract, reference=reference, user_reference=user_reference,
        method=method, currency=amount.currency, amount_minor=amount.minor, charge_minor=charge.fee_minor,
        tax_minor=charge.tax_minor, beneficiary_name=beneficiary_name, account_number=account_number, ifsc=ifsc,
        bank_name=bank_name, beneficiary_details=beneficiary_details or {}, remarks=remarks,
        provider=provider.name, created_by=created_by,
    )
    try:
        payout.save(force_insert=True)
    except IntegrityError as error:
        raise DuplicateReference() from error
    _write_down(actor, payout, "payout.created", detail=f"{amount} {amount.currency} and {payout.charge} charge held")
    limit = merchant.payout_auto_approve_minor
    if limit is not None and amount.minor <= limit:
        _approve(_AUTO, payout, f"within the limit of {Money(limit, 'INR')} INR")
    crash_point("payout.before_hold")
    _post(payout, "hold", [_available(payout, -1), _reserved(payout, 1)])
    crash_point("payout.after_hold")
    return payout


def _check_values(amount: Money, method: str) -> None:
    if amount.currency not in FIAT:
        raise InvalidFields(currency=f"must be {' or '.join(FIAT)}")
    if amount.minor <= 0:
        raise InvalidFields(amount="must be greater than zero")
    if method not in Payout.Method.values:
        raise InvalidFields(method=f"must be one of {', '.join(Payout.Method.values)}")


@transaction.atomic
def approve_payout(*, actor: Actor, payout: Payout) -> Payout:
    """Raises `NotAllowed`, `NotFound` (not in the actor's team), `OwnRecord`, `IllegalTransition`."""
    check_operator(actor, payout)
    _approve(actor, payout)
    return payout


def _approve(actor: Actor, payout: Payout, detail: str = "") -> None:
    now = timezone.now()
    payout.advance(Status.APPROVED, approved_by=actor.user, approved_at=now, due_at=now)
    _write_down(actor, payout, "payout.approved", detail=detail)
    wake("payouts.drive")


@transaction.atomic
def reject_payout(*, actor: Actor, payout: Payout, reason: str) -> Payout:
    """Gives the held money back. Raises as `approve_payout` does, and `InvalidFields` without a reason."""
    check_operator(actor, payout)
    if not reason.strip():
        raise InvalidFields(reason="is required")
    reason = reason.strip()[:200]
    payout.advance(Status.REJECTED, failure_code="rejected", failure_reason=reason, **ended())
    _write_down(actor, payout, "payout.rejected", event="payout.rejected", detail=reason)
    _post(payout, "release", [_reserved(payout, -1), _available(payout, 1)])
    return payout


@transaction.atomic
def take_up(*, actor: Actor, payout: Payout) -> None:
    """A worker is about to send an approved payout; whoever is first goes on with it."""
    payout.advance(Status.PROCESSING)
    _write_down(actor, payout, "payout.processing")


@transaction.atomic
def apply_outcome(*, actor: Actor, payout: Payout, outcome: Outcome) -> str:
    """Applies what the bank said; returns the effect: processed, failed, flagged or none."""
    row = Payout.objects.select_for_update(no_key=True, of=("self",)).select_related("merchant").get(pk=payout.pk)
    if outcome.result not in ("succeeded", "failed"):
        return "none"
    if row.status != Status.PROCESSING:
        return _repeated(actor, row, outcome)
    if outcome.result == "failed":
        return _failed(actor, row, outcome)
    if not outcome.moved(row.amount_minor, row.currency):
        said = f"{outcome.amount_minor} {outcome.currency or row.currency}"
        return _flag(actor, row, Flag.AMOUNT_DIFFERS, f"asked for {row.amount_minor}, the bank reports {said}")
    return _processed(actor, row, outcome)


def _processed(actor: Actor, row: Payout, outcome: Outcome) -> str:
    row.advance(
        Status.PROCESSED, utr=outcome.utr, processed_at=timezone.now(), provider_state=ProviderState.ANSWERED,
        provider_reference=outcome.reference, flag="", **ended(),
    )
    _write_down(actor, row, "payout.processed", event="payout.processed", detail=f"UTR {outcome.utr}")
    crash_point("payout.before_settlement")
    _post(row, "settle", [
        _reserved(row, -1),
        Line(house_account(row.mode, row.currency, "clearing", row.provider), row.amount_minor),
        Line(house_account(row.mode, row.currency, "fees"), row.charge_minor - row.tax_minor),
        Line(house_account(row.mode, row.currency, "tax"), row.tax_minor),
    ])
    crash_point("payout.after_settlement")
    return "processed"


def _failed(actor: Actor, row: Payout, outcome: Outcome) -> str:
    reason = outcome.message or "The bank rejected the payout."
    row.advance(
        Status.FAILED, failure_code=outcome.code or "bank_rejected", failure_reason=reason, flag="",
        provider_state=ProviderState.ANSWERED, provider_reference=outcome.reference, **ended(),
    )
    _write_down(actor, row, "payout.failed", event="payout.rejected", detail=reason)
    _post(row, "release", [_reserved(row, -1), _available(row, 1)])
    return "failed"


def _repeated(actor: Actor, row: Payout, outcome: Outcome) -> str:
    """The books stay as they are; a report that contradicts them, or is about what was never sent, is for a person."""
    ended_so = Status.PROCESSED if outcome.result == "succeeded" else Status.FAILED
    if row.status == ended_so:
        return "none"
    return _flag(actor, row, Flag.CONTRADICTED, outcome.message or f"UTR {outcome.utr}")


def _flag(actor: Actor, row: Payout, flag: Flag, detail: str) -> str:
    """A person must look; the hold stays, and nobody asks the bank any more until then."""
    changes: dict[str, Any] = {"flag": flag, "provider_state": ProviderState.ANSWERED, "updated_at": timezone.now()}
    Payout.objects.filter(pk=row.pk).update(**changes, **ended())
    _write_down(actor, row, "payout.flagged", flag=flag, detail=f"{flag.label}. {detail}")
    log.warning("payout_flagged", payout=row.public_id, flag=flag)
    return "flagged"


@transaction.atomic
def resolve_payout(*, actor: Actor, payout: Payout, paid: bool, utr: str = "", note: str) -> Payout:
    """An operator who asked the bank ends a flagged payout that is still with it: paid in full, or not at all.

    Raises as `approve_payout` does, and `InvalidFields` without a note, or without the UTR of what was paid.
    """
    check_operator(actor, payout)
    if not note.strip() or (paid and not utr.strip()):
        raise InvalidFields(**{"utr" if note.strip() else "note": "is required"})
    row = Payout.objects.select_for_update(no_key=True, of=("self",)).select_related("merchant").get(pk=payout.pk)
    if row.status != Status.PROCESSING or not row.flag:
        raise IllegalTransition("Only a flagged payout that is with the bank can be resolved.")
    _write_down(actor, row, "payout.resolved", detail=note.strip()[:200], flag=row.flag)
    if paid:
        _processed(actor, row, Outcome("succeeded", utr=utr.strip()[:40], reference=row.provider_reference))
    else:
        _failed(actor, row, Outcome("failed", code="not_paid", message=note.strip()[:200]))
    return row


@transaction.atomic
def clear_flag(*, actor: Actor, payout: Payout, note: str) -> None:
    """An operator has dealt with what was odd about a payout, and says how; an approved one goes on to the bank.

    One that is with the bank is ended by `resolve_payout` instead.
    """
    check_operator(actor, payout)
    if not note.strip():
        raise InvalidFields(note="is required")
    rows = Payout.objects.filter(pk=payout.pk).exclude(flag="").exclude(status=Status.PROCESSING)
    if not rows.update(flag=""):
        raise IllegalTransition("There is nothing to clear.")
    if Payout.objects.filter(pk=payout.pk, status=Status.APPROVED).update(due_at=timezone.now()):
        wake("payouts.drive")
    _write_down(actor, payout, "payout.flag_cleared", flag=payout.flag, detail=note.strip()[:200])
    payout.flag = ""


def _write_down(actor: Actor, payout: Payout, action: str, *, event: str = "", **data: Any) -> None:
    audit.record(actor, action, payout.public_id, merchant=payout.merchant_id, mode=payout.mode, **data)
    if event:
        emit(
            event_type=event, merchant=payout.merchant, mode=payout.mode, subject=payout,
            subject_id=payout.public_id,
        )


def _available(payout: Payout, sign: int) -> Line:
    return Line(_account(payout, "available"), sign * payout.held.minor)


def _reserved(payout: Payout, sign: int) -> Line:
    return Line(_account(payout, "reserved"), sign * payout.held.minor)


def _account(payout: Payout, kind: str) -> AccountKey:
    return merchant_account(payout.merchant_id, payout.mode, payout.currency, kind)


def _post(payout: Payout, step: str, lines: list[Line]) -> None:
    reference = f"payout:{payout.public_id}:{step}"
    post(kind=f"payout.{step}", reference=reference, mode=payout.mode, lines=lines)
