"""How fresh a signed-in user's proof is, and which browsers are signed in.

Signing in is a proof. `STEP_UP_MINUTES` later it is stale, and whoever wants to move money, or touch keys or settings,
proves it again: with the authenticator's code, or with the password where there is no authenticator.
"""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import PanelSession, User
from gateway.lib.middleware import client_address

_PROVED, _SEEN = "proved_at", "seen_at"
_SEEN_EVERY = 60


def note_proof(request: HttpRequest) -> None:
    request.session[_PROVED] = int(time.time())


def is_fresh(request: HttpRequest) -> bool:
    age = time.time() - int(request.session.get(_PROVED, 0))
    return age < float(settings.STEP_UP_MINUTES) * 60


def _signed_in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    note_proof(request)


user_logged_in.connect(_signed_in, dispatch_uid="panel-proof")


def note_seen(request: HttpRequest, user: User) -> None:
    """Keeps the list of signed-in browsers, at the cost of one statement a minute."""
    now = int(time.time())
    if now - int(request.session.get(_SEEN, 0)) < _SEEN_EVERY:
        return
    request.session[_SEEN] = now
    if request.session.session_key is None:
        request.session.save()
    PanelSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user, "address": client_address(request), "last_seen_at": timezone.now(),
            "browser": _name_of_browser(request.headers.get("User-Agent", ""))[:200],
        },
    )


# In this order: Edge and Opera also call themselves Chrome, and Chrome calls itself Safari.
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"),
            ("Linux", "Linux"))


def _name_of_browser(agent: str) -> str:
    """`Chrome on Linux`; what calls itself nothing known keeps its own words."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if browser and system else agent


def signed_in_browsers(user: User) -> list[PanelSession]:
    """Those whose session is still there, the latest first."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return list(PanelSession.objects.filter(user=user, session_key__in=alive).order_by("-last_seen_at")[:50])


def keep_only_this_browser(request: HttpRequest, user: User, old_key: str | None) -> None:
    """After the password was changed: the sessions of the others are void, and this one, `old_key`, has a new key."""
    PanelSession.objects.filter(user=user, session_key=old_key).update(session_key=request.session.session_key)
    _forget(PanelSession.objects.filter(user=user).exclude(session_key=request.session.session_key))


def end_every_browser(user: User) -> None:
    """After a new password by a link: whoever else was signed in is not any more."""
    _forget(PanelSession.objects.filter(user=user))


def _forget(browsers: QuerySet[PanelSession]) -> None:
    Session.objects.filter(session_key__in=browsers.values("session_key")).delete()
    browsers.delete()


def end_browser(user: User, pk: int) -> bool:
    """Signs one of `user`'s browsers out, wherever it is."""
    row = PanelSession.objects.filter(user=user, pk=pk).first()
    if row is None:
        return False
    Session.objects.filter(session_key=row.session_key).delete()
    row.delete()
    return True
