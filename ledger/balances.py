"""Balances of accounts, now or at any past moment, in one statement: what is read together was true together.

A merchant's account carries its balance, and each of its entries the balance after it. A house account's is what was
rolled up and what came since; at a past moment, from whichever end of its history is nearer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from gateway.lib.sums import ExactSum
from ledger.models import Entry, LedgerAccount
from ledger.moments import Border, border

_THROUGH: Any = Coalesce(OuterRef("rolled__through_id"), 0)


def balances(accounts: QuerySet[LedgerAccount], moment: datetime | None = None) -> list[tuple[LedgerAccount, int]]:
    """Each of `accounts` with its balance; with `moment` as it stood then, entries of that very instant included."""
    rows = _now(accounts) if moment is None else _then(accounts, border(Entry, moment))
    return [(row, _balance(row, moment)) for row in rows]


def balance(account: LedgerAccount) -> int:
    return _only(account, None)


def balance_at(account: LedgerAccount, moment: datetime) -> int:
    return _only(account, moment)


def balance_through(account: LedgerAccount, entry_id: int) -> int:
    """A house account's balance after one of its entries, of which only merchants' accounts keep note."""
    rows = _house(LedgerAccount.objects.filter(pk=account.pk), entry_id, entry_id, Q())
    return _summed(rows.get())


def _only(account: LedgerAccount, moment: datetime | None) -> int:
    return balances(LedgerAccount.objects.filter(pk=account.pk), moment)[0][1]


def _now(accounts: QuerySet[LedgerAccount]) -> Iterable[LedgerAccount]:
    house = Q(account__merchant__isnull=True, id__gt=_THROUGH)
    return accounts.annotate(base=Coalesce(F("rolled__balance"), 0), plus=_sum(house))


def _then(accounts: QuerySet[LedgerAccount], at: Border) -> Iterable[LedgerAccount]:
    # A range of one, and the order to match: by equality PostgreSQL walks back over everybody's entries for those of
    # an account that has few.
    own = Entry.objects.filter(account__gte=OuterRef("pk"), account__lte=OuterRef("pk"))
    entries = own.filter(id__lte=at.high, created_at__lte=at.moment)
    carried = entries.order_by("-account_id", "-id").values("balance_after")[:1]
    return _house(accounts, at.low, at.high, Q(created_at__lte=at.moment)).annotate(carried=Subquery(carried))


def _house(accounts: QuerySet[LedgerAccount], low: int, high: int, edge: Q) -> QuerySet[LedgerAccount]:
    """What house accounts had after entry `low`, and of the entries up to `high` those that pass `edge`."""
    house, last = Q(account__merchant__isnull=True), Entry.objects.order_by("-id").values_list("id", flat=True).first()
    within = _sum(house & Q(id__gt=low, id__lte=high) & edge)
    if low * 2 < (last or 0):
        return accounts.annotate(base=Value(0), plus=_sum(house & Q(id__lte=low)), edge=within)
    return accounts.annotate(
        base=Coalesce(F("rolled__balance"), 0), plus=_sum(house & Q(id__gt=_THROUGH, id__lte=low)),
        minus=_sum(house & Q(id__gt=low, id__lte=_THROUGH)), edge=within,
    )


def _sum(which: Q) -> Subquery:
    rows = Entry.objects.filter(which, account=OuterRef("pk")).order_by().values("account")
    return Subquery(rows.annotate(total=ExactSum("amount")).values("total"), output_field=BigIntegerField())


def _balance(row: LedgerAccount, moment: datetime | None) -> int:
    if row.merchant_id is None:
        return _summed(row)
    return row.balance if moment is None else int(getattr(row, "carried", 0) or 0)


def _summed(row: LedgerAccount) -> int:
    parts = (getattr(row, name, None) or 0 for name in ("base", "plus", "edge"))
    return sum(map(int, parts)) - int(getattr(row, "minus", None) or 0)
