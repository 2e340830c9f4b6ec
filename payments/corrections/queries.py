"""Reads about corrections: operators see all of their merchants', a merchant those that were booked."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts import history
from accounts.actors import Viewer, scope
from accounts.history import TimelineItem
from accounts.models import Role
from payments.models import Correction

Status = Correction.Status
_TITLES = {
    "correction.proposed": "Proposed",
    "correction.confirmed": "Confirmed and booked",
    "correction.rejected": "Rejected",
    "correction.withdrawn": "Withdrawn by whoever proposed it",
}


def visible_corrections(viewer: Viewer) -> QuerySet[Correction]:
    """Newest first."""
    if viewer.user.role == Role.API_USER:
        return Correction.objects.none()
    rows = Correction.objects.select_related("merchant", "payment__order", "created_by", "decided_by")
    rows = scope(rows, viewer).order_by("-created_at", "-id")
    return rows if viewer.user.is_operator else rows.filter(status=Status.CONFIRMED)


def waiting_corrections(viewer: Viewer) -> QuerySet[Correction]:
    """Those that wait for a second operator, oldest first."""
    rows = visible_corrections(viewer).filter(status=Status.OPEN).order_by("created_at", "id")
    return rows if viewer.user.is_operator else rows.none()


def search_corrections(rows: QuerySet[Correction], text: str) -> QuerySet[Correction]:
    """By id, bank reference, payment, merchant's name or reason."""
    text = text.strip()
    if "\0" in text:
        return rows.none()
    exact = Q(public_id=text) | Q(bank_reference=text.upper()) | Q(payment__public_id=text)
    return rows.filter(exact | Q(merchant__name__icontains=text) | Q(reason__icontains=text))


def correction_history(row: Correction) -> list[TimelineItem]:
    return history.timeline([row.public_id], _TITLES)
