"""Sessions that have ended go, and with them what was known of their browsers; in small transactions."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import PanelSession
from gateway.lib.pruning import delete_in_pieces


def prune() -> int:
    """Deletes sessions past their end, and rows of browsers whose session is no more; returns how many."""
    now = timezone.now()
    sessions = Session.objects.filter(expire_date__lt=now)
    # A browser's row is written a moment before its session is: only what is a day old can be left over.
    browsers = PanelSession.objects.filter(signed_in_at__lt=now - timedelta(days=1))
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    return delete_in_pieces(sessions) + delete_in_pieces(browsers.exclude(Exists(alive)))
