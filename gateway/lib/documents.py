"""Writes a table as a PDF to be printed and kept: a header on its first page, page numbers "n of m", totals at its end.

Every row is one line of one height, so the number of pages is known before the first is drawn, and a page is written
as soon as it is full. A cell that is too wide is cut with an ellipsis. The fonts are the ones that every reader has,
and hold Latin letters only: any other is printed as `?`, and amounts name their currency by its code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

_WIDTH, _HEIGHT = landscape(A4)
_MARGIN, _GAP = 36, 6
_ROW, _SIZE = 15, 7.5
_TOP = _HEIGHT - _MARGIN
_BOTTOM = _MARGIN + 22
_FONT, _BOLD = "Helvetica", "Helvetica-Bold"
_INK, _FAINT, _LINE = 0.1, 0.42, 0.82


@dataclass(frozen=True, slots=True)
class Column:
    """`width` is its share of the page; numbers stand at the `end`."""

    title: str
    width: float
    end: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """`facts` stand under the title; `totals` are rows in bold at the end; `foot` is at the bottom of every page."""

    title: str
    columns: Sequence[Column]
    facts: Sequence[tuple[str, str]] = ()
    totals: Sequence[Sequence[str]] = ()
    foot: str = ""
    language: str = field(default="en")


def write_pdf(
    document: Document, rows: Iterable[Sequence[str]], count: int, to: BinaryIO, *, plain: bool = False
) -> int:
    """Draws `rows`, which are `count` many, and returns how many pages. `plain`: not compressed, for whoever reads it
    as text."""
    canvas = Canvas(to, pagesize=(_WIDTH, _HEIGHT), pageCompression=0 if plain else 1, lang=document.language)
    canvas.setTitle(_printable(document.title))
    return _Pages(canvas, document, count).draw(rows)


class _Pages:
    def __init__(self, canvas: Canvas, document: Document, count: int) -> None:
        self.canvas, self.document, self.count = canvas, document, count
        shares = sum(column.width for column in document.columns)
        room = _WIDTH - 2 * _MARGIN
        self.widths = [column.width * room / shares for column in document.columns]

    def draw(self, rows: Iterable[Sequence[str]]) -> int:
        pages, left = self._pages(), iter(rows)
        for number in range(1, pages + 1):
            y = self._head(first=number == 1)
            for row in islice(left, self._room(first=number == 1)):
                y = self._row(row, y)
            if number == pages:
                self._totals(y)
            self._foot(number, pages)
            self.canvas.showPage()
        self.canvas.save()
        return pages

    def _pages(self) -> int:
        """The totals stay with the rows where there is room for them."""
        first, later = self._room(first=True), self._room(first=False)
        rows = self.count + len(self.document.totals)
        return 1 if rows <= first else 1 + -(-(rows - first) // later)

    def _room(self, *, first: bool) -> int:
        head = 44 + 13 * len(self.document.facts) if first else 0
        return int((_TOP - head - _ROW - 4 - _BOTTOM) // _ROW)

    def _head(self, *, first: bool) -> float:
        y = float(_TOP)
        if first:
            self._text(_MARGIN, y - 16, self.document.title, _BOLD, 16)
            y -= 36
            for label, value in self.document.facts:
                self._text(_MARGIN, y, label, _FONT, 8.5, _FAINT)
                self._text(_MARGIN + 90, y, value, _FONT, 8.5)
                y -= 13
            y -= 8
        self._cells([column.title for column in self.document.columns], y - 10, _BOLD, _FAINT)
        self._rule(y - 14)
        return y - _ROW - 4

    def _row(self, row: Sequence[str], y: float) -> float:
        self._cells(row, y - 10, _FONT, _INK)
        self._rule(y - _ROW + 1)
        return y - _ROW

    def _totals(self, y: float) -> None:
        for row in self.document.totals:
            self._cells(row, y - 10, _BOLD, _INK)
            y -= _ROW

    def _foot(self, number: int, pages: int) -> None:
        self._text(_MARGIN, _MARGIN, self.document.foot, _FONT, 7, _FAINT)
        page = f"Page {number} of {pages}"
        self._text(_WIDTH - _MARGIN - stringWidth(page, _FONT, 7), _MARGIN, page, _FONT, 7, _FAINT)

    def _cells(self, cells: Sequence[str], y: float, font: str, ink: float) -> None:
        x = float(_MARGIN)
        for column, width, cell in zip(self.document.columns, self.widths, cells, strict=True):
            text = _fitting(_printable(cell), font, width - _GAP)
            inset = width - _GAP - stringWidth(text, font, _SIZE) if column.end else 0
            self._text(x + inset, y, text, font, _SIZE, ink)
            x += width

    def _text(self, x: float, y: float, text: str, font: str, size: float, ink: float = _INK) -> None:
        self.canvas.setFont(font, size)
        self.canvas.setFillGray(ink)
        self.canvas.drawString(x, y, _printable(text))

    def _rule(self, y: float) -> None:
        self.canvas.setStrokeGray(_LINE)
        self.canvas.setLineWidth(0.4)
        self.canvas.line(_MARGIN, y, _WIDTH - _MARGIN, y)


def _printable(text: Any) -> str:
    words = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return words.encode("cp1252", "replace").decode("cp1252")


def _fitting(text: str, font: str, width: float) -> str:
    if stringWidth(text, font, _SIZE) <= width:
        return text
    while text and stringWidth(text + "…", font, _SIZE) > width:
        text = text[:-1]
    return text + "…"
