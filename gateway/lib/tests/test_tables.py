"""Uploaded tables: the same rows whatever the format, a clear refusal for everything that is not one."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from openpyxl import Workbook

from gateway.lib.tables import TableUnreadable, find_header, read_table

ROWS = [["Date", "Narration", "Credit"], ["2026-11-01", "UPI/412345678901/Zoë", "1234.10"], ["2026-11-02", "x", "5"]]


def text(rows, delimiter=","):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def workbook(rows):
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def read(data, name="statement"):
    return list(read_table(data, name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_in_every_encoding_and_with_every_delimiter(encoding, delimiter):
    assert read(text(ROWS, delimiter).encode(encoding)) == ROWS


def test_a_preamble_and_commas_in_narrations_do_not_mislead():
    data = b"Account,12345\n\nDate;Narration;Credit\n01/11/26;paid, with thanks, today;5,00\n02/11/26;again, so;7,50\n"

    assert read(data)[3] == ["01/11/26", "paid, with thanks, today", "5,00"]
    assert read(data)[1] == []


def test_xlsx_gives_what_a_spreadsheet_shows():
    rows = [["When", "Sum", "UTR"], [date(2026, 11, 1), 1234.1, 412345678901], [datetime(2026, 11, 2, 9, 5, tzinfo=UTC).replace(tzinfo=None), 0.1 + 0.2, True]]

    assert read(workbook([*rows, [], [None, None, 4.0]])) == [
        ["When", "Sum", "UTR"],
        ["2026-11-01", "1234.1", "412345678901"],
        ["2026-11-02 09:05:00", "0.3", "TRUE"],
        [],
        ["", "", "4"],
    ]


def test_formulas_are_not_calculated():
    assert read(workbook([["=1+1", "a"], ["=HYPERLINK(\"http://x\")", "b"]])) == [["", "a"], ["", "b"]]


def test_a_table_can_be_read_again():
    table = read_table(text(ROWS).encode(), "x.csv")

    assert list(table) == list(table) == ROWS


def _zip(**parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name.replace("__", "/") + ".xml", content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "password"),
        (b"\n <html><table>", "web page"),
        (b'{"a": 1}', "JSON"),
        (b"a,b\n\0,2\n", "neither"),
        (b"\x81\x8d,2\n", "neither"),
        (b"PK\x03\x04 nonsense", "damaged"),
        (_zip(notes="hello"), "not an XLSX"),
        (_zip(xl__workbook="<workbook/>"), "damaged"),
        (_zip(xl__workbook='<!DOCTYPE w [<!ENTITY a "b">]><w/>'), "entities"),
        (b'a,b\n1,"never closed\n2,3\n', "well-formed"),
        (b",".join([b"x"] * 201), "columns"),
        (b"a,b\n1," + b"x" * 4001, "characters"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(data, said):
    with pytest.raises(TableUnreadable, match=said):
        read(data)


def test_limits_on_bytes_rows_and_unpacked_size(settings):
    settings.TABLE_MAX_ROWS, settings.TABLE_MAX_BYTES = 3, 5_000

    assert read(text(ROWS).encode()) == ROWS
    with pytest.raises(TableUnreadable, match="3 rows"):
        read(text([*ROWS, ["one", "too", "many"]]).encode())
    with pytest.raises(TableUnreadable, match="larger"):
        read(b"a,b\n" * 2_000)
    bomb = _zip(xl__workbook="<w/>", xl__worksheets__sheet1="0" * 1_000_000)
    assert len(bomb) < 5_000
    with pytest.raises(TableUnreadable, match="unpacks"):
        read(bomb)


def test_a_sheet_that_claims_a_far_row_is_stopped_at_the_limit(settings):
    settings.TABLE_MAX_ROWS = 1_000
    book, out = Workbook(), io.BytesIO()
    book.active["A1048576"] = "far"
    book.save(out)

    with pytest.raises(TableUnreadable, match="1,000 rows"):
        read(out.getvalue())


def test_the_header_is_found_below_a_banks_preamble():
    rows = [["Account statement"], ["Account no", "12345"], [], ["Date", "Narration", "Credit"], ["01/11/26", "x", "5.00"]]

    assert find_header(rows) == 3
    assert find_header([["1", "2"], ["3", "4"]]) is None
    assert find_header([]) is None


_cells = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)


@limits(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_cells, _cells, _cells), min_size=1, max_size=8))
def test_what_is_written_as_csv_is_read_back(rows):
    """With the one delimiter known: the sniffing is shown above."""
    data = "date,narration,credit\n" * 3 + text([[*map(_quiet, row)] for row in rows])

    assert read(data.encode())[3:] == [list(map(_quiet, row)) for row in rows]


def _quiet(cell):
    """Without what would make another delimiter or line the likelier one."""
    return "".join(letter for letter in cell if letter not in ";\t|\r\n")


@limits(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise_anything_else(data):
    try:
        read(data)
    except TableUnreadable:
        pass
