"""A PDF's pages are counted before they are drawn, every row is on one of them, and no letter breaks it."""

from __future__ import annotations

import re
from io import BytesIO

import pytest

from gateway.lib.documents import Column, Document, write_pdf

COLUMNS = [Column("What", 3), Column("Amount", 1, end=True)]


def written(rows, *, totals=(), facts=(), count=None):
    content = BytesIO()
    document = Document("Statement", COLUMNS, facts=facts, totals=totals, foot="made by hand")
    pages = write_pdf(document, rows, len(rows) if count is None else count, content, plain=True)
    return pages, content.getvalue().decode("cp1252")


def drawn(text):
    """The drawn strings, in order."""
    found = re.findall(r"\(((?:\\.|[^()\\])*)\) Tj", text)
    return [re.sub(r"\\(\d{3})", lambda m: bytes([int(m[1], 8)]).decode("cp1252"), one).replace("\\(", "(").replace("\\)", ")") for one in found]


@pytest.mark.parametrize("count", [0, 1, 28, 29, 30, 31, 32, 61, 62, 63, 64, 200])
def test_every_row_is_drawn_once_and_pages_are_numbered_n_of_m(count):
    rows = [(f"row {number}", f"{number}.00") for number in range(count)]

    pages, text = written(rows, totals=[("Total", "9.00")], facts=[("Period", "all of it")])

    words = drawn(text)
    assert [word for word in words if word.startswith("row ")] == [row[0] for row in rows]
    assert [word for word in words if word.startswith("Page ")] == [f"Page {n} of {pages}" for n in range(1, pages + 1)]
    assert len(re.findall(r"/Type /Page\b(?!s)", text)) == pages
    assert words.count("Total") == 1
    assert words.index("Total") > max([words.index(row[0]) for row in rows], default=0)


def test_nothing_is_drawn_below_the_foot():
    _, text = written([(f"row {n}", "1.00") for n in range(100)], totals=[("Total", "9"), ("Rest", "1")])

    heights = [float(y) for y in re.findall(r"1 0 0 1 [\d.]+ ([\d.]+) Tm", text)]
    assert min(heights) == 36
    assert sorted({y for y in heights if y > 36})[0] >= 36 + 11


def test_letters_that_the_fonts_lack_and_control_characters_do_not_break_it():
    _, text = written([("नमस्ते ₹ (a) \\ \x00\n\ud83d", "1.00")])

    words = drawn(text)
    assert any("?" in word and "(a)" in word for word in words)
    assert "1.00" in words


def test_a_cell_that_is_too_wide_is_cut():
    _, text = written([("x" * 500, "1.00")])

    (cell,) = [word for word in drawn(text) if word.startswith("xxx")]
    assert cell.endswith("…")
    assert len(cell) < 300
