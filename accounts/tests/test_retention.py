"""Sessions past their end go; those that somebody uses, and a browser that signs in at this moment, stay."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import PanelSession
from accounts.retention import prune


def signed_in(user, key, *, ends_in, days_ago, session=True):
    now = timezone.now()
    if session:
        Session.objects.create(session_key=key, session_data="", expire_date=now + ends_in)
    PanelSession.objects.create(user=user, session_key=key, signed_in_at=now - timedelta(days=days_ago))


def test_what_has_ended_goes_with_its_browser(cast):
    user = cast.admin
    signed_in(user, "ended", ends_in=-timedelta(seconds=1), days_ago=2)
    signed_in(user, "alive", ends_in=timedelta(hours=1), days_ago=2)
    signed_in(user, "signed-out", ends_in=timedelta(0), days_ago=2, session=False)
    signed_in(user, "signing-in", ends_in=timedelta(0), days_ago=0, session=False)

    assert prune() == 3

    assert list(Session.objects.values_list("session_key", flat=True)) == ["alive"]
    assert sorted(PanelSession.objects.values_list("session_key", flat=True)) == ["alive", "signing-in"]
    assert prune() == 0
