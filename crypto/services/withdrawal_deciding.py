"""What operators decide about a withdrawal: whether it is sent. Nobody decides about one of their own."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.operators import check_operator
from crypto.errors import AddressRemoved
from crypto.models import Withdrawal
from crypto.services.allow_list import is_removed
from crypto.services.outgoing import take_back
from crypto.services.withdrawal_ends import fail_withdrawal, lock, write_down
from crypto.services.withdrawal_steps import TASK
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.jobs import wake

Status = Withdrawal.Status


@transaction.atomic
def approve_withdrawal(*, actor: Actor, withdrawal: Withdrawal) -> Withdrawal:
    """Raises `NotAllowed`, `NotFound` (not in the actor's team), `OwnRecord`, `IllegalTransition`, `AddressRemoved`."""
    check_operator(actor, withdrawal)
    now = timezone.now()
    rows = Withdrawal.objects.filter(
        pk=withdrawal.pk, status=Status.PENDING, needs_approval=True, approved_at__isnull=True
    )
    if not rows.update(approved_by=actor.user, approved_at=now, due_at=now, updated_at=now):
        raise IllegalTransition("This withdrawal does not wait for an approval any more.")
    if is_removed(withdrawal):
        raise AddressRemoved()
    withdrawal.refresh_from_db()
    write_down(actor, withdrawal, "withdrawal.approved")
    wake(TASK)
    return withdrawal


@transaction.atomic
def reject_withdrawal(*, actor: Actor, withdrawal: Withdrawal, reason: str) -> Withdrawal:
    """Gives the held amount back: of one that has not started, or whose transaction nothing was signed for yet.

    Raises as `approve_withdrawal` does, and `InvalidFields` without a reason.
    """
    check_operator(actor, withdrawal)
    if not reason.strip():
        raise InvalidFields(reason="is required")
    withdrawal.refresh_from_db()
    if withdrawal.status == Status.PROCESSING and not _taken_back(withdrawal):
        raise IllegalTransition("It is on its way already. Its own end decides whether the money comes back.")
    row = lock(withdrawal)
    if row.status != withdrawal.status:
        raise IllegalTransition("It has moved on meanwhile. Look again.")
    write_down(actor, row, "withdrawal.rejected", detail=reason.strip()[:200])
    fail_withdrawal(withdrawal=row, code="rejected", reason=reason.strip(), actor=actor)
    withdrawal.refresh_from_db()
    return withdrawal


def _taken_back(withdrawal: Withdrawal) -> bool:
    """Before the withdrawal's own row is locked: whoever ends a transaction takes them in this order, too."""
    return withdrawal.outgoing is not None and take_back(outgoing=withdrawal.outgoing)


def can_be_rejected(row: Withdrawal) -> bool:
    """What the panel offers; `reject_withdrawal` decides under the lock."""
    if row.status == Status.PROCESSING:
        return row.outgoing is not None and row.outgoing.status == row.outgoing.Status.WAITING
    return row.status == Status.PENDING
