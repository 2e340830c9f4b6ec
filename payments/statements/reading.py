"""Reads a statement's rows by its mapping. Pure: the same file and mapping always give the same lines.

Every row becomes a credit, a debit, a problem (with its reason), or is left out because it says nothing (blank rows,
balances, footers). A credit has a fingerprint of its own; of identical lines in one file each gets another one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256

from payments.errors import BadStatement
from payments.statements.mapping import DAY_FORMATS, DEFAULT_PATTERN, Mapping, check_mapping, find_columns

_MOST_MINOR = 10**15
_UTR = re.compile(r"[A-Z0-9]{6,40}", re.ASCII)
_CREDIT, _DEBIT = ("C", "CR", "CREDIT", "DEPOSIT"), ("D", "DR", "DEBIT", "WITHDRAWAL")
_VPA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}@[A-Za-z][A-Za-z0-9]{1,18}", re.ASCII)
_ISO_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T][\d:.]+)?", re.ASCII)
_CLOCK = re.compile(r"[ T]+\d{1,2}:\d{2}(:\d{2})?( ?[AP]M)?", re.ASCII | re.IGNORECASE)
# Digits alone, or grouped as in India or elsewhere; anything else is refused rather than guessed.
_AMOUNT = re.compile(r"(\d{1,18}|\d{1,3}(?:,\d{2,3})*,\d{3})(?:\.(\d+))?", re.ASCII)
_CURRENCY = re.compile(r"^(?:₹|INR|Rs\.?)\s*", re.IGNORECASE)
_SEARCHED = 250  # characters of a narration


@dataclass(frozen=True, slots=True)
class Credit:
    number: int  # the row of the file, from 1
    day: date
    minor: int
    utr: str
    payer: str
    narration: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Problem:
    number: int
    text: str
    row: str


@dataclass(frozen=True, slots=True)
class Debit:
    number: int
    minor: int


Read = Credit | Debit | Problem


def read_rows(rows: Sequence[list[str]], mapping: Mapping, *, today: date) -> Iterator[Read]:
    """Raises `BadStatement` if the mapping does not fit the file."""
    check_mapping(mapping)
    header, at = find_columns(mapping, rows)
    same: Counter[str] = Counter()
    for number, row in enumerate(rows[header + 1 :], header + 2):
        cells = {name: row[index].strip() if index < len(row) else "" for name, index in at.items()}
        try:
            read = _read(number, cells, mapping, today)
        except ValueError as error:
            yield Problem(number, str(error), " · ".join(cell for cell in row if cell.strip())[:200])
            continue
        if isinstance(read, Credit):
            key = "|".join([read.utr, str(read.minor), str(read.day), " ".join(read.narration.upper().split())])
            same[key] += 1
            yield Credit(
                read.number, read.day, read.minor, read.utr, read.payer, read.narration,
                sha256(f"{key}|{same[key]}".encode()).hexdigest(),
            )
        elif read is not None:
            yield read


def _read(number: int, cells: dict[str, str], mapping: Mapping, today: date) -> Credit | Debit | None:
    minor = _minor(cells, mapping)
    if not minor:
        return None
    if not cells["day"]:
        raise ValueError("has an amount but no date")
    day = read_day(cells["day"], mapping.day_format, today)
    if minor < 0:
        return Debit(number, -minor)
    narration = " ".join((cells.get("narration") or cells.get("utr", "")).split())[:300]
    payer = cells.get("payer", "") or next(iter(_VPA.findall(narration)), "")
    return Credit(number, day, minor, _utr(cells, mapping), payer.lower()[:120], narration, "")


def _minor(cells: dict[str, str], mapping: Mapping) -> int:
    """Positive for a credit, negative for a debit, 0 where the row moves nothing."""
    if "amount" not in cells:
        credit, debit = (read_amount(cells.get(name, ""), mapping.decimals) for name in ("credit", "debit"))
        if credit < 0:  # a reversal: the bank has taken the money back
            raise ValueError("has a negative credit")
        debit = abs(debit)
        if credit and debit:
            raise ValueError("has a credit and a debit")
        return credit or -debit
    minor = read_amount(cells["amount"], mapping.decimals)
    if not minor or "kind" not in cells:
        return minor
    word = cells["kind"].strip().rstrip(".").upper()
    if word in _DEBIT:
        return -abs(minor)
    if word not in _CREDIT:  # “Chargeback” begins with a C as well
        raise ValueError(f"says {cells['kind'][:40]!r} where Dr or Cr is expected")
    if minor < 0:
        raise ValueError("has a negative credit")
    return minor


def read_amount(text: str, decimals: str = ".") -> int:
    """Paise; 0 for nothing (blank, a dash). Raises `ValueError` in words."""
    bare = _CURRENCY.sub("", text.strip())
    sign = 1
    if match := re.fullmatch(r"(.*?)\s*(CR|DR)\.?", bare, re.IGNORECASE):
        bare, sign = match[1], -1 if match[2].upper() == "DR" else 1
    if bare.startswith("(") and bare.endswith(")"):
        bare, sign = bare[1:-1], -1
    if bare.startswith(("-", "+")):
        bare, sign = bare[1:], -1 if bare[0] == "-" else sign
    bare = _CURRENCY.sub("", bare.strip())
    if not bare:
        return 0
    if decimals == ",":
        bare = bare.translate({ord("."): ",", ord(","): "."})
    match = _AMOUNT.fullmatch(bare)
    if match is None:
        raise ValueError(f"has an amount that is not clear: {text.strip()[:40]!r}")
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > 2:
        raise ValueError(f"has more than two decimal places: {text.strip()[:40]!r}")
    minor = int(match[1].replace(",", "") + fraction.ljust(2, "0"))
    if minor > _MOST_MINOR:
        raise ValueError("has an amount that is too large")
    return sign * minor


def read_day(text: str, day_format: str, today: date) -> date:
    """Raises `ValueError` in words; also for a day that lies ahead, which a wrong format makes."""
    iso = _ISO_DAY.fullmatch(text)
    tries = ((iso[1], "%Y-%m-%d"),) if iso else tuple((_CLOCK.sub("", text), form) for form in DAY_FORMATS[day_format])
    for written, form in tries:
        try:
            day = datetime.strptime(written, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
        if day.year < 2000 or day.toordinal() > today.toordinal() + 1:
            raise ValueError(f"has a day that cannot be: {text[:20]!r} read as {day.isoformat()}")
        return day
    raise ValueError(f"has a day that is not {day_format}: {text[:20]!r}")


def _utr(cells: dict[str, str], mapping: Mapping) -> str:
    """Empty where there is none: such a credit is matched by a person."""
    own = cells.get("utr", "")
    bare = own.removeprefix("'").replace(" ", "").upper()
    if not mapping.utr_pattern and own and _UTR.fullmatch(bare):
        return bare
    pattern = re.compile(mapping.utr_pattern or DEFAULT_PATTERN)
    for text in (own, cells.get("narration", "")):
        found = pattern.search(text[:_SEARCHED])
        if found and found[1] and _UTR.fullmatch(found[1].upper()):
            return found[1].upper()
    return ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole statement, read."""

    credits: list[Credit]
    problems: list[Problem]
    debits: int
    credited_minor: int


def read_statement(rows: Sequence[list[str]], mapping: Mapping, *, today: date) -> Reading:
    """Raises `BadStatement`, also for a file in which nothing is a credit or a debit."""
    found: dict[type, list[Read]] = {Credit: [], Debit: [], Problem: []}
    for read in read_rows(rows, mapping, today=today):
        found[type(read)].append(read)
    if not any(found.values()):
        raise BadStatement(amount="no row below the header moves money: is this the right column?")
    credits = [read for read in found[Credit] if isinstance(read, Credit)]
    problems = [read for read in found[Problem] if isinstance(read, Problem)]
    return Reading(credits, problems, len(found[Debit]), sum(credit.minor for credit in credits))
