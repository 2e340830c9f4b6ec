"""A batch is put together, and leaves for the bank or is given up. A payout is in at most one live batch."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor, get_or_404
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.providers import ProviderState
from payouts.batches.queries import batchable, lines_of
from payouts.batches.records import lock_batch, operator, sum_of, write_down_batch
from payouts.errors import NothingToBatch, TooManyLines
from payouts.models import BankFormat, BatchLine, Payout, PayoutBatch
from payouts.services.records import write_down

Status = PayoutBatch.Status


@transaction.atomic
def open_batch(
    *, actor: Actor, mode: str, payout_ids: Iterable[str], bank_format: BankFormat | None = None, note: str = ""
) -> PayoutBatch:
    """Of `payout_ids` (public ids) those that are still free and in the actor's reach, oldest approval first.

    Raises `NotAllowed`, `NothingToBatch`, `TooManyLines`.
    """
    viewer, wanted = operator(actor, mode), set(payout_ids)
    if len(wanted) > settings.PAYOUT_BATCH_MAX_LINES:
        raise TooManyLines(f"A batch holds at most {settings.PAYOUT_BATCH_MAX_LINES} payouts.")
    rows = batchable(viewer).filter(public_id__in=wanted)
    _lock(rows.values_list("pk", flat=True))
    payouts = list(rows)  # read anew: another operator may have been quicker while we waited for the locks
    if not payouts:
        raise NothingToBatch()
    batch = PayoutBatch.objects.create(mode=mode, bank_format=bank_format, note=note[:200], created_by=actor.user)
    BatchLine.objects.bulk_create(
        BatchLine(batch=batch, payout=payout, number=number) for number, payout in enumerate(payouts, 1)
    )
    write_down_batch(actor, batch, "batch.opened", sum_of(payouts), payouts=[payout.public_id for payout in payouts])
    return batch


def _lock(keys: Iterable[int]) -> None:
    """In one order, so that two operators who choose the same payouts wait for each other and never for both."""
    list(Payout.objects.select_for_update(no_key=True).filter(pk__in=list(keys)).order_by("pk").values_list("pk"))


@transaction.atomic
def take_out(*, actor: Actor, batch: PayoutBatch, number: int) -> None:
    """Frees one payout again, before the first file was made. The last one stays: cancel the batch instead."""
    row = lock_batch(actor, batch)
    if row.status != Status.OPEN:
        raise IllegalTransition("A file of this batch exists already; cancel the batch instead.")
    live = row.lines.filter(live=True)
    if live.count() == 1:
        raise IllegalTransition("It is the last payout of this batch; cancel the batch instead.")
    line = get_or_404(live.select_related("payout"), number=number)
    BatchLine.objects.filter(pk=line.pk).update(live=False)
    write_down_batch(actor, row, "batch.line_taken_out", f"{line.payout.public_id}, {line.payout.amount} INR")


@transaction.atomic
def mark_sent(*, actor: Actor, batch: PayoutBatch) -> PayoutBatch:
    """Somebody gave the exported file to the bank: from now on its payouts are with the bank."""
    row = lock_batch(actor, batch)
    now = timezone.now()
    row.advance(Status.SENT, sent_by=actor.user, sent_at=now)
    lines = list(lines_of(row).filter(live=True))
    _lock(line.payout_id for line in lines)
    for line in lines:
        line.payout.advance(Payout.Status.PROCESSING, provider_state=ProviderState.SENT, sent_at=now)
        write_down(actor, line.payout, "payout.processing", detail=f"Batch {row.public_id}, reference {line.reference}")
    write_down_batch(actor, row, "batch.sent", sum_of([line.payout for line in lines]))
    return row


@transaction.atomic
def cancel_batch(*, actor: Actor, batch: PayoutBatch, reason: str) -> PayoutBatch:
    """Not after it was marked as sent. Its payouts are approved as before, and free for another batch."""
    if not reason.strip():
        raise InvalidFields(reason="is required")
    row = lock_batch(actor, batch)
    row.advance(Status.CANCELLED)
    row.lines.filter(live=True).update(live=False)
    write_down_batch(actor, row, "batch.cancelled", reason.strip()[:200])
    return row
