"""A merchant's statement: what it had, each movement in a period, and what it had then.

Opening and closing balance come from the ledger at those moments, the movements from its entries in between: that
opening + movements = closing is not arranged but found, and `agrees` says whether it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import Merchant
from gateway.lib.errors import InvalidFields
from ledger import moments
from ledger.balances import balances
from ledger.models import Entry, LedgerAccount

MAX_MOVEMENTS = 20_000
_INSTANT = timedelta(microseconds=1)
# What was booked just before the end may be committed while it is read, between the movements and the closing balance.
_READS = 3
_PARTS = (LedgerAccount.Kind.FEES, LedgerAccount.Kind.TAX)


@dataclass(frozen=True, slots=True)
class Movement:
    """What one posting did to the balance, in minor units. `fee_minor` and `tax_minor` (GST) are in it already."""

    posting_id: int
    at: datetime
    kind: str
    reference: str
    amount: int
    balance: int
    fee_minor: int = 0
    tax_minor: int = 0

    @property
    def debit(self) -> int:
        return max(-self.amount, 0)

    @property
    def credit(self) -> int:
        return max(self.amount, 0)


@dataclass(frozen=True, slots=True)
class Statement:
    """From `start` to just before `end`. `ledger_closing` is what the ledger itself says of that moment."""

    merchant: Merchant
    mode: str
    currency: str
    kind: str
    start: datetime
    end: datetime
    opening: int
    movements: list[Movement]
    ledger_closing: int

    @property
    def closing(self) -> int:
        return self.movements[-1].balance if self.movements else self.opening

    @property
    def agrees(self) -> bool:
        return self.closing == self.ledger_closing

    @property
    def debit(self) -> int:
        return sum(row.debit for row in self.movements)

    @property
    def credit(self) -> int:
        return sum(row.credit for row in self.movements)

    @property
    def fee_minor(self) -> int:
        return sum(row.fee_minor for row in self.movements)

    @property
    def tax_minor(self) -> int:
        return sum(row.tax_minor for row in self.movements)


def statement(
    *, merchant: Merchant, mode: str, currency: str, start: datetime, end: datetime, kind: str = "", network: str = ""
) -> Statement:
    """The statement of all that the merchant has in `currency`, or only of one `kind` (available, …) or `network`.

    Of all together, a hold and its release move nothing and are left out. An `end` in the future is now. Raises
    `InvalidFields` (end) for a period turned round, or one of more than `MAX_MOVEMENTS`.
    """
    end = min(end, timezone.now())
    if start >= end:
        raise InvalidFields(end="must be after the start, which must have passed")
    accounts = _accounts(merchant, mode, currency, kind, network)
    for _ in range(_READS):
        opening = _total(accounts, start - _INSTANT)
        movements, closing = _movements(accounts, opening, start, end), _total(accounts, end - _INSTANT)
        found = Statement(merchant, mode, currency, kind, start, end, opening, movements, ledger_closing=closing)
        if found.agrees:
            break
    return found


def _accounts(merchant: Merchant, mode: str, currency: str, kind: str, network: str) -> QuerySet[LedgerAccount]:
    rows = LedgerAccount.objects.filter(merchant=merchant, mode=mode, currency=currency)
    rows = rows.filter(kind=kind) if kind else rows
    return rows.filter(network=network) if network else rows


def _total(accounts: QuerySet[LedgerAccount], moment: datetime) -> int:
    return sum(balance for _, balance in balances(accounts, moment))


def _movements(accounts: QuerySet[LedgerAccount], opening: int, start: datetime, end: datetime) -> list[Movement]:
    entries = Entry.objects.filter(account_id__in=list(accounts.values_list("pk", flat=True)))
    entries = moments.before(moments.since(entries, start), end)
    nets = entries.values("posting_id", "posting__kind", "posting__reference", "created_at").annotate(net=Sum("amount"))
    rows = list(nets.exclude(net=0).order_by("created_at", "posting_id")[: MAX_MOVEMENTS + 1])
    if len(rows) > MAX_MOVEMENTS:
        raise InvalidFields(end=f"there are more than {MAX_MOVEMENTS:,} movements in it: choose a shorter period")
    currency = accounts.values_list("currency", flat=True).first() or ""
    return _with_balances(rows, _charges([row["posting_id"] for row in rows], currency), opening)


def _with_balances(rows: list[Any], charges: dict[int, dict[str, int]], opening: int) -> list[Movement]:
    movements, balance = [], opening
    for row in rows:
        balance += int(row["net"])
        parts = charges.get(row["posting_id"], {})
        movements.append(Movement(
            row["posting_id"], row["created_at"], row["posting__kind"], row["posting__reference"], int(row["net"]),
            balance, parts.get("fees", 0), parts.get("tax", 0),
        ))
    return movements


def _charges(postings: list[int], currency: str) -> dict[int, dict[str, int]]:
    """What went to the house's fee and tax accounts, by posting."""
    found: dict[int, dict[str, int]] = {}
    for some in _in_batches(postings, 1000):
        rows = Entry.objects.filter(posting_id__in=some, account__kind__in=_PARTS, account__currency=currency)
        for posting, kind, amount in rows.values_list("posting_id", "account__kind", "amount"):
            parts = found.setdefault(posting, {})
            parts[kind] = parts.get(kind, 0) + amount
    return found


def _in_batches(ids: list[int], size: int) -> list[list[int]]:
    return [ids[at : at + size] for at in range(0, len(ids), size)]
