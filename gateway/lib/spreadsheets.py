"""Writes tables as CSV and XLSX streams, with typed cells, a header, and nothing that a spreadsheet would run.

No text cell begins like a formula (`=`, `+`, `-`, `@`, their full-width forms, a tab, a carriage return): such a text
gets an apostrophe in front, in both formats, also if blanks stand before the sign. Amounts and numbers are numbers,
negative ones too; one that a spreadsheet's 15 digits cannot show exactly is written as text rather than rounded.
Rows are taken one at a time and written at once, so that memory does not grow with their number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import TextIOWrapper
from itertools import islice
from typing import Any, BinaryIO, Literal

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from gateway.lib.money import PLACES, Money

Kind = Literal["text", "money", "number", "time", "flag"]
Row = Sequence[Any]
ROWS_PER_SHEET = 1_048_575  # what XLSX can hold, less the header
_LONGEST_CELL = 32_767
_STARTS_FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠﹢﹣−﹦﹫]|^[\t\r\n]")
_NEVER_PRINTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NEEDS_QUOTES = re.compile(r'[",;|\t\r\n]|^\s|\s$')
_EXACT_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Column:
    """`money` takes `Money` (or its minor units, then of `currency`), `number` int or Decimal, `time` an aware
    datetime, shown in UTC, so its title should say so, `flag` a bool, shown as yes or no. Any cell may be None: it
    stays empty."""

    title: str
    kind: Kind = "text"
    currency: str = "INR"
    width: int = 18


def write_csv(columns: Sequence[Column], rows: Iterable[Row], to: BinaryIO, *, bom: bool = False) -> int:
    """Writes a header and `rows` to `to` (left open) as UTF-8 with CRLF; returns how many rows.

    `bom`: for people who open the file in Excel, which takes it for another encoding otherwise.
    """
    text = TextIOWrapper(to, encoding="utf-8-sig" if bom else "utf-8", newline="")
    count = 0
    try:
        text.write(_csv_line(safe_text(column.title) for column in columns))
        for row in rows:
            count += 1
            text.write(_csv_line(_csv_cell(column, value) for column, value in zip(columns, row, strict=True)))
        text.flush()
    finally:
        text.detach()
    return count


def write_xlsx(columns: Sequence[Column], rows: Iterable[Row], to: BinaryIO) -> int:
    """Writes a frozen header and `rows` to `to` (left open); what is too much for one sheet goes on in the next."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = Workbook(to, options)
    writers = [_cell_writer(book, column) for column in columns]
    head = book.add_format({"bold": True, "bottom": 1})
    count, left = 0, iter(rows)
    while True:
        sheet = _new_sheet(book, columns, head)
        written = _fill(sheet, writers, islice(left, ROWS_PER_SHEET))
        count += written
        if written < ROWS_PER_SHEET:
            break
    book.close()
    return count


def safe_text(value: object) -> str:
    """`value` as a cell that no spreadsheet takes for a formula, without what no cell can hold."""
    text = _NEVER_PRINTED.sub("", str(value))
    return f"'{text}" if _STARTS_FORMULA.search(text) else text


# CSV --------------------------------------------------------------------------------------------------------
def _csv_line(cells: Iterable[str]) -> str:
    return ",".join(_quoted(cell) for cell in cells) + "\r\n"


def _quoted(cell: str) -> str:
    """Also around the separators of other locales, so that no cell falls apart into two there."""
    return '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell


def _csv_cell(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if column.kind == "money":
        return str(_money(column, value))
    if column.kind == "number":
        return f"{value:f}" if isinstance(value, Decimal) else str(int(value))
    if column.kind == "time":
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return _words(column, value)


def _words(column: Column, value: Any) -> str:
    return ("yes" if value else "no") if column.kind == "flag" else safe_text(value)


def _money(column: Column, value: Money | int) -> Money:
    return value if isinstance(value, Money) else Money(value, column.currency)


# XLSX -------------------------------------------------------------------------------------------------------
_Writer = Callable[[Worksheet, int, int, Any], object]


def _new_sheet(book: Workbook, columns: Sequence[Column], head: Format) -> Worksheet:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        sheet.set_column(index, index, column.width)
        sheet.write_string(0, index, safe_text(column.title), head)
    return sheet


def _fill(sheet: Worksheet, writers: Sequence[_Writer], rows: Iterator[Row]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        for index, (write, value) in enumerate(zip(writers, row, strict=True)):
            if value is not None:
                write(sheet, count, index, value)
    return count


def _cell_writer(book: Workbook, column: Column) -> _Writer:
    if column.kind == "time":
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        return lambda sheet, row, at, value: sheet.write_datetime(row, at, _naive_utc(value), moment)
    if column.kind == "money":
        places = book.add_format({"num_format": "#,##0." + "0" * PLACES[column.currency]})
        return lambda sheet, row, at, value: _write_number(sheet, row, at, _money(column, value).decimal, places)
    if column.kind == "number":
        plain = book.add_format({"num_format": "General"})
        return lambda sheet, row, at, value: _write_number(sheet, row, at, Decimal(value), plain)
    return lambda sheet, row, at, value: sheet.write_string(row, at, _words(column, value)[:_LONGEST_CELL])


def _write_number(sheet: Worksheet, row: int, at: int, value: Decimal, look: Format) -> None:
    if len(value.normalize().as_tuple().digits) > _EXACT_DIGITS:
        sheet.write_string(row, at, f"{value:f}")
    else:
        sheet.write_number(row, at, float(value), look)


def _naive_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
