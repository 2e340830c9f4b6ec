"""Reads tables that people upload, CSV and XLSX, as rows of text; anything else is refused with a reason.

CSV: UTF-8 with or without its mark, UTF-16 or Windows-1252; comma, semicolon, tab or bar between cells. XLSX: the first
visible sheet, formulas as the values that were saved with them (nothing is calculated), dates in ISO, numbers as the
digits a spreadsheet shows. Rows come one at a time; bytes, rows, columns, cells and a cell's length have limits, as has
what an XLSX unpacks to, so that a small file cannot fill the memory.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

from django.conf import settings
from openpyxl import load_workbook

from gateway.lib.errors import GatewayError

MAX_COLUMNS = 200
MAX_CELL = 4_000
_DELIMITERS = (",", ";", "\t", "|")
_LOOK_AT = 40  # rows; a bank's address and the account's details stand above the header
_MAX_PARTS = 1_000  # files inside an XLSX
_UNPACKED_TIMES = 20  # an XLSX may unpack to this many times the largest upload
_NOT_TABLES = {
    b"%PDF": "This is a PDF. Download the file from the bank as CSV or XLSX.",
    b"\xd0\xcf\x11\xe0": "This is an old (.xls) or protected workbook. Save it as XLSX or CSV, without a password.",
    b"<": "This is a web page or XML, whatever its name says. Open it in a spreadsheet and save it as XLSX or CSV.",
    b"{": "This is JSON, not a table.",
}
_NUMBER_LIKE = re.compile(r"[\s+\-()₹.,/:\d]*\d[\s+\-().,/:\d]*", re.ASCII)


class TableUnreadable(GatewayError):
    """Not a table, or one beyond the limits; the message says which, for the person who uploaded it."""

    code = "unreadable_file"
    message = "This file cannot be read as a table. Upload CSV or XLSX."


@dataclass(frozen=True, slots=True)
class Table:
    """Iterating gives the rows anew each time, empty ones included, so that a row's number is its line in the file.

    Raises `TableUnreadable` on the way where a row is beyond the limits or the file is damaged.
    """

    kind: Literal["csv", "xlsx"]
    _content: str | bytes = field(repr=False)

    def __iter__(self) -> Iterator[list[str]]:
        rows = _csv_rows(self._content) if isinstance(self._content, str) else _xlsx_rows(self._content)
        cells = 0
        for number, row in enumerate(rows, 1):
            cells += _check_row(number, row)
            if number > settings.TABLE_MAX_ROWS or cells > 20 * settings.TABLE_MAX_ROWS:
                raise TableUnreadable(f"The file has more than {settings.TABLE_MAX_ROWS:,} rows. Split it.")
            yield row


def read_table(data: bytes, name: str) -> Table:
    """`name` is only used in messages: what a file is, its content says. Raises `TableUnreadable`."""
    if not data.strip():
        raise TableUnreadable(f"{name or 'The file'} is empty.")
    if len(data) > settings.TABLE_MAX_BYTES:
        raise TableUnreadable(f"The file is larger than {settings.TABLE_MAX_BYTES // 2**20} MB. Split it.")
    if data.startswith(b"PK"):
        _check_package(data)
        return Table("xlsx", data)
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, problem in _NOT_TABLES.items():
        if start.startswith(mark):
            raise TableUnreadable(problem)
    return Table("csv", _decode(data))


def find_header(rows: Iterable[list[str]]) -> int | None:
    """Which of the first rows (from 0) looks like the header: the one with the most cells, all words, none a number."""
    best, found = 1, None
    for index, row in enumerate(islice(rows, _LOOK_AT)):
        filled = [cell for cell in row if cell.strip()]
        if len(filled) > best and not any(_NUMBER_LIKE.fullmatch(cell) for cell in filled):
            best, found = len(filled), index
    return found


def _check_row(number: int, row: list[str]) -> int:
    if len(row) > MAX_COLUMNS:
        raise TableUnreadable(f"Row {number} has more than {MAX_COLUMNS} columns.")
    if any(len(cell) > MAX_CELL for cell in row):
        raise TableUnreadable(f"Row {number} has a cell of more than {MAX_CELL:,} characters. Is a quote left open?")
    return len(row)


# CSV --------------------------------------------------------------------------------------------------------
def _decode(data: bytes) -> str:
    """One encoding for the whole file; a NUL that is left means that it is no text."""
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise TableUnreadable("The file is neither an XLSX workbook nor text in UTF-8, UTF-16 or Windows-1252.")
    return text.removeprefix("\ufeff")


def _encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _csv_rows(text: str) -> Iterator[list[str]]:
    reader = _reader(text, _delimiter(text))
    try:
        yield from reader
    except csv.Error as error:
        raise TableUnreadable(f"Line {reader.line_num} is not well-formed CSV: {error}.") from error


def _reader(text: str, delimiter: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _delimiter(text: str) -> str:
    """The one that most of the first rows agree on; of two, the one that makes more columns."""
    return max(_DELIMITERS, key=lambda delimiter: _agreement(text, delimiter))


def _agreement(text: str, delimiter: str) -> tuple[int, int]:
    widths: Counter[int] = Counter()
    try:
        widths.update(len(row) for row in islice(_reader(text, delimiter), _LOOK_AT) if len(row) > 1)
    except csv.Error:
        pass  # the rows before it still tell
    return max(((count, width) for width, count in widths.items()), default=(0, 0))


# XLSX -------------------------------------------------------------------------------------------------------
def _check_package(data: bytes) -> None:
    """Before anything is unpacked. zipfile never unpacks a part beyond the size that is stated for it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = package.infolist()
            unpacked = sum(part.file_size for part in parts)
            if len(parts) > _MAX_PARTS or unpacked > _UNPACKED_TIMES * settings.TABLE_MAX_BYTES:
                raise TableUnreadable("The workbook unpacks to more than is allowed.")
            if "xl/workbook.xml" not in package.namelist():
                raise TableUnreadable("This is a ZIP file, but not an XLSX workbook.")
            if any(_declares_entities(package, part) for part in parts):
                raise TableUnreadable("The workbook declares XML entities, which no spreadsheet writes.")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise TableUnreadable("The workbook is damaged or protected by a password.") from error


def _declares_entities(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    if not part.filename.endswith((".xml", ".rels")):
        return False
    with package.open(part) as stream:
        return b"<!" in stream.read(2_000).replace(b"\0", b"").replace(b"<!--", b"")


def _xlsx_rows(data: bytes) -> Iterator[list[str]]:
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet = next(sheet for sheet in book.worksheets if sheet.sheet_state == "visible")
        sheet.reset_dimensions()  # what the file says of its size may be wrong
        for row in sheet.iter_rows(values_only=True):
            yield _trimmed([_text(value) for value in row])
    except TableUnreadable:
        raise
    except Exception as error:  # whatever a damaged package makes the reader raise
        raise TableUnreadable("The workbook is damaged: it has no readable sheet.") from error


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row.pop()
    return row


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return _plain(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _plain(value: float) -> str:
    """The 15 digits that a spreadsheet keeps, without an exponent and without the noise of binary fractions."""
    shown = f"{Decimal(f'{value:.15g}'):f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
