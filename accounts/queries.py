"""Reads about people's and merchants' credentials."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from accounts.actors import Viewer, scope
from accounts.models import Credential, Role


def credentials_of(viewer: Viewer) -> QuerySet[Credential]:
    """The pairs of the viewer's own merchant in its mode that may still be used, newest first.

    Nobody but the merchant sees any: not its api_users, not the operators.
    """
    if viewer.user.role != Role.MERCHANT:
        return Credential.objects.none()
    rows = scope(Credential.objects.select_related("merchant"), viewer).filter(revoked_at=None)
    return rows.exclude(expires_at__lte=timezone.now()).order_by("contract", "-created_at", "-pk")
