"""One export's rows as a file: each row is written as it is read, so that memory does not grow with their number.

CSV and XLSX run nothing in a spreadsheet (`gateway.lib.spreadsheets`); JSON has the names and forms of the API; PDF is
for people and their files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from crypto.exports import pdf
from crypto.exports.selecting import Sheet, sheet_of
from crypto.models import Export
from gateway.lib.spreadsheets import Column, write_csv, write_xlsx

Rows = Sequence[Any]


def write(export: Export, batches: Iterable[list[Rows]], to: BinaryIO) -> int:
    """Writes all rows to `to` (left open); returns how many."""
    sheet = sheet_of(export.type)
    rows = (row for batch in batches for row in batch)
    if export.format == Export.Format.CSV:
        return write_csv(sheet.columns, rows, to)
    if export.format == Export.Format.XLSX:
        return write_xlsx(sheet.columns, rows, to)
    if export.format == Export.Format.PDF:
        return pdf.write(export, sheet, rows, to)
    return _write_json(export, sheet, rows, to)


def _write_json(export: Export, sheet: Sheet, rows: Iterator[Rows], to: BinaryIO) -> int:
    """One object; its records come last but for their number, a line each."""
    head = {
        "export_id": export.public_id, "type": export.type, "start_date": _moment(export.starts_at),
        "end_date": _moment(export.ends_at),
    }
    to.write(json.dumps(head)[:-1].encode() + b', "records": [')
    count = 0
    for row in rows:
        to.write(b",\n" if count else b"\n")
        to.write(json.dumps(_record(sheet, row), ensure_ascii=False).encode())
        count += 1
    to.write(f'\n], "record_count": {count}}}\n'.encode())
    return count


def _record(sheet: Sheet, row: Rows) -> dict[str, Any]:
    return {
        name: None if value is None else _value(column, value)
        for name, column, value in zip(sheet.names, sheet.columns, row, strict=True)
    }


def _value(column: Column, value: Any) -> Any:
    """Amounts as text with eight places, as everywhere in the API's lists of money."""
    if column.kind == "money":
        return f"{Decimal(value).scaleb(-8):.8f}"
    return _moment(value) if column.kind == "time" else value


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
