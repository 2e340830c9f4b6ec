"""What had ended at depth and left the chain after all. The books stay as they are; people are told at once.

A withdrawal that counts as completed has not reached anybody then, and on a chain with nonces whatever the same sender
signed later waits for this nonce. `crypto.vanished` sends the same bytes again where that can only repeat what is
booked; everything else is for people.
"""

from __future__ import annotations

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from crypto.chains.base import Receipt
from crypto.models import ChainState, Outgoing
from crypto.services.outgoing import TASK, lock
from crypto.services.outgoing_ends import check_super_admin
from crypto.services.sweeps_undone import count_again, was_undone
from gateway.lib.errors import IllegalTransition
from gateway.lib.jobs import wake
from gateway.lib.work import ended

log = structlog.get_logger(__name__)
Status, VANISHED = Outgoing.Status, Outgoing.Flag.VANISHED
_WATCHER = Actor.system("watcher")
GONE = Q(status__in=[Status.CONFIRMED, Status.FAILED], flag=VANISHED)


def ended_above(state: ChainState, height: int) -> QuerySet[Outgoing]:
    """What ended by a block above `height`, and is not known to be gone."""
    rows = Outgoing.objects.filter(
        network=state.network_id, mode=state.mode, status__in=[Status.CONFIRMED, Status.FAILED], height__gt=height
    )
    return rows.exclude(flag=VANISHED).exclude(transaction_hash="").order_by("height", "id")


def note_receipt(outgoing: Outgoing, receipt: Receipt | None) -> None:
    """What the chain says now, after a reorganisation, of one that had ended."""
    if receipt is None:
        note_vanished(outgoing=outgoing)
    else:
        Outgoing.objects.filter(pk=outgoing.pk, flag=outgoing.flag).update(height=receipt.height)


@transaction.atomic
def note_vanished(*, outgoing: Outgoing) -> None:
    """It is in no block any more: a person is told once, and the signer looks at it."""
    row = lock(outgoing)
    if row.flag == VANISHED or row.status not in (Status.CONFIRMED, Status.FAILED):
        return
    Outgoing.objects.filter(pk=row.pk).update(flag=VANISHED, height=None, **ended(timezone.now()))
    log.error("outgoing_vanished", outgoing=row.pk, network=row.network_id, mode=row.mode, hash=row.transaction_hash)
    _write_down(_WATCHER, row, "vanished", f"Transaction {row.transaction_hash} left the chain after it had ended")
    wake(TASK)


@transaction.atomic
def note_back(*, outgoing: Outgoing, height: int) -> None:
    """It lies deep enough again, and says what is booked."""
    row = lock(outgoing)
    if row.flag != VANISHED or row.lease != outgoing.lease:
        return
    if row.purpose == Outgoing.Purpose.SWEEP and was_undone(row.sweep):
        count_again(row.sweep)
    Outgoing.objects.filter(pk=row.pk).update(flag="", waits_for="", height=height, **ended())
    _write_down(_WATCHER, row, "returned", f"Transaction {row.transaction_hash} is in the chain again")


@transaction.atomic
def put_aside_vanished(*, actor: Actor, outgoing: Outgoing, note: str) -> Outgoing:
    """A super admin has settled it with whoever it was for: it is not looked for any more, and the books stay as they
    are. Raises `NotAllowed`, `InvalidFields`, `IllegalTransition` (it has not vanished)."""
    check_super_admin(actor, note)
    row = lock(outgoing)
    if row.flag != VANISHED:
        raise IllegalTransition("Only a transaction that left the chain can be put aside.")
    Outgoing.objects.filter(pk=row.pk).update(flag="", waits_for="", **ended())
    _write_down(actor, row, "put_aside", note.strip()[:200])
    row.flag = ""
    return row


def _write_down(actor: Actor, row: Outgoing, what: str, detail: str) -> None:
    """In the trail of the transaction, and of the withdrawal that it was for."""
    audit.record(actor, f"outgoing.{what}", f"outgoing-{row.pk}", mode=row.mode, detail=detail)
    if row.purpose == Outgoing.Purpose.WITHDRAWAL:
        audit.record(
            actor, f"withdrawal.{what}", row.withdrawal.public_id, merchant=row.withdrawal.merchant_id, mode=row.mode,
            detail=detail,
        )
