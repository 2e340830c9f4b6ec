"""Card details in the moment between the payer's form and the provider's token.

`CardDetails` cannot be printed, pickled or stored by accident; `check` returns the few facts that may be kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import NoReturn

from gateway.lib.errors import InvalidFields
from gateway.lib.secrets import digest

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
# Brand, prefix, lengths. The first that matches counts, so narrow ranges stand before wide ones.
_BRANDS: tuple[tuple[str, re.Pattern[str], tuple[int, ...]], ...] = (
    ("visa", re.compile(r"4"), (13, 16, 19)),
    ("mastercard", re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    ("amex", re.compile(r"3[47]"), (15,)),
    ("discover", re.compile(r"6011|64[4-9]"), (16,)),
    ("rupay", re.compile(r"508[5-9]|60|65|81|82"), (16,)),
    ("diners", re.compile(r"30[0-5]|36|3[89]"), (14, 16)),
    ("jcb", re.compile(r"35"), (16,)),
    ("maestro", re.compile(r"5018|5020|5038|5893|6304|6759|676[1-3]"), (12, 13, 14, 15, 16, 17, 18, 19)),
)
_YEARS_AHEAD = 20


class CardDetails:
    """As the payer typed them; `month`, `year` and `number` may be text or integers."""

    __slots__ = ("cvv", "month", "name", "number", "year")

    def __init__(self, number: str | int, month: str | int, year: str | int, cvv: str | int, name: str = "") -> None:
        self.number = re.sub(r"[ -]", "", str(number)[:40])
        self.month, self.year, self.cvv = str(month)[:8].strip(), str(year)[:8].strip(), str(cvv)[:8].strip()
        self.name = name.strip()

    def __repr__(self) -> str:
        return "CardDetails(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Card details are never serialised.")


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What may be kept of a card: `expiry` as 2027-04, `fingerprint` tells the same card again, by our key only."""

    brand: str
    last_four: str
    expiry: str
    fingerprint: str


def check(card: CardDetails, *, today: date) -> CardFacts:
    """Raises `InvalidFields` that names each bad field: number, month, year, cvv, name."""
    brand = _brand(card.number)
    problems = {
        "number": _number_problem(card.number, brand),
        "cvv": _cvv_problem(card.cvv, brand),
        "name": "must have at most 120 characters" if len(card.name) > 120 else "",
    } | _expiry_problems(card, today)
    bad = {field: problem for field, problem in problems.items() if problem}
    if bad:
        raise InvalidFields(**bad)
    expiry = f"{_full_year(card.year)}-{int(card.month):02d}"
    return CardFacts(brand, card.number[-4:], expiry, digest(card.number, purpose="card"))


def _brand(number: str) -> str:
    return next((name for name, prefix, _ in _BRANDS if prefix.match(number)), "")


def _number_problem(number: str, brand: str) -> str:
    if not _DIGITS.fullmatch(number):
        return "must be the digits of a card number"
    lengths = next((lengths for name, _, lengths in _BRANDS if name == brand), ())
    if not brand:
        return "is not of a card brand that is accepted"
    return "" if len(number) in lengths and luhn(number) else "is not a valid card number"


def luhn(number: str) -> bool:
    doubled = [int(digit) * 2 for digit in number[-2::-2]]
    rest = sum(int(digit) for digit in number[-1::-2])
    return (sum(value - 9 if value > 9 else value for value in doubled) + rest) % 10 == 0


def _cvv_problem(cvv: str, brand: str) -> str:
    length = 4 if brand == "amex" else 3
    return "" if _DIGITS.fullmatch(cvv) and len(cvv) == length else f"must have {length} digits"


def _expiry_problems(card: CardDetails, today: date) -> dict[str, str]:
    month_ok = bool(_DIGITS.fullmatch(card.month)) and len(card.month) <= 2 and 1 <= int(card.month) <= 12
    year_ok = bool(_DIGITS.fullmatch(card.year)) and len(card.year) in (2, 4)
    problems = {
        "month": "" if month_ok else "must be 1 to 12",
        "year": "" if year_ok else "must have 2 or 4 digits",
    }
    if month_ok and year_ok:
        year = _full_year(card.year)
        if (year, int(card.month)) < (today.year, today.month):
            problems["year" if year < today.year else "month"] = "has passed: the card has expired"
        elif year > today.year + _YEARS_AHEAD:
            problems["year"] = "is too far ahead"
    return problems


def _full_year(year: str) -> int:
    return int(year) + 2000 if len(year) == 2 else int(year)
