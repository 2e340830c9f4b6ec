"""Which account a new payment asks its payer to send to: the one that waited longest, of those with room left today.

The accounts are locked while one is chosen, until the payment is written, so that no limit is passed by two payments
at the same moment.
"""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from gateway.lib.errors import ProviderUnavailable
from gateway.lib.money import Money
from payments.errors import ReceivingUnavailable
from payments.models import Payment, ReceivingAccount
from payments.providers import registry
from payments.receiving.queries import today, used_on


def assign_account(*, provider: str, mode: str, method: str, amount: Money) -> str:
    """The VPA for a new payment of `amount`, empty for a card. Called in the transaction that writes the payment.

    Raises `ReceivingUnavailable` where no account has room, `ProviderUnavailable` for a card that nobody can take.
    """
    by_people = registry.decided_by_people(provider)
    if method != Payment.Method.UPI:
        if by_people:
            raise ProviderUnavailable("Cards cannot be taken in live mode. Nothing was created.")
        return ""
    return _next_account(mode, amount.minor) if by_people else settings.PAYEE_VPA


def _next_account(mode: str, minor: int) -> str:
    # Locked in one order by everybody; whose turn it is, is read under the locks.
    rows = list(ReceivingAccount.objects.select_for_update().filter(mode=mode, active=True).order_by("pk"))
    used = used_on(today(), mode, [row.vpa for row in rows])
    free = [row for row in rows if _has_room(row, used.get(row.vpa, 0) + minor)]
    if not free:
        raise ReceivingUnavailable()
    chosen = min(free, key=lambda row: (row.last_assigned_at is not None, row.last_assigned_at, row.pk))
    ReceivingAccount.objects.filter(pk=chosen.pk).update(last_assigned_at=timezone.now())
    return chosen.vpa


def _has_room(account: ReceivingAccount, wanted: int) -> bool:
    return account.daily_limit_minor is None or wanted <= account.daily_limit_minor
