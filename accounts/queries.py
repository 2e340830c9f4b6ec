"""Reads about people's and merchants' credentials, and the audit trail."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.actors import Viewer, scope, team_merchants, team_users
from accounts.models import AuditRecord, Credential, Role


def credentials_of(viewer: Viewer) -> QuerySet[Credential]:
    """The pairs of the viewer's own merchant in its mode that may still be used, newest first.

    Nobody but the merchant sees any: not its api_users, not the operators.
    """
    if viewer.user.role != Role.MERCHANT:
        return Credential.objects.none()
    rows = scope(Credential.objects.select_related("merchant"), viewer).filter(revoked_at=None)
    return rows.exclude(expires_at__lte=timezone.now()).order_by("contract", "-created_at", "-pk")


def visible_audit(viewer: Viewer) -> QuerySet[AuditRecord]:
    """The trail, newest first: of the viewer's mode, and what belongs to none (people, businesses).

    A super_admin sees all of it; an admin its team's and what it did itself; a merchant its own; nobody else any.
    """
    rows = AuditRecord.objects.filter(mode__in=[viewer.mode, ""]).select_related("actor", "merchant").order_by("-id")
    user = viewer.user
    if user.role == Role.SUPER_ADMIN:
        return rows
    if user.role == Role.ADMIN:
        people = team_users(user).values("public_id")
        return rows.filter(Q(merchant__in=team_merchants(user)) | Q(actor=user) | Q(target__in=people))
    if user.role == Role.MERCHANT:
        return rows.filter(merchant_id=user.merchant_id or 0)
    return rows.none()
