"""What the bank did with a payout, applied once: settled, released, or left to a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.crash import crash_point
from gateway.lib.providers import UNFLAGGED, Flag, Outcome, ProviderState
from gateway.lib.work import ended
from ledger.services import Line, house_account
from payouts.models import Payout
from payouts.services.beneficiaries import note_paid
from payouts.services.records import available, lock, post_step, reserved, write_down

log = structlog.get_logger(__name__)
Status = Payout.Status


@transaction.atomic
def take_up(*, actor: Actor, payout: Payout) -> None:
    """A worker is about to send an approved payout; whoever is first goes on with it."""
    payout.advance(Status.PROCESSING)
    write_down(actor, payout, "payout.processing")


@transaction.atomic
def apply_outcome(*, actor: Actor, payout: Payout, outcome: Outcome) -> str:
    """Applies what the bank said; returns the effect: processed, failed, flagged or none."""
    row, outcome = lock(payout), replace(outcome, utr=outcome.utr.upper())  # one UTR has one spelling
    if outcome.result not in ("succeeded", "failed"):
        return "none"
    if row.status != Status.PROCESSING:
        return _repeated(actor, row, outcome)
    if outcome.result == "failed":
        if row.flag != Flag.AMOUNT_DIFFERS:
            return fail(actor, row, outcome)
        # It said that it had moved money: what is held stays held until a person has asked.
        return _flag(actor, row, Flag.AMOUNT_DIFFERS, f"Reported as failed after that: {_words(row, outcome)}")
    if not outcome.moved(row.amount_minor, row.currency):
        said = f"{outcome.amount_minor} {outcome.currency or row.currency}"
        return _flag(actor, row, Flag.AMOUNT_DIFFERS, f"asked for {row.amount_minor}, the bank reports {said}")
    return process(actor, row, outcome)


def process(actor: Actor, row: Payout, outcome: Outcome) -> str:
    row.advance(
        Status.PROCESSED, utr=outcome.utr, processed_at=timezone.now(), provider_state=ProviderState.ANSWERED,
        provider_reference=outcome.reference, **UNFLAGGED, **ended(),
    )
    write_down(actor, row, "payout.processed", event="payout.processed", detail=f"UTR {outcome.utr}")
    note_paid(row)
    crash_point("payout.before_settlement")
    post_step(row, "settle", [
        reserved(row, -1),
        Line(house_account(row.mode, row.currency, "clearing", row.provider), row.amount_minor),
        Line(house_account(row.mode, row.currency, "fees"), row.charge_minor - row.tax_minor),
        Line(house_account(row.mode, row.currency, "tax"), row.tax_minor),
    ])
    crash_point("payout.after_settlement")
    return "processed"


def fail(actor: Actor, row: Payout, outcome: Outcome) -> str:
    reason = outcome.message or "The bank rejected the payout."
    row.advance(
        Status.FAILED, failure_code=outcome.code or "bank_rejected", failure_reason=reason, **UNFLAGGED,
        provider_state=ProviderState.ANSWERED, provider_reference=outcome.reference, **ended(),
    )
    write_down(actor, row, "payout.failed", event="payout.rejected", detail=reason)
    post_step(row, "release", [reserved(row, -1), available(row, 1)])
    return "failed"


def _repeated(actor: Actor, row: Payout, outcome: Outcome) -> str:
    """The books stay as they are; a report that contradicts them, or is about what was never sent, is for a person."""
    ended_so = Status.PROCESSED if outcome.result == "succeeded" else Status.FAILED
    utrs = ("", row.utr, row.return_utr if outcome.result == "failed" else "")
    other_utr = row.utr and outcome.utr not in utrs
    known = row.status == ended_so or row.returned_at is not None  # returned: it was paid, and failed
    if (known and not other_utr) or row.flag == Flag.CONTRADICTED:
        return "none"
    return _flag(actor, row, Flag.CONTRADICTED, _words(row, outcome), **_told_return(row, outcome))


def _words(row: Payout, outcome: Outcome) -> str:
    said = [outcome.message, f"UTR {outcome.utr}" if outcome.utr else ""]
    if not outcome.moved(row.amount_minor, row.currency):
        said.append(f"{outcome.amount_minor} of {row.amount_minor} {outcome.currency or row.currency} (minor units)")
    return ", ".join(filter(None, said))


def _told_return(row: Payout, outcome: Outcome) -> dict[str, Any]:
    """What the bank says of the return of the whole amount, for the operator who looks for it on the statement."""
    whole = outcome.moved(row.amount_minor, row.currency)
    if row.status != Status.PROCESSED or outcome.result != "failed" or not whole:
        return {}
    return {"return_utr": outcome.utr, "return_note": outcome.message}


def _flag(actor: Actor, row: Payout, flag: Flag, detail: str, **data: Any) -> str:
    """A person must look; the hold stays, and nobody asks the bank any more until then."""
    changes: dict[str, Any] = {"provider_state": ProviderState.ANSWERED, "updated_at": timezone.now()}
    Payout.objects.filter(pk=row.pk).update(**changes, **row.flagging(flag), **ended())
    write_down(actor, row, "payout.flagged", flag=flag, detail=f"{flag.label}. {detail}".strip(), **data)
    log.warning("payout_flagged", payout=row.public_id, flag=flag)
    return "flagged"


@transaction.atomic
def leave_unclear(*, actor: Actor, payout: Payout, why: str) -> bool:
    """The bank's result file says something about the payout that cannot be read as paid or not paid.

    It stays with the bank, its money held, until a clear file or an operator ends it. False: it has ended already.
    """
    row = lock(payout)
    if row.status != Status.PROCESSING:
        return False
    Payout.objects.filter(pk=row.pk).update(provider_state=ProviderState.UNKNOWN, updated_at=timezone.now())
    write_down(actor, row, "payout.unclear", detail=why)
    log.warning("payout_unclear", payout=row.public_id)
    return True
