"""What is answered about an export."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, cast

from django.conf import settings

from crypto.exports.links import token_of
from crypto.models import Export
from gateway.contracts.dashboard.answers.kinds import Link, Timestamp
from gateway.contracts.dashboard.words import timestamp

Status = Literal["pending", "processing", "ready", "failed", "expired"]


class ExportBody(TypedDict):
    """`records_done` while it is being made; the link and what it leads to once it is `ready`."""

    export_id: str
    status: Status
    records_done: NotRequired[int]
    download_url: NotRequired[Link]
    expires_at: NotRequired[Timestamp]
    file_size: NotRequired[str]
    record_count: NotRequired[int]


def export(row: Export) -> ExportBody:
    status = row.status if row.status != Export.Status.READY or row.is_ready else Export.Status.EXPIRED
    body: ExportBody = {"export_id": row.public_id, "status": cast(Status, str(status))}
    if status in (Export.Status.PENDING, Export.Status.PROCESSING):
        body["records_done"] = row.rows_done
    if row.is_ready and row.expires_at and row.file_size is not None and row.record_count is not None:
        body["download_url"] = f"{settings.PUBLIC_URL}/api/v1/dashboard/exports/{row.file_name}?token={token_of(row)}"
        body["expires_at"] = timestamp(row.expires_at)
        body["file_size"] = _size(row.file_size)
        body["record_count"] = row.record_count
    return body


def _size(count: int) -> str:
    """`245KB`, `1.2MB`: in thousands, as file managers show them."""
    if count < 1000:
        return f"{count}B"
    if count < 1_000_000:
        return f"{round(count / 1000)}KB"
    return f"{count / 1_000_000:.1f}MB"
