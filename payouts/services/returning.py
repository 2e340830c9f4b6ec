"""A payout that the bank paid and later gave back: an operator who saw the money return says so, once.

What a result file or a provider says about it only flags the payout: a word read wrongly would give money away that
is not there.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.operators import check_operator
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.providers import UNFLAGGED
from gateway.lib.transfers import hold_transfer, is_used_elsewhere
from gateway.lib.work import ended
from ledger.services import Line, house_account
from payouts.models import Payout
from payouts.services.beneficiaries import note_returned
from payouts.services.deciding import is_anothers
from payouts.services.records import available, lock, post_step, write_down

Status = Payout.Status
_TOLD = "Returned by the bank: "
LONGEST_NOTE = 200 - len(_TOLD)


def can_be_returned(payout: Payout) -> bool:
    """Whether the bank has paid it, and it is not known to have come back."""
    return payout.status == Status.PROCESSED


@transaction.atomic
def return_payout(*, actor: Actor, payout: Payout, utr: str, note: str) -> Payout:
    """The bank gave back the whole amount under `utr`: the payout is failed, and amount and charge are available again,
    as of every payout that failed. The merchant is told `note`, of which `LONGEST_NOTE` characters are kept.

    Raises `NotAllowed`, `NotFound` (not in the actor's team), `OwnRecord`; `InvalidFields` without a note or a UTR, or
    with the UTR of another payout or its return, of a payment or a top-up; `IllegalTransition` unless it is processed.
    """
    check_operator(actor, payout)
    utr, note = utr.strip().upper()[:40], note.strip()[:LONGEST_NOTE]
    if not note or not utr:
        raise InvalidFields(**{"utr" if note else "note": "is required"})
    row = lock(payout)
    if not can_be_returned(row):
        raise IllegalTransition("Only a payout that the bank has paid can be returned by it, and only once.")
    hold_transfer(row.mode, utr)
    if is_used_elsewhere("payouts", row.mode, utr):
        raise InvalidFields(utr="is of a payment or a merchant's top-up already")
    if _is_spent(utr, row):
        raise InvalidFields(utr="is another payout's already")
    _give_back(actor, row, utr, note)
    return row


def came_back_with(mode: str, utr: str) -> bool:
    """Whether the transfer with this UTR gave a payout back."""
    return Payout.objects.filter(mode=mode, returned_at__isnull=False, return_utr=utr).exists()


def _is_spent(utr: str, payout: Payout) -> bool:
    """One credit on the statement gives back one payout. Some banks return it under the UTR that it was paid with."""
    others = Payout.objects.filter(provider=payout.provider, mode=payout.mode).exclude(pk=payout.pk)
    return is_anothers(utr, payout) or others.filter(returned_at__isnull=False, return_utr=utr).exists()


def _give_back(actor: Actor, row: Payout, utr: str, note: str) -> None:
    """Undoes the settlement, whole. `processed_at` goes: what is counted as paid is what has it."""
    was = {"flag": row.flag, "paid_at": row.processed_at.isoformat() if row.processed_at else ""}
    row.advance(
        Status.FAILED, failure_code="returned", failure_reason=f"{_TOLD}{note}", returned_at=timezone.now(),
        return_utr=utr, processed_at=None, **UNFLAGGED, **ended(),
    )
    write_down(actor, row, "payout.returned", event="payout.rejected", detail=f"UTR {utr}. {note}", **was)
    note_returned(row)
    post_step(row, "return", [
        Line(house_account(row.mode, row.currency, "clearing", row.provider), -row.amount_minor),
        Line(house_account(row.mode, row.currency, "fees"), row.tax_minor - row.charge_minor),
        Line(house_account(row.mode, row.currency, "tax"), -row.tax_minor),
        available(row, 1),
    ])
