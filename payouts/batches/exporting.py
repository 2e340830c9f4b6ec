"""The file for the bank, made from the batch's lines and kept as it was handed out, with its digest."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Literal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.errors import IllegalTransition
from gateway.lib.spreadsheets import write_csv, write_xlsx
from payouts.batches.formats import columns_of
from payouts.batches.queries import lines_of
from payouts.batches.records import lock_batch, sum_of, write_down_batch
from payouts.models import BatchExport, BatchLine, Beneficiary, PayoutBatch

FileType = Literal["csv", "xlsx"]
Status = PayoutBatch.Status
INDIA = ZoneInfo("Asia/Kolkata")
_WRITERS = {"csv": write_csv, "xlsx": write_xlsx}


@transaction.atomic
def export_batch(*, actor: Actor, batch: PayoutBatch, file_type: FileType) -> BatchExport:
    """Makes a file of the batch as it is now; from the first one on, its lines no longer change.

    Raises `NotAllowed`, `NotFound`, `IllegalTransition` (sent or cancelled, or a beneficiary was blocked meanwhile).
    """
    row = lock_batch(actor, batch)
    if row.status not in (Status.OPEN, Status.EXPORTED):
        raise IllegalTransition("A file can be made until the batch is marked as sent.")
    lines = list(lines_of(row).filter(live=True))
    _check_beneficiaries(lines)
    content = _content(row, lines, file_type)
    made = BatchExport.objects.create(
        batch=row, name=_name(row, file_type), content=content, sha256=hashlib.sha256(content).hexdigest(),
        lines=len(lines), created_by=actor.user,
    )
    if row.status == Status.OPEN:
        row.advance(Status.EXPORTED)
    detail = f"{made.name}: {sum_of([line.payout for line in lines])}"
    write_down_batch(actor, row, "batch.exported", detail, sha256=made.sha256)
    return made


def _check_beneficiaries(lines: list[BatchLine]) -> None:
    for line in lines:
        if line.payout.beneficiary.status == Beneficiary.Status.BLOCKED:
            name = line.payout.beneficiary_name
            raise IllegalTransition(f"{name} (line {line.number}) is blocked: take it out or cancel the batch.")


def _content(batch: PayoutBatch, lines: list[BatchLine], file_type: FileType) -> bytes:
    columns, day, to = columns_of(batch), timezone.localdate(timezone=INDIA), BytesIO()
    rows = ([column.cell(line, day) for column in columns] for line in lines)
    _WRITERS[file_type]([column.column for column in columns], rows, to)
    return to.getvalue()


def _name(batch: PayoutBatch, file_type: FileType) -> str:
    day = timezone.localdate(timezone=INDIA)
    return f"payouts-{day:%Y%m%d}-{batch.public_id.removeprefix('batch_')}.{file_type}"


@transaction.atomic
def take_export(*, actor: Actor, export: BatchExport) -> bytes:
    """The file's bytes; who took it is written down, for it is a list of bank accounts."""
    write_down_batch(actor, export.batch, "batch.downloaded", export.name, sha256=export.sha256)
    return bytes(export.content)
