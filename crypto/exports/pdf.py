"""An export as pages to print: who, what and when on the first, a header on each, totals per currency at the end.

Wide tables are for spreadsheets: a page shows the columns that an accountant ticks off, in landscape A4. A page of text
is kept small while it waits to be written, but it does wait, so a PDF has at most `MOST_ROWS` rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from django.utils import timezone
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from crypto.exports.selecting import Sheet
from crypto.models import Export

MOST_ROWS = 50_000
_WIDTH, _HEIGHT = landscape(A4)
_MARGIN, _LINE, _SIZE = 36.0, 13.0, 7.5
_BOTTOM = _MARGIN + 18
# By name: its width in points. What is not named here is left to the other formats.
_SHOWN: dict[str, dict[str, float]] = {
    Export.Type.SESSIONS: {
        "created_at": 84, "reference": 118, "status": 44, "network": 38, "currency": 40, "amount": 92,
        "paid_amount": 92, "fee": 80, "net_amount": 92, "paid_at": 84,
    },
    Export.Type.TRANSACTIONS: {
        "timestamp": 84, "type": 46, "status": 52, "network": 38, "currency": 40, "amount": 92, "tx_hash": 300,
        "reference": 110,
    },
    Export.Type.ADDRESSES: {
        "address": 206, "network": 38, "currency": 40, "current_balance": 92, "total_received": 92,
        "total_swept": 92, "sweep_status": 48, "times_reused": 42, "last_used_at": 84,
    },
}


def write(export: Export, sheet: Sheet, rows: Iterator[Sequence[Any]], to: BinaryIO) -> int:
    paper = _Paper(export, sheet, to)
    count = 0
    for row in rows:
        count += 1
        paper.row(row)
    paper.end(count)
    return count


class _Paper:
    """Writes lines down a page, and turns it when it is full."""

    def __init__(self, export: Export, sheet: Sheet, to: BinaryIO) -> None:
        self.export, self.sheet = export, sheet
        widths = _SHOWN[export.type]
        self.shown = [(sheet.names.index(name), width) for name, width in widths.items()]
        self.totals: dict[tuple[str, str], dict[int, int]] = {}
        self.canvas = Canvas(to, pagesize=(_WIDTH, _HEIGHT), pageCompression=1)
        self.canvas.setTitle(self._title)
        self.canvas.setAuthor(export.merchant.name)
        self.y = _HEIGHT - _MARGIN
        self._first_head()
        self._table_head()

    @property
    def _title(self) -> str:
        return f"{Export.Type(self.export.type).label} of {self.export.merchant.name}"

    def row(self, cells: Sequence[Any]) -> None:
        self._room(1)
        self.canvas.setFont("Helvetica", _SIZE)
        x = _MARGIN
        for at, width in self.shown:
            self._cell(x, width, self._text(at, cells[at]), right=self.sheet.columns[at].kind in ("money", "number"))
            x += width
        self.y -= _LINE
        self._add_up(cells)

    def end(self, count: int) -> None:
        self._room(4 + len(self.totals) * (1 + len(self.sheet.totals)))
        self.y -= _LINE
        self._line(f"Total: {count} {'row' if count == 1 else 'rows'}", bold=True)
        for group, currency in sorted(self.totals):
            for at in self.sheet.totals:
                total = f"{Decimal(self.totals[group, currency][at]).scaleb(-8):,.8f}"
                self._line(f"{', '.join(filter(None, (self.sheet.columns[at].title, group)))}: {total} {currency}")
        self._line("End of this export.")
        self._foot()
        self.canvas.save()

    def _add_up(self, cells: Sequence[Any]) -> None:
        group = self.sheet.group(cells)
        if group is None:
            return
        sums = self.totals.setdefault((group, cells[self.sheet.currency_at]), dict.fromkeys(self.sheet.totals, 0))
        for at in self.sheet.totals:
            sums[at] += cells[at]

    def _room(self, lines: int) -> None:
        if self.y - lines * _LINE < _BOTTOM:
            self._foot()
            self.canvas.showPage()
            self.y = _HEIGHT - _MARGIN
            self._table_head()

    def _first_head(self) -> None:
        self.canvas.setFont("Helvetica-Bold", 14)
        self.canvas.drawString(_MARGIN, self.y - 6, _printable(self._title))
        self.y -= 26
        mode = "" if self.export.mode == "live" else " Test mode: no real money."
        self._line(f"From {_moment(self.export.starts_at)} to {_moment(self.export.ends_at)}, UTC.{mode}")
        if self.export.criteria:
            self._line(f"Only: {self.export.narrowed_to}.")
        self._line(f"Export {self.export.public_id}, made {_moment(timezone.now())} UTC. Amounts in tokens.")
        self.y -= _LINE / 2

    def _table_head(self) -> None:
        self.canvas.setFont("Helvetica-Bold", _SIZE)
        x = _MARGIN
        for at, width in self.shown:
            column = self.sheet.columns[at]
            self._cell(x, width, column.title, right=column.kind in ("money", "number"))
            x += width
        self.canvas.setLineWidth(0.6)
        self.canvas.line(_MARGIN, self.y - 4, x, self.y - 4)
        self.y -= _LINE + 2

    def _foot(self) -> None:
        self.canvas.setFont("Helvetica", _SIZE)
        self.canvas.drawString(_MARGIN, _MARGIN - 8, self.export.public_id)
        self.canvas.drawRightString(_WIDTH - _MARGIN, _MARGIN - 8, f"Page {self.canvas.getPageNumber()}")

    def _line(self, text: str, *, bold: bool = False) -> None:
        self.canvas.setFont("Helvetica-Bold" if bold else "Helvetica", 9)
        self.canvas.drawString(_MARGIN, self.y, _printable(text))
        self.y -= _LINE

    def _cell(self, x: float, width: float, text: str, *, right: bool) -> None:
        text = _fitting(_printable(text), width - 6)
        if right:
            self.canvas.drawRightString(x + width - 6, self.y, text)
        else:
            self.canvas.drawString(x, self.y, text)

    def _text(self, at: int, value: Any) -> str:
        if value is None:
            return ""
        kind = self.sheet.columns[at].kind
        if kind == "money":
            return f"{Decimal(value).scaleb(-8):,.8f}"
        return _moment(value) if kind == "time" else str(value)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _printable(text: str) -> str:
    """The built-in fonts know Western letters; anything else becomes a question mark, visibly."""
    return text.encode("cp1252", "replace").decode("cp1252")


def _fitting(text: str, width: float) -> str:
    """Cut in the middle, where identifiers differ least."""
    if stringWidth(text, "Helvetica", _SIZE) <= width:
        return text
    keep = max(4, int(len(text) * width / stringWidth(text, "Helvetica", _SIZE)) - 4)
    return f"{text[: keep - keep // 3]}...{text[-(keep // 3):]}"
