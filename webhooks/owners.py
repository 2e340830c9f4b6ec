"""Tells a merchant by e-mail that its endpoint was disabled. The row says whether that is still to be done."""

from __future__ import annotations

import structlog
from django.conf import settings

from accounts.models import AccountStatus, Role, User
from gateway.lib import mail
from webhooks.models import Endpoint

log = structlog.get_logger(__name__)

_TEXT = """Hello,

webhooks are no longer sent to your endpoint

    {url}
    ({contract} contract, {mode} mode)

{reason}.

What was still waiting for it has been given up; nothing is lost: once the endpoint answers again, enable it under
Profile, Webhooks at {host}, and send the failed deliveries again from there.
"""


def tell_owners(limit: int = 100) -> int:
    """Sends what is due; a mail server that is down is tried again by the next sweep.

    In no order, so that many that are put off again and again hold up nobody behind them.
    """
    told = 0
    for endpoint in Endpoint.objects.filter(notice_due=True).order_by("?")[:limit]:
        try:
            done = _tell(endpoint)
        except OSError as error:
            log.warning("owner_not_told", endpoint=str(endpoint.pk), error=type(error).__name__)
            break
        if done:
            Endpoint.objects.filter(pk=endpoint.pk).update(notice_due=False)
            told += 1
    return told


def _tell(endpoint: Endpoint) -> bool:
    owners = User.objects.filter(merchant=endpoint.merchant_id, role=Role.MERCHANT, status=AccountStatus.ACTIVE)
    addresses = owners.order_by("pk").values_list("email", flat=True)
    reason = endpoint.disabled_reason[:1].upper() + endpoint.disabled_reason[1:]
    text = _TEXT.format(
        url=endpoint.url, contract=endpoint.contract, mode=endpoint.mode, reason=reason, host=settings.PUBLIC_URL
    )
    return mail.send_each("Your webhook endpoint was disabled", text, addresses, about=str(endpoint.pk))
