"""What every step of a batch shares: who may take it, the batch as it stands, and its trail."""

from __future__ import annotations

from typing import Any

from accounts import audit
from accounts.actors import Actor, Viewer, get_or_404
from gateway.lib.errors import NotAllowed
from gateway.lib.money import Money
from payouts.batches.queries import visible_batches
from payouts.models import Payout, PayoutBatch


def operator(actor: Actor, mode: str) -> Viewer:
    if actor.user is None or not actor.user.is_operator:
        raise NotAllowed()
    return Viewer(actor.user, mode)


def lock_batch(actor: Actor, batch: PayoutBatch) -> PayoutBatch:
    """The batch as it stands now, and nobody else's until the end. Raises `NotAllowed`, `NotFound`."""
    get_or_404(visible_batches(operator(actor, batch.mode)), pk=batch.pk)
    rows = PayoutBatch.objects.select_for_update(no_key=True, of=("self",)).select_related("bank_format")
    return rows.get(pk=batch.pk)


def write_down_batch(actor: Actor, batch: PayoutBatch, action: str, detail: str, **data: Any) -> None:
    audit.record(actor, action, batch.public_id, mode=batch.mode, detail=detail, **data)


def sum_of(payouts: list[Payout]) -> str:
    total = Money(sum(payout.amount_minor for payout in payouts), "INR")
    return f"{len(payouts)} payout{'' if len(payouts) == 1 else 's'}, {total} INR"
