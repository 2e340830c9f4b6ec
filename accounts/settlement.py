"""A merchant's settlement bank account: where withdrawals in rupees go, and nowhere else.

A change waits before it counts (`usable_from`), is written down, and its owner is told: whoever takes over a sign-in
cannot lead the money elsewhere at once.
"""

from __future__ import annotations

import re
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant, Role, SettlementAccount
from accounts.operators import acting_for
from gateway.lib.errors import InvalidFields

_IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}", re.ASCII)
_ACCOUNT_NUMBER = re.compile(r"[0-9]{9,18}", re.ASCII)


def settlement_account(merchant: Merchant, mode: str) -> SettlementAccount | None:
    """The present one, usable yet or not."""
    return SettlementAccount.objects.filter(merchant=merchant, mode=mode, replaced_at__isnull=True).first()


@transaction.atomic
def set_settlement_account(
    *, actor: Actor, merchant: Merchant, mode: str, holder: str, account_number: str, ifsc: str, bank_name: str = ""
) -> SettlementAccount:
    """Replaces the present one; usable after WITHDRAWAL_ADDRESS_DELAY_HOURS (live). The merchant's user or an operator.

    Raises `NotAllowed`, `NotFound`, `InvalidFields`.
    """
    check_may_change(actor, merchant)
    _check_values(holder, account_number, ifsc)
    now = timezone.now()
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
    SettlementAccount.objects.filter(merchant=merchant, mode=mode, replaced_at__isnull=True).update(replaced_at=now)
    row = SettlementAccount.objects.create(
        merchant=merchant, mode=mode, holder=holder.strip(), account_number=account_number, ifsc=ifsc,
        bank_name=bank_name.strip(), usable_from=now + delay(mode), created_by=actor.user,
    )
    audit.record(
        actor, "settlement_account.set", merchant.public_id, merchant=merchant, mode=mode,
        detail=f"{row.holder}, {ifsc}, account ··{account_number[-4:]}",
    )
    return row


def delay(mode: str) -> timedelta:
    """How long whatever money may be sent to must wait after a change."""
    return timedelta(hours=settings.WITHDRAWAL_DELAY_HOURS[mode])


def check_may_change(actor: Actor, merchant: Merchant) -> None:
    """Operators and the merchant's own user; never a machine."""
    acting_for(actor, merchant.pk, Role.MERCHANT)


def _check_values(holder: str, account_number: str, ifsc: str) -> None:
    if not holder.strip():
        raise InvalidFields(holder="is required")
    if not _ACCOUNT_NUMBER.fullmatch(account_number):
        raise InvalidFields(account_number="must have 9 to 18 digits")
    if not _IFSC.fullmatch(ifsc):
        raise InvalidFields(ifsc="must be an IFSC such as HDFC0001234")
