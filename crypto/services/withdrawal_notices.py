"""Tells a merchant's owner by e-mail that the places where its money may go have changed. The rows say what is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from accounts.models import AccountStatus, Role, SettlementAccount, User
from crypto.models import WithdrawalAddress
from gateway.lib import mail

log = structlog.get_logger(__name__)

_TEXT = """Hello,

{what}
({mode} mode).

If this was not you or somebody you trust, change your password at {host} and tell your operator at once.{usable}
"""


def tell_owners(limit: int = 100) -> int:
    """Sends what is due; a mail server that is down is tried again by the next sweep.

    Which of them is by chance, so that many that are put off again and again hold up nobody behind them; they go in the
    order of the changes they tell of.
    """
    try:
        return _tell(WithdrawalAddress, _of_address, limit) + _tell(SettlementAccount, _of_account, limit)
    except OSError as error:
        log.warning("owner_not_told", error=type(error).__name__)
        return 0


def _tell(model: Any, words: Callable[[Any], str], limit: int) -> int:
    told = 0
    rows = model.objects.filter(notice_due=True).select_related("merchant").order_by("?")[:limit]
    for row in sorted(rows, key=lambda row: row.pk):
        if _send(row, words(row)):
            told += model.objects.filter(pk=row.pk).update(notice_due=False)
    return told


def _of_address(row: WithdrawalAddress) -> str:
    done = "was removed from" if row.removed_at else "was added to"
    where = f"    {row.address}\n    ({row.network_id})"
    return f"the address\n\n{where}\n\n{done} the withdrawal addresses of {row.merchant.name}"


def _of_account(row: SettlementAccount) -> str:
    account = f"{row.holder}, account ··{row.account_number[-4:]}, {row.ifsc}"
    return f"the settlement account of {row.merchant.name} was set to\n\n    {account}\n"


def _send(row: Any, what: str) -> bool:
    owners = User.objects.filter(merchant=row.merchant, role=Role.MERCHANT, status=AccountStatus.ACTIVE)
    waits = row.usable_from > timezone.now()
    usable = f" Nothing can be sent there\nbefore {row.usable_from:%d %b %Y, %H:%M} UTC." if waits else ""
    text = _TEXT.format(what=what, mode=row.mode, host=settings.PUBLIC_URL, usable=usable)
    addresses = owners.order_by("pk").values_list("email", flat=True)
    about = f"{row._meta.label_lower} {row.pk}"
    return mail.send_each("Where your withdrawals go was changed", text, addresses, about=about)
