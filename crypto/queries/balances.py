"""A merchant's crypto money: what the ledger owes it, per currency and network, and what is still on its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q
from django.utils import timezone

from accounts.actors import Viewer, team_merchants
from accounts.models import Role
from crypto.models import Sweep
from crypto.queries.addresses import sweeps_of, visible_addresses
from crypto.queries.figures import credited_since
from crypto.queries.transactions import Status, Type, visible_transactions
from crypto.rates import CURRENCIES
from gateway.lib.sums import ExactSum
from ledger.queries import wallets


@dataclass(slots=True)
class CurrencyBalance:
    """Minor units that may be withdrawn, per network, the largest first."""

    currency: str
    networks: dict[str, int] = field(default_factory=dict)

    @property
    def minor(self) -> int:
        return sum(self.networks.values())


@dataclass(frozen=True, slots=True)
class Since:
    """Credited from a moment on: minor units before the fee, and the fee (tax included)."""

    gross_minor: int
    fee_minor: int

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.fee_minor


def available(viewer: Viewer) -> list[CurrencyBalance]:
    """One for each currency, from the ledger."""
    found = {currency: CurrencyBalance(currency) for currency in CURRENCIES}
    if viewer.user.role == Role.API_USER:
        return list(found.values())
    own = [merchant.pk for merchant in team_merchants(viewer.user)]
    for wallet in sorted(wallets(merchant_ids=own, mode=viewer.mode), key=lambda row: -row.available_minor):
        if wallet.currency in found and wallet.available_minor:
            found[wallet.currency].networks[wallet.network] = wallet.available_minor
    return list(found.values())


def pending_by_currency(viewer: Viewer) -> dict[str, int]:
    """Transfers that are in a block and not yet deep enough, before the fee."""
    rows = visible_transactions(viewer).filter(type=Type.INCOMING, status=Status.PENDING)
    sums = rows.order_by().values_list("currency").annotate(total=ExactSum("amount_minor"))
    return {currency: int(total or 0) for currency, total in sums}


def credited(viewer: Viewer, starts: dict[str, datetime | None]) -> dict[str, Since]:
    """What was credited since each of several midnights (None: ever)."""
    return {name: Since(*credited_since(viewer, start)) for name, start in starts.items()}


def calendar(now: datetime | None = None) -> dict[str, datetime]:
    """When today, this week (from Monday) and this month began, in UTC."""
    today = (now or timezone.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "today": today, "this_week": today - timedelta(days=today.weekday()), "this_month": today.replace(day=1)
    }


@dataclass(slots=True)
class NetworkBalance:
    """Minor units per currency from the ledger, and the addresses behind them."""

    network: str
    balances: dict[str, int]
    addresses: dict[str, int]
    with_balance: dict[str, int]
    swept_minor: int = 0
    last_sweep: datetime | None = None


def by_network(viewer: Viewer, networks: dict[str, list[str]]) -> list[NetworkBalance]:
    """One for each network of `networks`, which names the currencies on each."""
    balances = {balance.currency: balance.networks for balance in available(viewer)}
    made = {
        code: NetworkBalance(
            code, {currency: balances.get(currency, {}).get(code, 0) for currency in currencies},
            dict.fromkeys(currencies, 0), dict.fromkeys(currencies, 0),
        )
        for code, currencies in networks.items()
    }
    rows = visible_addresses(viewer).order_by().values_list("network", "own_currency")
    for code, currency, count, filled in rows.annotate(
        count=Count("pk"), filled=Count("pk", filter=Q(own_held__gt=0))
    ):
        if code in made and currency in made[code].addresses:
            made[code].addresses[currency], made[code].with_balance[currency] = count, filled
    swept = sweeps_of(viewer).filter(status=Sweep.Status.SWEPT).order_by().values_list("token__network")
    for code, total, last in swept.annotate(total=ExactSum("amount_minor"), last=Max("swept_at")):
        if code in made:
            made[code].swept_minor, made[code].last_sweep = int(total or 0), last
    return list(made.values())
