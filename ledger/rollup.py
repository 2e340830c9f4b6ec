"""Rolls house accounts up, so that their balance never needs the whole history.

Only entries older than ten minutes are taken: by then every transaction that could still hold a lower entry id has
ended (statements are limited to 30 s), so no entry is ever left behind.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from gateway.lib.sums import ExactSum
from ledger.models import Entry, LedgerAccount, RolledBalance

_SAFE_AGE = timedelta(minutes=10)


def roll_up() -> int:
    """Moves every house account's rolled balance forward; returns how many moved."""
    through = Entry.objects.filter(created_at__lt=timezone.now() - _SAFE_AGE).aggregate(last=Max("id"))["last"]
    if through is None:
        return 0
    accounts = LedgerAccount.objects.filter(merchant__isnull=True).order_by("pk")
    return sum(_roll(account, through) for account in accounts)


@transaction.atomic
def _roll(account: LedgerAccount, through: int) -> bool:
    RolledBalance.objects.get_or_create(account=account, defaults={"through_id": 0, "balance": 0})
    rolled = RolledBalance.objects.select_for_update().get(account=account)
    rows = Entry.objects.filter(account=account, id__gt=rolled.through_id, id__lte=through)
    total = rows.aggregate(total=ExactSum("amount"))["total"]
    if total is None:
        return False
    rolled.balance, rolled.through_id = rolled.balance + int(total), through
    rolled.save()
    return True
