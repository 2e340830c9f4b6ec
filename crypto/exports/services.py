"""Exports asked for, made, given out and thrown away.

A file is written under a name of its own worker's and takes its real name only when it is whole, so that nobody is ever
given half of one. A worker that dies leaves its lease to run out; the next one begins again with another file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant
from crypto.exports import pdf, writing
from crypto.exports.selecting import Rows, batches, rows_of
from crypto.models import Export
from gateway.lib.crash import crash_point
from gateway.lib.errors import GatewayError, InvalidFields
from gateway.lib.jobs import wake
from gateway.lib.work import drive, ended, own_lease

log = structlog.get_logger(__name__)
Status = Export.Status
TASK = "crypto.export"
SMALL = 1_000  # fewer rows are written while the caller waits
KEPT = timedelta(hours=24)
MOST_TRIES = 5


class LeaseLost(Exception):
    """Another worker has this export by now."""


class TooManyExports(GatewayError):
    code = "rate_limit_exceeded"
    message = "Your last exports are still being made. Wait for one of them to end."


MOST_OPEN = 5


def create_export(
    *, actor: Actor, merchant: Merchant, mode: str, format: str, type: str, starts_at: datetime, ends_at: datetime,
    criteria: Mapping[str, Any],
) -> Export:
    """Writes down what is wanted; a small one is ready when this returns, any other is a worker's.

    `criteria` are checked values. Raises `InvalidFields` (a period that ends before it begins, a PDF of too many
    rows) and `TooManyExports`.
    """
    if starts_at > ends_at:
        raise InvalidFields(start_date="must not be after end_date")
    export = Export(
        merchant=merchant, mode=mode, format=format, type=type, starts_at=starts_at,
        ends_at=min(ends_at, timezone.now()), criteria=dict(criteria), created_by=actor.user, due_at=timezone.now(),
    )
    is_small = _has_at_most(export, SMALL - 1)
    if not is_small and format == Export.Format.PDF and not _has_at_most(export, pdf.MOST_ROWS):
        raise InvalidFields(format=f"pdf has at most {pdf.MOST_ROWS} rows: choose csv, xlsx or json, or less time")
    for name, value in (own_lease() if is_small else {}).items():
        setattr(export, name, value)
    with transaction.atomic():
        _check_open(merchant, mode)
        export.save(force_insert=True)
        audit.record(
            actor, "export.created", export.public_id, merchant=merchant, mode=mode, format=format, type=type,
            starts_at=starts_at.isoformat(), ends_at=ends_at.isoformat(),
        )
        if not is_small:
            wake(TASK)
    if is_small:
        _make_at_once(export)
    return export


def _check_open(merchant: Merchant, mode: str) -> None:
    open_ones = Export.objects.filter(
        merchant=merchant, mode=mode, status__in=[Status.PENDING, Status.PROCESSING]
    )
    if open_ones.count() >= MOST_OPEN:
        raise TooManyExports(retry_after=60)


def _has_at_most(export: Export, count: int) -> bool:
    return len(rows_of(export).order_by().values_list("pk")[: count + 1]) <= count


def _make_at_once(export: Export) -> None:
    """Under the lease that it was made with, so that no worker is quicker; if something fails, it is the worker's."""
    try:
        make(export)
    except Exception as error:  # the worker tries again
        log.warning("export_left_to_worker", export=export.public_id, error=type(error).__name__)
    export.refresh_from_db()


def drive_exports() -> int:
    """What is due, one after the other; nothing while another writes one, so that files never hold up the proofs."""
    busy = Export.objects.filter(status=Status.PROCESSING, leased_until__gt=timezone.now())
    return 0 if busy.exists() else drive(Export.objects.select_related("merchant"), make, limit=10)


def make(export: Export) -> None:
    """Writes the file of a leased export. Raises `LeaseLost`; whatever else is raised is tried again, a few times."""
    if export.status == Status.PENDING:
        export.advance(Status.PROCESSING)
    draft = folder() / f"{export.public_id}.{export.lease}.part"
    try:
        count = _write(export, draft)
        crash_point("export.written")
        _finish(export, draft, count)
    except Exception as error:
        _failed(export, error)
        raise
    finally:
        draft.unlink(missing_ok=True)


def _write(export: Export, draft: Path) -> int:
    """From the beginning: what another worker has left is not trusted."""
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        count = writing.write(export, _with_heartbeat(export, batches(export)), file)
        file.flush()
        os.fsync(file.fileno())
    return count


def _with_heartbeat(export: Export, found: Iterator[list[Rows]]) -> Iterator[list[Rows]]:
    """Says how far it is and keeps the lease, at most once a second."""
    done, told = 0, 0.0
    for batch in found:
        yield batch
        done += len(batch)
        crash_point("export.batch")
        if time.monotonic() - told >= 1:
            until = timezone.now() + timedelta(seconds=settings.WORK_LEASE_SECONDS)
            if not _held(export).update(rows_done=done, leased_until=until):
                raise LeaseLost(export.public_id)
            told = time.monotonic()


def _held(export: Export) -> Any:
    return Export.objects.filter(pk=export.pk, lease=export.lease)


def _finish(export: Export, draft: Path, count: int) -> None:
    """The file takes its name before the row says that it is there."""
    size = draft.stat().st_size
    with transaction.atomic():
        if not _held(export).select_for_update().exists():
            raise LeaseLost(export.public_id)
        draft.replace(path_of(export))
        crash_point("export.renamed")
        export.advance(
            Status.READY, record_count=count, rows_done=count, file_size=size, expires_at=timezone.now() + KEPT,
            **ended(),
        )


def _failed(export: Export, error: Exception) -> None:
    """Tried again soon, and given up after a few times."""
    if isinstance(error, LeaseLost):
        return
    if export.tries < MOST_TRIES:
        _held(export).update(**ended(timezone.now() + timedelta(seconds=5 * export.tries)))
    elif _held(export).exists():
        export.advance(Status.FAILED, failure="It could not be written.", **ended())


# Files ------------------------------------------------------------------------------------------------------
def folder() -> Path:
    path = Path(settings.EXPORT_DIR)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def path_of(export: Export) -> Path:
    return folder() / export.file_name


def open_file(export: Export) -> BinaryIO | None:
    """The file of a ready export; None if it is gone."""
    try:
        return path_of(export).open("rb")
    except FileNotFoundError:
        return None


def purge() -> int:
    """Throws away what has had its day, and drafts that nobody writes any more; returns how many files."""
    gone = 0
    for export in Export.objects.filter(status=Status.READY, expires_at__lte=timezone.now())[:1000]:
        export.advance(Status.EXPIRED)
        path_of(export).unlink(missing_ok=True)
        gone += 1
    return gone + _purge_drafts()


def _purge_drafts() -> int:
    old, gone = time.time() - KEPT.total_seconds(), 0
    for draft in folder().glob("exp_*"):
        if draft.stat().st_mtime < old:
            draft.unlink(missing_ok=True)
            gone += 1
    return gone
