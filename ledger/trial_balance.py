"""The trial balance: every account of a mode by currency, debits beside credits, now or at any past moment.

A positive balance is a credit (owed to a merchant, earned, collected for the state), a negative one a debit (money
held elsewhere, spent). Both columns of a currency have the same total, or the books are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from accounts.actors import Viewer
from accounts.models import Role
from gateway.lib.errors import NotAllowed
from ledger.balances import balances
from ledger.models import LedgerAccount
from ledger.queries import visible_accounts


@dataclass(slots=True)
class TrialLine:
    """One account of the house, or all merchants' accounts of one kind (and network) together."""

    kind: str
    label: str
    counterparty: str
    network: str
    of_merchants: bool
    account_id: int | None
    balance: int = 0
    accounts: int = 0

    @property
    def debit(self) -> int:
        return max(-self.balance, 0)

    @property
    def credit(self) -> int:
        return max(self.balance, 0)


@dataclass(slots=True)
class TrialBalance:
    """One currency, in minor units."""

    currency: str
    lines: list[TrialLine] = field(default_factory=list)

    @property
    def debit(self) -> int:
        return sum(line.debit for line in self.lines)

    @property
    def credit(self) -> int:
        return sum(line.credit for line in self.lines)

    @property
    def difference(self) -> int:
        return self.credit - self.debit


def trial_balances(viewer: Viewer, moment: datetime | None = None) -> list[TrialBalance]:
    """By currency, INR first. For super admins: the part that others may see sums to nothing in particular."""
    if viewer.user.role != Role.SUPER_ADMIN:
        raise NotAllowed()
    lines: dict[tuple[str, str], TrialLine] = {}
    found: dict[str, TrialBalance] = {}
    for account, balance in balances(visible_accounts(viewer), moment):
        key = account.currency, _key(account)
        if key not in lines:
            lines[key] = _line(account)
            found.setdefault(account.currency, TrialBalance(account.currency)).lines.append(lines[key])
        lines[key].balance += balance
        lines[key].accounts += 1
    for table in found.values():
        table.lines.sort(key=_order)
    return sorted(found.values(), key=lambda table: (table.currency != "INR", table.currency))


def _key(account: LedgerAccount) -> str:
    return account.code if account.merchant_id is None else f"merchants/{account.network}/{account.kind}"


def _line(account: LedgerAccount) -> TrialLine:
    ours = account.merchant_id is None
    return TrialLine(
        kind=account.kind, label=account.get_kind_display(), counterparty=account.counterparty,
        network=account.network, of_merchants=not ours, account_id=account.pk if ours else None,
    )


_KINDS = LedgerAccount.Kind.values


def _order(line: TrialLine) -> tuple[bool, int, str, str]:
    return not line.of_merchants, _KINDS.index(line.kind), line.network, line.counterparty
