"""Links by e-mail, to set a first password or a new one. Each works once, and for three days."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db.models import Q
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.models import User
from gateway.lib import mail

log = structlog.get_logger(__name__)

_TEXT = """Hello {name},

an account was made for you at {host}. Set your password here within three days:

{link}

If you did not expect this message, ignore it.
"""
_RESET = """Hello {name},

somebody, probably you, asked for a new password at {host}. Set it here within three days:

{link}

If it was not you, ignore this message: your password stays as it is.
"""


def send_due(limit: int = 100) -> int:
    """Sends what is due; a mail server that is down is tried again by the next sweep.

    In no order, so that many that are put off again and again hold up nobody behind them.
    """
    sent = 0
    for user in User.objects.filter(Q(invitation_due=True) | Q(reset_due=True)).order_by("?")[:limit]:
        try:
            done = _send(user)
        except OSError as error:
            log.warning("invitation_not_sent", user=user.public_id, error=type(error).__name__)
            break
        if done:
            User.objects.filter(pk=user.pk).update(invitation_due=False, reset_due=False)
            sent += 1
    return sent


def _send(user: User) -> bool:
    words = _TEXT if user.invitation_due else _RESET
    text = words.format(name=user.name, host=settings.PUBLIC_URL, link=password_link(user))
    return mail.send_each("Set your password", text, [user.email], about=user.public_id)


def password_link(user: User) -> str:
    uid = urlsafe_base64_encode(force_bytes(user.public_id))
    path = reverse("panel:set-password", args=[uid, default_token_generator.make_token(user)])
    return f"{settings.PUBLIC_URL}{path}"


def user_of_link(uid: str, token: str) -> User | None:
    """The user a link was made for, while the link is still good."""
    try:
        public_id = urlsafe_base64_decode(uid).decode()
    except ValueError:
        return None
    if "\0" in public_id:  # PostgreSQL takes no such text
        return None
    user = User.objects.select_related("merchant").filter(public_id=public_id).first()
    return user if user and default_token_generator.check_token(user, token) else None
