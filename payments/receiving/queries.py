"""Reads about receiving accounts. A day is one of Asia/Kolkata, whatever the reader's zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Case, F, QuerySet, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.actors import Viewer
from gateway.lib.sums import ExactSum
from payments.models import Payment, ReceivingAccount

INDIA = ZoneInfo("Asia/Kolkata")
# What a payment takes of its day: what it received, what it asks for while it is open, nothing once it failed.
_SHARE = Case(
    When(status=Payment.Status.SUCCEEDED, then=Coalesce(F("received_minor"), F("amount_minor"))),
    When(status=Payment.Status.FAILED, then=0),
    default=F("amount_minor"),
    output_field=BigIntegerField(),
)


def today() -> date:
    return timezone.localdate(timezone=INDIA)


def visible_accounts(viewer: Viewer) -> QuerySet[ReceivingAccount]:
    """Operators see those of their mode; nobody else sees any. Those in use first."""
    rows = ReceivingAccount.objects.filter(mode=viewer.mode)
    return rows.order_by("-active", "bank_name", "vpa") if viewer.user.is_operator else rows.none()


def used_on(day: date, mode: str, vpas: Iterable[str]) -> dict[str, int]:
    """Paise that the payments made on `day` took of each account's limit; accounts without any are left out."""
    start = datetime.combine(day, time.min, tzinfo=INDIA)
    rows = Payment.objects.filter(
        mode=mode, receiving_account__in=list(vpas), created_at__gte=start, created_at__lt=start + timedelta(days=1)
    )
    sums = rows.order_by().values_list("receiving_account").annotate(used=ExactSum(_SHARE, default=0))
    return dict(sums)


@dataclass(frozen=True, slots=True)
class DayUse:
    """One account and what today has taken of it."""

    account: ReceivingAccount
    used_minor: int

    @property
    def left_minor(self) -> int | None:
        limit = self.account.daily_limit_minor
        return None if limit is None else max(limit - self.used_minor, 0)

    @property
    def percent(self) -> int | None:
        limit = self.account.daily_limit_minor
        return None if limit is None else min(100, 100 * self.used_minor // limit)


def todays_use(accounts: Iterable[ReceivingAccount]) -> list[DayUse]:
    rows = list(accounts)
    used = used_on(today(), rows[0].mode, [row.vpa for row in rows]) if rows else {}
    return [DayUse(row, used.get(row.vpa, 0)) for row in rows]


def account_of(payment: Payment) -> ReceivingAccount | None:
    """The account that this payment's page shows; None for the sandbox's and for cards."""
    if not payment.receiving_account:
        return None
    return ReceivingAccount.objects.filter(mode=payment.mode, vpa=payment.receiving_account).first()


def bank_name_of(payment: Payment) -> str | None:
    """The bank that received, or will receive, the money of a payment; None where that is not an account of ours."""
    account = account_of(payment)
    return account.bank_name if account else None


def payee_of(payment: Payment) -> str:
    """Whom the payer's app should name: the account's holder, in the sandbox the merchant."""
    account = account_of(payment)
    return account.holder if account else payment.merchant.name
