"""What a merchant may withdraw by itself, and in a day. One token counts as one, whichever it is."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant
from accounts.operators import acting_for
from crypto.errors import DailyLimitReached
from crypto.models import Withdrawal
from gateway.lib.errors import InvalidFields
from gateway.lib.money import Money
from gateway.lib.sums import ExactSum


def needs_approval(amount: Money) -> bool:
    limit: int | None = settings.WITHDRAWAL_APPROVE_ABOVE
    return limit is not None and amount.minor > limit


def daily_limit_of(merchant: Merchant) -> int | None:
    """In 10⁻⁸ of a token; None: no limit."""
    own = merchant.withdrawal_daily_limit_minor
    installation: int | None = settings.WITHDRAWAL_DAILY_LIMIT
    return own if own is not None else installation


def withdrawn_today(merchant: Merchant, mode: str, now: datetime) -> int:
    """Asked for since the midnight (UTC) before `now` and not failed, in 10⁻⁸ of a token."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Withdrawal.objects.filter(merchant=merchant, mode=mode, created_at__gte=midnight)
    total = rows.exclude(status=Withdrawal.Status.FAILED).aggregate(total=ExactSum("amount_minor"))["total"]
    return int(total or 0)


def check_daily_limit(merchant: Merchant, mode: str, amount: Money, now: datetime) -> None:
    """Under the lock on the merchant, so that two requests do not both find room. `now` is the moment that the
    withdrawal is written down with: the day that is asked about is the one it counts for. Raises `DailyLimitReached`.
    """
    limit = daily_limit_of(merchant)
    if limit is None:
        return
    left = max(limit - withdrawn_today(merchant, mode, now), 0)
    if amount.minor > left:
        shown = f"{Money(left, amount.currency)} of {Money(limit, amount.currency)}"
        raise DailyLimitReached(f"{shown} tokens may still be withdrawn today (UTC).")


@transaction.atomic
def set_daily_limit(*, actor: Actor, merchant: Merchant, minor: int | None) -> None:
    """A merchant's own limit; None: the installation's. Operators. Raises `NotAllowed`, `NotFound`, `InvalidFields`."""
    acting_for(actor, merchant.pk)
    if minor is not None and minor < 0:
        raise InvalidFields(limit="must not be negative")
    before = merchant.withdrawal_daily_limit_minor
    Merchant.objects.filter(pk=merchant.pk).update(withdrawal_daily_limit_minor=minor)
    merchant.withdrawal_daily_limit_minor = minor
    changed = {"limit": [before, minor]}
    audit.record(actor, "withdrawal_limit.set", merchant.public_id, merchant=merchant, changed=changed)
