"""What a token is worth in US dollars: one table, `CRYPTO_USD_RATES`, for every figure that says so.

For showing only: nothing is booked or paid by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings

from gateway.lib.money import PLACES

CURRENCIES = ("USDT", "USDC")


def usd_value(minor: int, currency: str) -> Decimal:
    """Dollars and cents of `minor` units, rounded half up. A currency without a rate counts as 1.00."""
    return _cents(_dollars(minor, currency))


def usd_total(amounts: Mapping[str, int]) -> Decimal:
    """Dollars and cents of several currencies together, rounded once."""
    return _cents(sum((_dollars(minor, currency) for currency, minor in amounts.items()), Decimal(0)))


def _dollars(minor: int, currency: str) -> Decimal:
    cents: int = settings.CRYPTO_USD_RATES.get(currency, 100)
    return Decimal(minor).scaleb(-PLACES[currency]) * cents / 100


def _cents(dollars: Decimal) -> Decimal:
    return dollars.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
