"""A forgotten password: whoever asks is told the same, and a known address gets a link by e-mail.

The request is a mark on the user's row that a worker acts on; asking is limited per address and per caller, so that
nobody's mailbox is filled.
"""

from __future__ import annotations

import structlog
from django.core.cache import cache

from accounts import audit
from accounts.actors import Actor
from accounts.models import User
from gateway.lib.jobs import wake
from gateway.lib.secrets import digest

log = structlog.get_logger(__name__)
_MOST_AN_HOUR = 5


def ask_for_reset(*, email: str, address: str) -> None:
    """Marks the user for a link, if there is an active one with this e-mail address. Says nothing either way."""
    email = email.strip().lower()
    if _too_many(f"reset:{digest(email, purpose='reset')}") or _too_many(f"reset-from:{address}"):
        return
    user = User.objects.select_related("merchant").filter(email=email).first()
    if user is None or not user.is_active:
        return
    User.objects.filter(pk=user.pk).update(reset_due=True)
    audit.record(Actor.system("password reset"), "password.reset_asked", user.public_id, merchant=user.merchant_id)
    wake("accounts.invite")


def _too_many(key: str) -> bool:
    """Counted in the shared cache; while that is away nothing is sent, since it could not be limited."""
    try:
        cache.add(key, 0, 3600)
        return int(cache.incr(key)) > _MOST_AN_HOUR
    except Exception as error:  # whatever a cache can raise
        log.warning("reset_counter_down", error=type(error).__name__)
        return True
