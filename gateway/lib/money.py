"""Money is an integer of minor units and a currency; Decimal appears only at the edge, float nowhere.

`Money(150_00, "INR")` is ₹150.00. INR has 2 places, USDT and USDC have 8, the coins that pay for gas 9. Amounts from
outside pass one strict ASCII grammar (`parse_amount`); whatever it does not take is refused, never rounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

PLACES = {"INR": 2, "USDT": 8, "USDC": 8, "BNB": 9, "ETH": 9, "POL": 9, "TRX": 9, "SOL": 9}
FIAT = ("INR",)
# 15 digits before the point, as the contracts say. With 8 places that is more than a bigint holds, so the sum is
# bounded too, at half of a bigint: an amount and its charge still fit together.
MAX_MINOR = 2**62
_GRAMMAR = re.compile(r"(0|[1-9][0-9]{0,14})(?:\.([0-9]+))?", re.ASCII)


class InvalidAmount(ValueError):
    """The text is no amount of this currency; the message says why, in words for a merchant."""


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units (paise, or 10⁻⁸ of a token) of `currency`."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in PLACES:
            raise InvalidAmount(f"unknown currency {self.currency!r}")

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return other.minor

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, with all of its currency's places: `Decimal("5.90")`."""
        return Decimal(self.minor).scaleb(-PLACES[self.currency])

    @property
    def number(self) -> int | float:
        """For JSON contracts that show rupees as a number: `5000`, `5.9`. Exact up to 15 digits."""
        whole, rest = divmod(abs(self.minor), 10 ** PLACES[self.currency])
        sign = -1 if self.minor < 0 else 1
        return sign * whole if rest == 0 else float(self.decimal)

    @property
    def exact_number(self) -> int | float | Decimal:
        """As `number`, and a `Decimal` where a float would not show every digit (`strict_json.dumps` writes it)."""
        text = repr(self.number)
        return self.number if "e" not in text and Decimal(text) == self.decimal else self.decimal

    def __str__(self) -> str:
        return f"{self.decimal:f}"


def parse_amount(value: object, currency: str) -> Money:
    """Reads a positive amount in major units from a JSON number (int, or `JsonNumber`) or a plain string.

    Raises `InvalidAmount` for everything outside `123` / `123.45`: signs, exponents, separators, spaces, other
    scripts' digits, booleans, too many places, zero, more than 15 digits before the point.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InvalidAmount("must be a number")
    match = _GRAMMAR.fullmatch(str(value)) if _short(value) else None
    if match is None:
        raise InvalidAmount("must be a plain positive number such as 500 or 499.50")
    whole, fraction = match[1], match[2] or ""
    places = PLACES[currency]
    if len(fraction) > places:
        raise InvalidAmount(f"must have at most {places} decimal places")
    minor = int(whole + fraction.ljust(places, "0"))
    if minor <= 0:
        raise InvalidAmount("must be greater than zero")
    if minor > MAX_MINOR:
        raise InvalidAmount("is too large")
    return Money(minor, currency)


def _short(value: int | str) -> bool:
    """Guards `str(int)`, which Python refuses above 4,300 digits."""
    return len(value) <= 40 if isinstance(value, str) else abs(value) < 10**40


def percent_of(minor: int, basis_points: int) -> int:
    """`basis_points` hundredths of a percent of `minor`, rounded half up to a whole minor unit."""
    share = Decimal(minor) * basis_points / 10_000
    return int(share.quantize(Decimal(1), rounding=ROUND_HALF_UP))
