"""A bank's result file, read and judged row by row. Nothing here changes anything, and nothing is guessed.

A row counts only if it names exactly one payout of the batch, its status word stands in the format's lists, its amount
(where the file has one) is the payout's, a paid one has a UTR that stands nowhere else, and no other row says
something else about the same payout. Everything short of that is unclear, and shown with its reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.lib.money import InvalidAmount, parse_amount
from gateway.lib.providers import Flag, ProviderState
from payouts.batches.formats import plain_word
from payouts.errors import ResultUnreadable
from payouts.models import BatchLine, Payout

# processed, rejected: books it. unclear: marks it unknown. contradiction: ended otherwise before, gets a flag.
# pending, same, ended, foreign: change nothing.
Effect = Literal["processed", "rejected", "unclear", "contradiction", "pending", "same", "ended", "foreign"]
Status = Payout.Status
_LOOK_FOR_HEADER_IN = 30
_UTR = re.compile(r"[A-Za-z0-9][A-Za-z0-9/-]{5,39}", re.ASCII)
_WORDS = re.compile(r"[A-Za-z0-9_]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One row as the mapping reads it; `number` counts from the file's first row. `amount` is None if not mapped.

    A `utr` that can be one is in upper case, so that one UTR has one spelling.
    """

    number: int
    reference: str
    word: str
    utr: str
    reason: str
    amount: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a row would do now. `line` is None for a row about no payout of the batch."""

    row: ResultRow
    effect: Effect
    problem: str = ""
    line: BatchLine | None = None


def read_rows(table: Iterable[list[str]], mapping: Mapping[str, Any], at_most: int) -> list[ResultRow]:
    """Raises `ResultUnreadable` if the mapping's columns are not there, or there is no row, or too many."""
    rows = iter(enumerate(table, 1))
    at = _find_columns(rows, mapping)
    found = []
    for number, cells in rows:
        row = _read_row(number, cells, at)
        if row.reference or row.word:
            found.append(row)
        if len(found) > at_most:
            raise ResultUnreadable(f"The file has more than {at_most} rows.")
    if not found:
        raise ResultUnreadable("The file has no row below its header.")
    return found


def _find_columns(rows: Iterable[tuple[int, list[str]]], mapping: Mapping[str, Any]) -> dict[str, int]:
    """Takes rows up to the header; the column of each mapped title."""
    titles = {key: plain_word(mapping[key]) for key in ("reference", "status", "utr", "reason", "amount")
              if mapping.get(key)}
    for number, cells in rows:
        found = [plain_word(cell) for cell in cells]
        if all(title in found for title in titles.values()):
            doubled = [title for title in titles.values() if found.count(title) > 1]
            if doubled:
                raise ResultUnreadable(f"The file has the column {doubled[0]} twice.")
            return {key: found.index(title) for key, title in titles.items()}
        if number >= _LOOK_FOR_HEADER_IN:
            break
    raise ResultUnreadable(f"The file has no header with the columns {', '.join(titles.values())}.")


def _read_row(number: int, cells: list[str], at: dict[str, int]) -> ResultRow:
    def cell(key: str) -> str:
        return cells[at[key]].strip() if key in at and at[key] < len(cells) else ""

    return ResultRow(
        number, cell("reference"), plain_word(cell("status")), _utr(cell("utr")), cell("reason")[:200],
        cell("amount") if "amount" in at else None,
    )


def _utr(text: str) -> str:
    """Some banks put an apostrophe before a number so that a spreadsheet leaves it alone. What is no UTR stays so."""
    bare = text.removeprefix("'").strip()
    return bare.upper() if _UTR.fullmatch(bare) else bare


# Judging ----------------------------------------------------------------------------------------------------
def judge(
    rows: list[ResultRow], lines: Sequence[BatchLine], mapping: Mapping[str, Any], taken_utrs: Collection[str]
) -> list[Judged]:
    """`lines` are the batch's live ones with their payouts as they are now; `taken_utrs` those of other payouts."""
    names = _names(lines)
    judged = [_judge_row(row, names, mapping) for row in rows]
    judged = _without_shared_utrs(judged, lines, taken_utrs)
    judged = _without_contradictions(judged)
    return [_against_what_is_known(one) for one in judged]


def _names(lines: Iterable[BatchLine]) -> dict[str, BatchLine]:
    found = {}
    for line in lines:
        found[line.reference] = found[line.payout.public_id] = line
    return found


def _judge_row(row: ResultRow, names: Mapping[str, BatchLine], mapping: Mapping[str, Any]) -> Judged:
    words = _WORDS.findall(row.reference)
    named = {line.pk: line for word in words if (line := names.get(word) or names.get(word.upper()))}
    if len(named) != 1:
        several = "It names several payouts of this batch." if named else "No payout of this batch has this reference."
        return Judged(row, "foreign", several)
    [line] = named.values()
    effect, problem = _effect(row, line, mapping)
    return Judged(row, effect, problem, line)


def _effect(row: ResultRow, line: BatchLine, mapping: Mapping[str, Any]) -> tuple[Effect, str]:
    if row.amount is not None and not _same_amount(row.amount, line):
        return "unclear", f"The file says {row.amount[:30] or 'no amount'}, the payout is {line.payout.amount}."
    if row.word in mapping["pending"]:
        return "pending", "Still with the bank."
    if row.word in mapping["rejected"]:
        return "rejected", ""
    if row.word not in mapping["processed"]:
        return "unclear", f"The status “{row.word[:40]}” stands in no list of the format."
    if not row.utr:
        return "unclear", "Paid, but without a UTR."
    if not _UTR.fullmatch(row.utr):
        return "unclear", f"“{row.utr[:40]}” cannot be a UTR."
    return "processed", ""


def _same_amount(text: str, line: BatchLine) -> bool:
    plain = text.replace(",", "").replace("₹", "").strip()
    try:
        return parse_amount(_whole_paise(plain), line.payout.currency) == line.payout.amount
    except InvalidAmount:
        return False


def _whole_paise(text: str) -> str:
    """`1500.5000` is `1500.50`: some sheets show more places than there are paise."""
    whole, point, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}" if point and fraction else whole


def _without_shared_utrs(
    judged: list[Judged], lines: Iterable[BatchLine], taken: Collection[str]
) -> list[Judged]:
    """One transfer has one UTR: a row whose UTR is another payout's as well is unclear."""
    pairs = {(one.row.utr, one.line.pk) for one in judged if one.effect == "processed" and one.line}
    pairs |= {(line.payout.utr, line.pk) for line in lines if line.payout.utr}
    shared = {utr for utr, count in Counter(utr for utr, _ in pairs).items() if count > 1} | set(taken)
    return [
        replace(one, effect="unclear", problem=shared_utr(one.row.utr))
        if one.effect == "processed" and one.row.utr in shared else one
        for one in judged
    ]


def shared_utr(utr: str) -> str:
    return f"The UTR {utr} is another payout's as well."


def _without_contradictions(judged: list[Judged]) -> list[Judged]:
    """Rows about one payout must agree. Those that repeat each other count once; a mere “pending” yields."""
    said: dict[int, set[tuple[str, str]]] = {}
    for one in judged:
        if one.line and one.effect != "pending":
            said.setdefault(one.line.pk, set()).add((one.effect, one.row.utr))
    result, seen = [], set()
    for one in judged:
        if one.line is None or one.effect == "pending":
            result.append(one)
        elif len(said[one.line.pk]) > 1:
            result.append(replace(one, effect="unclear", problem="The file says different things about this payout."))
        elif one.line.pk in seen:
            result.append(replace(one, effect="same", problem="It stands in the file before."))
        else:
            seen.add(one.line.pk)
            result.append(one)
    return result


def _against_what_is_known(one: Judged) -> Judged:
    """What the payout is already needs no second word; what contradicts its end is for a person."""
    if one.line is None or one.effect in ("pending", "same"):
        return one
    payout, ended = one.line.payout, {"processed": Status.PROCESSED, "rejected": Status.FAILED}
    if one.effect == "unclear":
        if payout.status != Status.PROCESSING:
            return replace(one, effect="ended")
        known = payout.provider_state == ProviderState.UNKNOWN and one.line.problem == one.problem[:200]
        return replace(one, effect="same") if known else one
    if payout.status == Status.PROCESSING:
        return one
    if payout.flag == Flag.CONTRADICTED:
        return replace(one, effect="same", problem="It waits for an operator already.")
    other_utr = one.effect == "processed" and one.row.utr != payout.utr
    known = payout.status == ended[one.effect] or payout.returned_at is not None
    if known and not other_utr:
        return replace(one, effect="same", problem="Known already.")
    said = f"The payout is {payout.get_status_display().lower()} already{f', UTR {payout.utr}' if payout.utr else ''}."
    return replace(one, effect="contradiction", problem=said)
