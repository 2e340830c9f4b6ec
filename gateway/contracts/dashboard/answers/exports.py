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
    body: ExportBody = {"export_id": row.public_id, "status": cast(Status, str(row.state))}
    if row.is_open:
        body["records_done"] = row.rows_done
    if row.is_ready and row.expires_at and row.file_size is not None and row.record_count is not None:
        body["download_url"] = f"{settings.PUBLIC_URL}/api/v1/dashboard/exports/{row.file_name}?token={token_of(row)}"
        body["expires_at"] = timestamp(row.expires_at)
        body["file_size"] = row.size_text
        body["record_count"] = row.record_count
    return body

