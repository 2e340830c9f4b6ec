"""How a bank's statement is read: which column is what, how days and amounts are written. Checked before it is kept.

A column is named by its title; titles are compared without case and extra blanks. The UTR stands in a column of its
own, or is cut out of the narration by a pattern. Patterns may repeat no group and have few open repeats, so that no
narration can keep a worker busy for long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from payments.errors import BadStatement

# What an operator chooses from, and the strptime forms behind it. Days in ISO are always understood (XLSX has them so).
DAY_FORMATS: dict[str, tuple[str, ...]] = {
    "DD/MM/YYYY": ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"),
    "DD/MM/YY": ("%d/%m/%y", "%d-%m-%y", "%d.%m.%y"),
    "MM/DD/YYYY": ("%m/%d/%Y", "%m-%d-%Y"),
    "DD-MMM-YYYY": ("%d-%b-%Y", "%d %b %Y", "%d/%b/%Y"),
    "DD-MMM-YY": ("%d-%b-%y", "%d %b %y", "%d/%b/%y"),
    "YYYY-MM-DD": ("%Y-%m-%d", "%Y/%m/%d"),
}
DEFAULT_PATTERN = r"(?<![0-9])([0-9]{12})(?![0-9])"
_PATTERN_MOST, _OPEN_REPEATS = 120, 3
_HEADER_WITHIN = 60
# What banks call their columns, the likelier first.
_TITLES: dict[str, tuple[str, ...]] = {
    "day": ("value date", "value dt", "date", "txn date", "tran date", "transaction date", "posting date"),
    "credit": ("credit", "deposit", "deposits", "credit amount", "deposit amt", "deposit amt.", "cr amount", "cr"),
    "debit": ("debit", "withdrawal", "withdrawals", "debit amount", "withdrawal amt", "withdrawal amt.", "dr"),
    "amount": ("amount", "transaction amount", "amount (inr)", "txn amount"),
    "kind": ("dr/cr", "cr/dr", "type", "dr / cr", "cr / dr"),
    "utr": ("utr", "rrn", "utr no", "utr number", "utr/rrn", "reference", "ref no", "chq./ref.no.", "reference no"),
    "narration": ("narration", "description", "particulars", "remarks", "transaction remarks", "details"),
    "payer": ("payer vpa", "payer upi id", "upi id", "sender vpa"),
}


@dataclass(frozen=True, slots=True)
class Mapping:
    """Titles of columns, empty where there is none: `credit` (and `debit`), or `amount` with a `kind` or a sign."""

    day: str = ""
    credit: str = ""
    debit: str = ""
    amount: str = ""
    kind: str = ""  # a column that says Dr or Cr
    utr: str = ""
    utr_pattern: str = ""
    narration: str = ""
    payer: str = ""
    day_format: str = "DD/MM/YYYY"
    decimals: Literal[".", ","] = "."

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Mapping:
        return cls(**{field.name: str(values[field.name]) for field in fields(cls) if field.name in values})  # type: ignore[arg-type]

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    def columns(self) -> dict[str, str]:
        """Of each column that is mapped, what it is and its title."""
        return {name: title for name in _TITLES if (title := plain(getattr(self, name)))}


def check_mapping(mapping: Mapping) -> None:
    """Raises `BadStatement` that names each bad part."""
    bad: dict[str, str] = {}
    if not mapping.day:
        bad["day"] = "is required"
    if bool(mapping.amount) == bool(mapping.credit):
        bad["amount"] = "choose either one column of amounts, or a column of credits"
    if not (mapping.utr or mapping.narration):
        bad["utr"] = "choose the column of the UTR, or the narration that has it"
    if mapping.day_format not in DAY_FORMATS:
        bad["day_format"] = f"must be one of {', '.join(DAY_FORMATS)}"
    if mapping.decimals not in (".", ","):
        bad["decimals"] = "must be a point or a comma"
    if problem := _pattern_problem(mapping.utr_pattern):
        bad["utr_pattern"] = problem
    used = list(mapping.columns().values())
    twice = next((title for title in used if used.count(title) > 1), "")
    if twice and not _shares_reference(mapping, twice):
        bad.setdefault("amount", f"the column {twice!r} is used twice")
    if bad:
        raise BadStatement(**bad)


def _shares_reference(mapping: Mapping, title: str) -> bool:
    """A narration may hold the UTR as well; nothing else shares a column."""
    return [name for name, other in mapping.columns().items() if other == title] == ["utr", "narration"]


def _pattern_problem(pattern: str) -> str:
    if not pattern:
        return ""
    if len(pattern) > _PATTERN_MOST:
        return f"must have at most {_PATTERN_MOST} characters"
    try:
        found = re.compile(pattern)
    except re.error as error:
        return f"is not a regular expression: {error}"
    if found.groups != 1:
        return "must have exactly one group, which is the UTR: UPI/([0-9]{12})/"
    bare = re.sub(r"\\.|\[[^\]]*\]", "x", pattern)
    if re.search(r"\)[*+?{]", bare):
        return "must not repeat a group"
    if len(re.findall(r"[*+]|\{\d*,\d*\}", bare)) > _OPEN_REPEATS or re.search(r"\\[1-9]", pattern):
        return f"must have at most {_OPEN_REPEATS} repeats such as * or +, and no back-references"
    return ""


def plain(title: str) -> str:
    return " ".join(title.split()).lower()


def find_columns(mapping: Mapping, rows: Sequence[list[str]]) -> tuple[int, dict[str, int]]:
    """The header's index among the first rows, and where each mapped column is. Raises `BadStatement`."""
    wanted, best = mapping.columns(), set[str]()
    for index, row in enumerate(rows[:_HEADER_WITHIN]):
        titles = [plain(cell) for cell in row]
        missing = {name for name, title in wanted.items() if title not in titles}
        if not missing:
            return index, {name: titles.index(title) for name, title in wanted.items()}
        if len(missing) < len(wanted) and (not best or len(missing) < len(best)):
            best = missing
    problem = "is in no header of this file: was another bank's mapping chosen?"
    raise BadStatement(**{name: f"the column {wanted[name]!r} {problem}" for name in sorted(best or wanted)})


def guess(header: Sequence[str]) -> Mapping:
    """The likely mapping of a header never seen before, for an operator to correct."""
    titles = {plain(cell): " ".join(cell.split()) for cell in header}
    found = {
        name: next((titles[word] for word in words if word in titles), "") for name, words in _TITLES.items()
    }
    if found["credit"]:
        found |= {"amount": "", "kind": ""}
    else:
        found["debit"] = ""
    return Mapping(**found)  # type: ignore[arg-type]
