"""How this contract writes moments and amounts; the only place that knows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from gateway.lib.money import Money

NETWORKS = ("BSC", "ETH", "POL", "TRX", "SOL")
CURRENCIES = ("USDT", "USDC")


def timestamp(moment: datetime) -> str:
    """`2026-01-30T18:10:23Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def maybe(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


def amount(minor: int) -> str:
    """Eight places: `100.00000000`."""
    return f"{Decimal(minor).scaleb(-8):.8f}"


def number(minor: int, currency: str) -> int | float | Decimal:
    """A session's amounts are numbers, with every digit."""
    return Money(minor, currency).exact_number


def native(minor: int) -> str:
    """Coins that pay for gas, kept in nine places: eight of them, and the ninth where it says something."""
    text = f"{Decimal(minor).scaleb(-9):.9f}"
    return text[:-1] if text.endswith("0") else text


def short(minor: int) -> str:
    """At least two places: `100.00`, `0.125`."""
    whole, _, fraction = amount(minor).partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def percent(part: int, whole: int) -> float:
    """Two places, rounded half up; 0 of nothing is 0."""
    return (20_000 * part + whole) // (2 * whole) / 100 if whole else 0.0
