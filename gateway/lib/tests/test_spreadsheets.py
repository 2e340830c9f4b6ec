"""What leaves in a spreadsheet is exact, typed, and never runs."""

import csv
import io
import tracemalloc
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from gateway.lib.money import Money
from gateway.lib.spreadsheets import Column, safe_text, write_csv, write_xlsx

COLUMNS = [
    Column("Name"), Column("Amount", "money"), Column("Count", "number"), Column("At (UTC)", "time"),
    Column("Tokens", "money", currency="USDT"),
]
INDIA = timezone(timedelta(hours=5, minutes=30))
AT = datetime(2026, 11, 21, 14, 5, 6, tzinfo=INDIA)
HOSTILE = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM(A1)", " =1", " \t=1", "\u00a0=1",
    "=HYPERLINK(\"http://evil.example\",\"x\")", "=cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "−1", "﹦1",
]


def as_csv(columns, rows, **more):
    to = io.BytesIO()
    count = write_csv(columns, rows, to, **more)
    assert not to.closed
    return count, to.getvalue()


def as_xlsx(columns, rows):
    to = io.BytesIO()
    count = write_xlsx(columns, rows, to)
    return count, load_workbook(io.BytesIO(to.getvalue()))


def read_csv(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_csv_is_typed_and_exact():
    rows = [["Asha Rao, Pune", 123_456, 3, AT, Money(-5, "USDT")], [None, -500, Decimal("0.50"), None, None]]

    count, data = as_csv(COLUMNS, rows)

    assert count == 2
    assert data.decode() == (
        "Name,Amount,Count,At (UTC),Tokens\r\n"
        "\"Asha Rao, Pune\",1234.56,3,2026-11-21T08:35:06Z,-0.00000005\r\n"
        ",-5.00,0.50,,\r\n"
    )
    assert as_csv(COLUMNS, [], bom=True)[1].startswith(b"\xef\xbb\xbfName,")


def test_an_xlsx_is_typed_and_exact():
    count, book = as_xlsx(COLUMNS, [["Asha", 123_456, 3, AT, 10**8], ["Ravi", -500, Decimal("-0.5"), None, None]])

    sheet = book.active
    assert count == 2
    assert [cell.value for cell in sheet[1]] == ["Name", "Amount", "Count", "At (UTC)", "Tokens"]
    assert [cell.value for cell in sheet[2]] == ["Asha", 1234.56, 3, datetime(2026, 11, 21, 8, 35, 6), 1]  # noqa: DTZ001
    assert [cell.value for cell in sheet[3]] == ["Ravi", -5, -0.5, None, None]
    assert [cell.data_type for cell in sheet[2]] == ["s", "n", "n", "d", "n"]
    assert sheet["B2"].number_format == "#,##0.00"
    assert sheet.freeze_panes == "A2"


def test_what_15_digits_cannot_show_is_text_and_not_rounded():
    minor = 12_345_678_901_234_567  # 123,456,789.01234567 USDT: 17 digits
    _, book = as_xlsx([Column("Tokens", "money", currency="USDT")], [[minor]])

    cell = book.active["A2"]
    assert (cell.value, cell.data_type) == ("123456789.01234567", "s")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_starts_a_formula(text):
    columns = [Column("Text"), Column(text)]

    _, data = as_csv(columns, [["calm", text]])
    _, book = as_xlsx(columns, [["calm", text]])

    (_, title), (_, cell) = read_csv(data)
    assert (title, cell) == (safe_text(text), safe_text(text))
    assert cell == f"'{text}"
    for row in book.active.iter_rows():
        for found in row:
            assert found.data_type == "s"
            assert not found.value.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"))


@pytest.mark.parametrize("text", ["a=b", "Asha-Rao", "50100012345678", "00123", "a@b.example", "", "₹ 5", "'quoted'", "=".join("ab")])
def test_harmless_texts_stay_as_they_are(text):
    _, data = as_csv([Column("First"), Column("Text")], [["x", text]])

    assert read_csv(data)[1] == ["x", text]


@given(st.text())
def test_any_text_comes_back_or_is_disarmed(text):
    _, data = as_csv([Column("First"), Column("Text")], [["x", text]])

    rows = read_csv(data)
    assert len(rows) == 2
    assert rows[1] == ["x", safe_text(text)]
    assert not rows[1][1].lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_separators_of_other_locales_do_not_break_a_cell_apart():
    _, data = as_csv([Column("Text")], [["a;=1+1"], ["a\t=1+1"], ["a|b"]])

    assert data.decode().splitlines() == ["Text", '"a;=1+1"', '"a\t=1+1"', '"a|b"']


def test_a_cell_that_is_too_long_for_a_spreadsheet_is_cut_not_lost():
    _, book = as_xlsx([Column("Text")], [["x" * 40_000]])

    assert book.active["A2"].value == "x" * 32_767


def test_a_row_of_another_length_is_a_mistake():
    for write in (write_csv, write_xlsx):
        with pytest.raises(ValueError):
            write(COLUMNS, [["only one"]], io.BytesIO())


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(monkeypatch):
    monkeypatch.setattr("gateway.lib.spreadsheets.ROWS_PER_SHEET", 10)

    count, book = as_xlsx([Column("Number", "number")], ([number] for number in range(25)))

    assert count == 25
    assert [sheet.max_row - 1 for sheet in book] == [10, 10, 5]
    assert [sheet["A1"].value for sheet in book] == ["Number"] * 3
    assert [row[0].value for sheet in book for row in sheet.iter_rows(min_row=2)] == list(range(25))




@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_memory_does_not_grow_with_the_rows(write, tmp_path):
    def peak(count):
        tracemalloc.start()
        with open(tmp_path / "out", "wb") as file:
            write(COLUMNS, (["Asha Rao", number, number, AT, number] for number in range(count)), file)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)

    assert peak(3_000) < peak(300) + 2**19
