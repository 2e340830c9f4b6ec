"""Links to files: whoever has one may fetch that one file, for as long as it is kept. No key is needed."""

from __future__ import annotations

from django.core import signing
from django.db.models import QuerySet

from accounts.actors import Viewer, scope
from accounts.models import AccountStatus, Role
from crypto.exports.services import KEPT
from crypto.models import Export

_SALT = "crypto.exports.link"


def token_of(export: Export) -> str:
    return signing.TimestampSigner(salt=_SALT).sign(export.file_name).rpartition(f"{export.file_name}:")[2]


def export_of_link(file_name: str, token: str) -> Export | None:
    """The export of a good link whose file is there; None for anything else, and while its merchant is suspended."""
    try:
        signing.TimestampSigner(salt=_SALT).unsign(f"{file_name}:{token}", max_age=KEPT)
    except signing.BadSignature:
        return None
    rows = Export.objects.select_related("merchant").filter(merchant__status=AccountStatus.ACTIVE)
    export = rows.filter(public_id=file_name.partition(".")[0]).first()
    return export if export is not None and export.file_name == file_name and export.is_ready else None


def visible_exports(viewer: Viewer) -> QuerySet[Export]:
    """Newest first. They hold a whole merchant's records, so its api_users see none."""
    if viewer.user.role == Role.API_USER:
        return Export.objects.none()
    return scope(Export.objects.select_related("merchant"), viewer).order_by("-created_at", "-id")
