"""What is answered about balances, earnings and networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict, cast

from django.utils import timezone

from accounts.actors import Viewer
from crypto.chains.registry import enabled_networks, known_tokens
from crypto.queries import hot_wallet
from crypto.queries.balances import (
    CurrencyBalance,
    NetworkBalance,
    available,
    by_network,
    calendar,
    credited,
    pending_by_currency,
)
from crypto.queries.withdrawals import visible_withdrawals, withdrawal_totals
from crypto.rates import usd_total, usd_value
from gateway.contracts.dashboard.answers.kinds import Amount, Currency, Dollars, Network, Timestamp
from gateway.contracts.dashboard.words import amount, maybe, timestamp


class NetworkAmount(TypedDict):
    network: Network
    amount: Amount


class CurrencyAmount(TypedDict):
    currency: Currency
    amount: Amount
    usd_value: Dollars
    networks: list[NetworkAmount]


class AvailableBalance(TypedDict):
    amount: Amount
    usd_value: Dollars
    breakdown: list[CurrencyAmount]


class PendingBalance(TypedDict):
    amount: Amount
    usd_value: Dollars
    description: Literal["Awaiting blockchain confirmations"]


class TotalEarnings(TypedDict):
    """Credited, before the platform's fees."""

    all_time: Amount
    this_month: Amount
    this_week: Amount
    today: Amount


class AllAndMonth(TypedDict):
    all_time: Amount
    this_month: Amount


class CryptoBalanceBody(TypedDict):
    """Days, weeks (from Monday) and months are UTC's."""

    available_balance: AvailableBalance
    pending_balance: PendingBalance
    total_earnings: TotalEarnings
    total_withdrawn: AllAndMonth
    platform_fees_paid: AllAndMonth
    last_updated: Timestamp


class NetworkCurrency(TypedDict):
    currency: Currency
    balance: Amount
    addresses_count: int
    addresses_with_balance: int


class NetworkBalanceBody(TypedDict):
    network: Network
    total_balance: Amount
    currencies: list[NetworkCurrency]
    hot_wallet: str | None
    total_swept: Amount
    last_sweep: Timestamp | None


class NetworksBody(TypedDict):
    networks: list[NetworkBalanceBody]


def crypto_balance(viewer: Viewer) -> CryptoBalanceBody:
    starts = calendar()
    earned = credited(viewer, {"all_time": None, **starts})
    withdrawn = withdrawal_totals(visible_withdrawals(viewer), starts["this_month"])
    return {
        "available_balance": _available(available(viewer)),
        "pending_balance": _pending(pending_by_currency(viewer)),
        "total_earnings": {
            "all_time": amount(earned["all_time"].gross_minor),
            "this_month": amount(earned["this_month"].gross_minor),
            "this_week": amount(earned["this_week"].gross_minor),
            "today": amount(earned["today"].gross_minor),
        },
        "total_withdrawn": {
            "all_time": amount(withdrawn.completed_minor), "this_month": amount(withdrawn.completed_since_minor),
        },
        "platform_fees_paid": {
            "all_time": amount(earned["all_time"].fee_minor), "this_month": amount(earned["this_month"].fee_minor),
        },
        "last_updated": timestamp(timezone.now()),
    }


def _available(balances: list[CurrencyBalance]) -> AvailableBalance:
    return {
        "amount": amount(sum(row.minor for row in balances)),
        "usd_value": cast(float, usd_total({row.currency: row.minor for row in balances})),
        "breakdown": [
            {
                "currency": cast(Currency, row.currency),
                "amount": amount(row.minor),
                "usd_value": cast(float, usd_value(row.minor, row.currency)),
                "networks": [
                    {"network": cast(Network, network), "amount": amount(minor)}
                    for network, minor in row.networks.items()
                ],
            }
            for row in balances
        ],
    }


def _pending(sums: Mapping[str, int]) -> PendingBalance:
    return {
        "amount": amount(sum(sums.values())),
        "usd_value": cast(float, usd_total(sums)),
        "description": "Awaiting blockchain confirmations",
    }


def networks(viewer: Viewer) -> NetworksBody:
    """Every network that is on, in the order of the contract."""
    on = {
        network.code: [token.currency for token in known_tokens(network, viewer.mode)]
        for network in enabled_networks(viewer.mode)
    }
    return {"networks": [_network(row, viewer.mode) for row in by_network(viewer, on)]}


def _network(row: NetworkBalance, mode: str) -> NetworkBalanceBody:
    return {
        "network": cast(Network, row.network),
        "total_balance": amount(sum(row.balances.values())),
        "currencies": [
            {
                "currency": cast(Currency, currency),
                "balance": amount(minor),
                "addresses_count": row.addresses[currency],
                "addresses_with_balance": row.with_balance[currency],
            }
            for currency, minor in row.balances.items()
        ],
        "hot_wallet": hot_wallet(row.network, mode) or None,
        "total_swept": amount(row.swept_minor),
        "last_sweep": maybe(row.last_sweep),
    }
