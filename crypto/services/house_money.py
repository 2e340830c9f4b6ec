"""What is the house's own of the money on a chain, by the books: fees earned, coins brought, tokens bought with rupees,
less the gas spent, losses borne and what the house has taken out (`capital` is what it brought less what it took).

Not the house's: the tax that it collected, tokens of a withdrawal in rupees whose payout may still fail, and what it is
about to take out already. Never more than custody holds beyond what merchants own.
"""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from crypto.models import HotWallet, HouseWithdrawal, Network, Withdrawal
from gateway.lib.errors import NotFound
from gateway.lib.sums import ExactSum
from ledger.balances import balances
from ledger.models import LedgerAccount

_KIND = LedgerAccount.Kind
_OWN = (_KIND.FEES, _KIND.CAPITAL, _KIND.EXCHANGE, _KIND.GAS, _KIND.LOSSES)
OPEN = (HouseWithdrawal.Status.PENDING, HouseWithdrawal.Status.PROCESSING)
Coin = tuple[str, str]  # network, currency


def lock_house(network: Network, mode: str) -> HotWallet:
    """One at a time decides about the house's own coins of a network. Raises `NotFound` before a signer was there."""
    assert transaction.get_connection().in_atomic_block
    wallet = HotWallet.objects.select_for_update(no_key=True).filter(network=network, mode=mode).first()
    if wallet is None:
        raise NotFound()
    return wallet


def own_minor(network: Network, mode: str, currency: str) -> int:
    """In the ledger's units; below zero where more was spent than was ever recorded."""
    return own_coins(mode, network=network.code, currency=currency)[network.code, currency]


def own_coins(mode: str, **only: str) -> Counter[Coin]:
    """By network and currency. `only` narrows both.

    Meanwhile withdrawals end, without the house's lock. What is promised is read before what is booked, and what was
    bought both before and after: so whatever comes between makes this too little, never too much.
    """
    promised, bought = _promised(mode), _undecided(mode)
    merchants = _merchants(mode, only)
    own, beyond = _house(mode, only)
    bought |= _undecided(mode)
    undecided: Counter[Coin] = Counter()
    for currency, held in bought.values():
        undecided.update({(network, currency): minor for network, minor in held.items()})
    return Counter({
        coin: min(own[coin], beyond[coin] - merchants[coin]) - promised[coin] - undecided[coin]
        for coin in {*own, *promised, *undecided}
    })


def _house(mode: str, only: dict[str, str]) -> tuple[Counter[Coin], Counter[Coin]]:
    """What the house's accounts say, and what is in custody beyond the tax."""
    own: Counter[Coin] = Counter()
    beyond: Counter[Coin] = Counter()
    rows = LedgerAccount.objects.filter(merchant__isnull=True, mode=mode, **only).exclude(network="")
    for row, minor in balances(rows):
        coin = (row.network, row.currency)
        own[coin] += minor if row.kind in _OWN else 0
        beyond[coin] -= minor if row.kind == _KIND.TAX or row.counterparty == "custody" else 0
    return own, beyond


def _merchants(mode: str, only: dict[str, str]) -> Counter[Coin]:
    rows = LedgerAccount.objects.filter(merchant__isnull=False, mode=mode, **only).exclude(network="")
    sums = rows.order_by().values_list("network", "currency").annotate(total=ExactSum("balance"))
    return Counter({(network, currency): int(total or 0) for network, currency, total in sums})


def _promised(mode: str) -> Counter[Coin]:
    """What the house is about to take out."""
    rows = HouseWithdrawal.objects.filter(mode=mode, status__in=OPEN)
    found: Counter[Coin] = Counter()
    for network, currency, minor in rows.values_list("network_id", "currency", "amount_minor"):
        found[network, currency] += minor
    return found


def _undecided(mode: str) -> dict[int, tuple[str, dict[str, int]]]:
    """Bought with rupees that may come back: then the tokens are the merchants' again, the fee included."""
    Method, Status = Withdrawal.Method, Withdrawal.Status
    rows = Withdrawal.objects.filter(method=Method.FIAT, status=Status.PROCESSING, mode=mode)
    return {pk: (currency, held) for pk, currency, held in rows.values_list("pk", "currency", "held")}
