"""The ledger's accounts for crypto, each named once. Merchants' balances and the custody behind them are per network.

`custody` mirrors what this gateway's addresses and hot wallet hold on that chain together, and is negative as every
clearing account: a deposit makes it more so, a withdrawal less. Sweeps move nothing in it, since both ends are ours.
Native coins (gas) are kept in 9 places: `custody` against `capital` when the house brings some, against `gas` when
the chain takes a fee. `losses` is what the house bore of credits that were taken back, and is negative.
"""

from __future__ import annotations

from ledger.accounts import AccountKey, house_account, merchant_account


def available(merchant_id: int, mode: str, currency: str, network: str) -> AccountKey:
    return merchant_account(merchant_id, mode, currency, "available", network)


def reserved(merchant_id: int, mode: str, currency: str, network: str) -> AccountKey:
    return merchant_account(merchant_id, mode, currency, "reserved", network)


def custody(mode: str, currency: str, network: str) -> AccountKey:
    return house_account(mode, currency, "clearing", "custody", network)


def fees(mode: str, currency: str, network: str) -> AccountKey:
    return house_account(mode, currency, "fees", network=network)


def tax(mode: str, currency: str, network: str) -> AccountKey:
    return house_account(mode, currency, "tax", network=network)


def gas(mode: str, native: str, network: str) -> AccountKey:
    return house_account(mode, native, "gas", network=network)


def capital(mode: str, currency: str, network: str) -> AccountKey:
    return house_account(mode, currency, "capital", network=network)


def losses(mode: str, currency: str, network: str) -> AccountKey:
    return house_account(mode, currency, "losses", network=network)
