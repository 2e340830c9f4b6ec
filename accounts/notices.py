"""What one super admin must not do unseen by the others: each of them is told by e-mail. The rows say what is due."""

from __future__ import annotations

import structlog
from django.conf import settings

from accounts.actors import Actor
from accounts.models import AccountStatus, Notice, Role, User
from gateway.lib import mail
from gateway.lib.jobs import wake

log = structlog.get_logger(__name__)

_TEXT = """Hello,

{who} did this at {host}:

{what}

If nobody told you of it, look at the audit trail in the panel, and talk to {who} now.
"""


def tell_super_admins(actor: Actor, about: str, subject: str, text: str) -> None:
    """In the transaction of what is told."""
    Notice.objects.create(by=actor.user, about=about, subject=subject, text=text[:600])
    wake("accounts.invite")


def send_due(limit: int = 100) -> int:
    """Sends what is due; a mail server that is down is tried again by the next sweep.

    In no order, so that many that are put off again and again hold up nobody behind them.
    """
    sent = 0
    for row in Notice.objects.select_related("by").order_by("?")[:limit]:
        try:
            done = _send(row)
        except OSError as error:
            log.warning("super_admins_not_told", about=row.about, error=type(error).__name__)
            break
        if done:
            row.delete()
            sent += 1
    return sent


def _send(row: Notice) -> bool:
    others = User.objects.filter(role=Role.SUPER_ADMIN, status=AccountStatus.ACTIVE).exclude(public_id=row.about)
    if row.by is not None:
        others = others.exclude(pk=row.by.pk)
    addresses = others.order_by("pk").values_list("email", flat=True)
    who = f"{row.by.name} ({row.by.email})" if row.by else "Somebody with a shell on the server"
    text = _TEXT.format(who=who, what=row.text, host=settings.PUBLIC_URL)
    return mail.send_each(row.subject, text, addresses, about=row.about)
