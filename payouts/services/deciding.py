"""What operators decide about a payout: whether it is paid, and how one ends that the bank left unclear."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.operators import check_operator
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.jobs import wake
from gateway.lib.providers import UNFLAGGED, Outcome, ProviderState, is_silent
from gateway.lib.turns import take_turn
from gateway.lib.work import ended
from payouts.errors import SecondApproverNeeded
from payouts.models import BatchLine, Payout
from payouts.providers import registry
from payouts.services.beneficiaries import check_not_blocked
from payouts.services.outcomes import fail, process
from payouts.services.records import available, lock, post_step, reserved, write_down

Status = Payout.Status


@transaction.atomic
def approve_payout(*, actor: Actor, payout: Payout) -> Payout:
    """One that needs two approvals stays pending after the first, and is approved by the second, of somebody else.

    Raises `NotAllowed`, `NotFound` (not in the actor's team), `OwnRecord`, `BeneficiaryBlocked`,
    `SecondApproverNeeded`, `IllegalTransition`.
    """
    check_operator(actor, payout)
    check_not_blocked(payout.beneficiary_id)
    if payout.approvals_needed == 1 or not _gives_first_approval(actor, payout):
        approve(actor, payout)
    return payout


def _gives_first_approval(actor: Actor, payout: Payout) -> bool:
    """A compare-and-set: of two operators at the same moment one is the first, and the other the second."""
    first = {"first_approved_by": actor.user, "first_approved_at": timezone.now()}
    rows = Payout.objects.filter(pk=payout.pk, status=Status.PENDING, first_approved_by__isnull=True)
    if rows.update(**first):
        payout.first_approved_by, payout.first_approved_at = actor.user, timezone.now()
        write_down(actor, payout, "payout.first_approved", detail="A second operator must approve as well")
        return True
    payout.refresh_from_db(fields=["status", "first_approved_by", "first_approved_at"])
    if payout.status == Status.PENDING and actor.user is not None and payout.first_approved_by_id == actor.user.pk:
        raise SecondApproverNeeded()
    return False


def approve(actor: Actor, payout: Payout) -> None:
    payout.advance(Status.APPROVED, approved_by=actor.user, **approval(payout))
    write_down(actor, payout, "payout.approved", detail="")
    if payout.due_at:
        wake("payouts.drive")


def approval(payout: Payout) -> dict[str, datetime | None]:
    """On its way: a worker takes it to the bank, or it waits for a batch where the bank is given files."""
    now = timezone.now()
    return {"approved_at": now, "due_at": None if registry.waits_for_batch(payout.provider) else now}


@transaction.atomic
def reject_payout(*, actor: Actor, payout: Payout, reason: str, approved: bool = False) -> Payout:
    """Gives the held money back. `approved`: also of one that was approved, while nothing was sent for it; an approval
    that came meanwhile stands against whoever meant a payout that waits.

    Raises as `approve_payout` does, and `InvalidFields` without a reason.
    """
    check_operator(actor, payout)
    if not reason.strip():
        raise InvalidFields(reason="is required")
    reason = reason.strip()[:200]
    _check_rejectable(lock(payout), approved)
    payout.advance(Status.REJECTED, failure_code="rejected", failure_reason=reason, **ended())
    write_down(actor, payout, "payout.rejected", event="payout.rejected", detail=reason)
    post_step(payout, "release", [reserved(payout, -1), available(payout, 1)])
    return payout


def _check_rejectable(row: Payout, approved: bool) -> None:
    """`row` is locked: whoever opens a batch waits for it, and the worker that takes it up finds it rejected."""
    if row.status == Status.APPROVED and approved:
        if not can_be_rejected(row):
            raise IllegalTransition("It is in a batch, or with the bank; only a payout that is in neither is rejected.")
    elif row.status != Status.PENDING:
        raise IllegalTransition("Cannot become rejected: no longer pending.")


def can_be_rejected(payout: Payout) -> bool:
    """While it waits for approval, and approved until it is sent or stands in a batch; else nobody could end it."""
    if payout.status == Status.APPROVED:
        batched = BatchLine.objects.filter(payout=payout, live=True).exists()
        return payout.provider_state == ProviderState.NONE and not batched
    return payout.status == Status.PENDING


@transaction.atomic
def resolve_payout(*, actor: Actor, payout: Payout, paid: bool, utr: str = "", note: str) -> Payout:
    """An operator who asked the bank ends a payout that is with it and flagged, unclear in the bank's result file, or
    asked about in vain for a day: paid in full, or not at all. A report that comes all the same is for a person.

    Raises as `approve_payout` does, and `InvalidFields` without a note, or without the UTR of what was paid, or with
    one that is another payout's: one transfer pays one payout.
    """
    check_operator(actor, payout)
    utr = utr.strip().upper()[:40]  # as a result file's is read: one UTR has one spelling
    if not note.strip() or (paid and not utr):
        raise InvalidFields(**{"utr" if note.strip() else "note": "is required"})
    row = lock(payout)
    if not can_be_resolved(row):
        raise IllegalTransition(
            "Only a payout that is with the bank can be resolved: flagged, unclear, or without an answer for a day."
        )
    if paid and is_anothers(utr, row):
        raise InvalidFields(utr="is another payout's already")
    write_down(actor, row, "payout.resolved", detail=note.strip()[:200], flag=row.flag)
    if paid:
        process(actor, row, Outcome("succeeded", utr=utr, reference=row.provider_reference))
    else:
        fail(actor, row, Outcome("failed", code="not_paid", message=note.strip()[:200]))
    return row


def is_anothers(utr: str, payout: Payout) -> bool:
    """In whatever letters: the other one's came from the bank, this one is typed. `payout` is locked, and until the
    transaction ends no other payout takes this UTR."""
    hold_utr(payout.mode, utr)
    same = Payout.objects.exclude(utr="").filter(provider=payout.provider, mode=payout.mode, utr__iexact=utr)
    return same.exclude(pk=payout.pk).exists()


def hold_utr(mode: str, utr: str) -> None:
    """What people and files say of UTRs is taken one after the other: of two payouts at once, one has it."""
    take_turn("payout", mode, utr.upper())


def can_be_resolved(payout: Payout) -> bool:
    """Whoever has an interface is asked again by the workers; to people is left what was given in a file, and what such
    an interface says nothing of for a day."""
    unclear = payout.provider_state == ProviderState.UNKNOWN and registry.waits_for_batch(payout.provider)
    return payout.status == Status.PROCESSING and (bool(payout.flag) or unclear or is_silent(payout))


@transaction.atomic
def clear_flag(*, actor: Actor, payout: Payout, note: str) -> None:
    """An operator has dealt with what was odd about a payout, and says how; an approved one goes on to the bank.

    One that is with the bank is ended by `resolve_payout` instead.
    """
    check_operator(actor, payout)
    if not note.strip():
        raise InvalidFields(note="is required")
    rows = Payout.objects.filter(pk=payout.pk).exclude(flag="").exclude(status=Status.PROCESSING)
    if not rows.update(**UNFLAGGED):
        raise IllegalTransition("There is nothing to clear.")
    approved = Payout.objects.filter(pk=payout.pk, status=Status.APPROVED)
    if not registry.waits_for_batch(payout.provider) and approved.update(due_at=timezone.now()):
        wake("payouts.drive")
    write_down(actor, payout, "payout.flag_cleared", flag=payout.flag, detail=note.strip()[:200])
    payout.flag, payout.flagged_at = "", None
