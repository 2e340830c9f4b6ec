"""The sandbox bank, with its own books in `SandboxTransfer`.

It takes every transfer, says `pending`, and decides SANDBOX_BANK_DELAY_SECONDS later. Account numbers ending in
0000 are rejected ("account closed"); for those ending in 1111 no answer comes at first, the status says `pending`
for SANDBOX_BANK_SILENCE_SECONDS, and then it is paid.
"""

from __future__ import annotations

import secrets
import string
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from gateway.lib.providers import Outcome, ProviderTimeout
from payouts.models import SandboxTransfer
from payouts.providers.base import Transfer

_ASK_AT_MOST_EVERY = 5.0
_CLOSED, _SILENT = "0000", "1111"


class SandboxBank:
    name = "sandbox_bank"

    def pay(self, transfer: Transfer) -> Outcome:
        row, new = SandboxTransfer.objects.get_or_create(reference=transfer.reference, defaults=_decided(transfer))
        if not new:
            SandboxTransfer.objects.filter(pk=row.pk).update(times_asked=F("times_asked") + 1)
        if transfer.account_number.endswith(_SILENT) and _seconds_left(row) > 0:
            raise ProviderTimeout
        return _answer(row)

    def status(self, reference: str) -> Outcome:
        row = SandboxTransfer.objects.filter(reference=reference).first()
        return _answer(row) if row else Outcome("absent")


def _decided(transfer: Transfer) -> dict[str, Any]:
    closed = transfer.account_number.endswith(_CLOSED)
    silent = transfer.account_number.endswith(_SILENT)
    delay = settings.SANDBOX_BANK_SILENCE_SECONDS if silent else settings.SANDBOX_BANK_DELAY_SECONDS
    return {
        "amount_minor": transfer.amount.minor,
        "currency": transfer.amount.currency,
        "decision": "reject" if closed else "pay",
        "code": "account_closed" if closed else "",
        "decide_at": timezone.now() + timedelta(seconds=delay),
        "utr": "SBB" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13)),
    }


def _seconds_left(row: SandboxTransfer) -> float:
    return (row.decide_at - timezone.now()).total_seconds()


def _answer(row: SandboxTransfer) -> Outcome:
    left = _seconds_left(row)
    if left > 0:
        return Outcome("pending", reference=row.reference, ask_after=min(left, _ASK_AT_MOST_EVERY))
    if row.decision == "reject":
        return Outcome("failed", reference=row.reference, code=row.code, message="The account is closed.")
    return Outcome(
        "succeeded", reference=row.reference, utr=row.utr, amount_minor=row.amount_minor, currency=row.currency
    )


SANDBOX_BANK = SandboxBank()
