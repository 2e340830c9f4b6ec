"""What is the house's own of the money on a chain, by the books: fees earned, coins brought, tokens bought with rupees,
less the gas spent and what the house has taken out (`capital` is what it brought less what it took).

Not the house's: the tax that it collected, tokens of a withdrawal in rupees whose payout may still fail, and what it is
about to take out already. Never more than custody holds beyond what merchants own.
"""

from __future__ import annotations

from django.db import transaction

from crypto import accounts
from crypto.models import HotWallet, Network, Withdrawal
from gateway.lib.errors import NotFound
from ledger.balances import balances
from ledger.models import LedgerAccount

_KIND = LedgerAccount.Kind
_OWN = (_KIND.FEES, _KIND.CAPITAL, _KIND.EXCHANGE, _KIND.GAS)


def lock_house(network: Network, mode: str) -> HotWallet:
    """One at a time decides about the house's own coins of a network. Raises `NotFound` before a signer was there."""
    assert transaction.get_connection().in_atomic_block
    wallet = HotWallet.objects.select_for_update(no_key=True).filter(network=network, mode=mode).first()
    if wallet is None:
        raise NotFound()
    return wallet


def own_minor(network: Network, mode: str, currency: str) -> int:
    """In the ledger's units; below zero where more was spent than was ever recorded."""
    rows = balances(LedgerAccount.objects.filter(mode=mode, currency=currency, network=network.code))
    custody = accounts.custody(mode, currency, network.code).code
    held = -sum(minor for row, minor in rows if row.code == custody)
    merchants = sum(minor for row, minor in rows if row.merchant_id is not None)
    tax = sum(minor for row, minor in rows if row.merchant_id is None and row.kind == _KIND.TAX)
    own = sum(minor for row, minor in rows if row.merchant_id is None and row.kind in _OWN)
    return min(own, held - merchants - tax) - _undecided(network, mode, currency)


def _undecided(network: Network, mode: str, currency: str) -> int:
    """Bought with rupees that may come back: then the tokens are the merchants' again, the fee included."""
    rows = Withdrawal.objects.filter(
        method=Withdrawal.Method.FIAT, status=Withdrawal.Status.PROCESSING, mode=mode, currency=currency
    )
    return sum(held.get(network.code, 0) for held in rows.values_list("held", flat=True))
