"""Statements as banks write them: columns, days, amounts, UTRs; what is unclear is said, never guessed."""

from __future__ import annotations

import io
from datetime import date

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from openpyxl import Workbook

from gateway.lib.tables import read_table
from payments.errors import BadStatement
from payments.statements.mapping import Mapping, check_mapping, find_columns, guess
from payments.statements.reading import read_amount, read_day, read_rows, read_statement

TODAY = date(2026, 11, 21)
HEAD = ["Txn Date", "Value Date", "Description", "Ref No./Cheque No.", "Debit", "Credit", "Balance"]
MAPPING = Mapping(day="Value Date", narration="Description", debit="Debit", credit="Credit")


def read(*rows, mapping=MAPPING, head=HEAD):
    return read_statement([["Statement of account"], [], head, *rows], mapping, today=TODAY)


def credit(day="21/11/2026", narration="UPI/CR/412345678901/ASHA/asha@okaxis", amount="1,00,000.00", debit=""):
    return [day, day, narration, "", debit, amount, "5,00,000.00"]


def test_a_row_becomes_a_credit():
    (one,) = read(credit()).credits

    assert (one.number, one.day, one.minor, one.utr, one.payer) == (
        4, date(2026, 11, 21), 10_000_000, "412345678901", "asha@okaxis"
    )


def test_debits_blank_rows_and_balances_are_left_out():
    reading = read(
        credit(amount="", debit="500.00"), ["", "", "Opening balance", "", "", "", "9.00"], [], credit(amount="0.00"),
        credit(day="", amount="7.00"), credit(debit="1.00"), credit(),
    )

    assert (len(reading.credits), reading.debits) == (1, 1)
    assert [one.text for one in reading.problems] == ["has an amount but no date", "has a credit and a debit"]


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1234.5", 123_450), ("1,234.50", 123_450), ("1,00,000", 10_000_000), ("₹ 12.00", 1_200), ("Rs. 12", 1_200),
        ("INR12.30", 1_230), ("12.00 Cr", 1_200), ("12.00Dr", -1_200), ("(12.00)", -1_200), ("-12.00", -1_200),
        ("-₹12", -1_200), ("+12", 1_200), ("", 0), ("-", 0), ("0.00", 0), ("12.3400", 1_234),
    ],
)
def test_amounts_as_banks_write_them(text, minor):
    assert read_amount(text) == minor


@pytest.mark.parametrize("text", ["1234,50", "1.234,50", "12,34", "1,2345", "abc", "1e5", "12.345", "١٢", "1 234", "=1+1", "9" * 17])
def test_an_amount_that_is_not_clear_is_refused(text):
    with pytest.raises(ValueError):
        read_amount(text)


def test_a_comma_before_paise_where_the_mapping_says_so():
    assert read_amount("1.234,50", ",") == 123_450
    with pytest.raises(ValueError):
        read_amount("1,234.50", ",")


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("05/11/2026", "DD/MM/YYYY", date(2026, 11, 5)), ("05-11-26", "DD/MM/YY", date(2026, 11, 5)),
        ("05.11.2026", "DD/MM/YYYY", date(2026, 11, 5)), ("11/05/2026", "MM/DD/YYYY", date(2026, 11, 5)),
        ("05-Nov-2026", "DD-MMM-YYYY", date(2026, 11, 5)), ("2026-11-05 10:20:30", "DD/MM/YYYY", date(2026, 11, 5)),
        ("05/11/2026 10:20:30", "DD/MM/YYYY", date(2026, 11, 5)), ("5 Nov 26", "DD-MMM-YY", date(2026, 11, 5)),
    ],
)
def test_days_as_banks_write_them(text, form, day):
    assert read_day(text, form, TODAY) == day


@pytest.mark.parametrize("text", ["31/11/2026", "11/25/2026", "05/12/2026", "05/11/1926", "today", "46000"])
def test_a_day_that_cannot_be_is_refused(text):
    with pytest.raises(ValueError):
        read_day(text, "DD/MM/YYYY", TODAY)


def test_a_utr_from_its_column_a_pattern_or_nowhere():
    with_column = Mapping(day="Value Date", utr="Ref No./Cheque No.", credit="Credit", narration="Description")
    row = credit()
    assert read(row, mapping=with_column).credits[0].utr == "412345678901"  # the column is empty: the narration's
    row[3] = "axis0001234567"
    assert read(row, mapping=with_column).credits[0].utr == "AXIS0001234567"
    pattern = Mapping(day="Value Date", credit="Credit", narration="Description", utr_pattern=r"NEFT-([A-Z0-9]+)-")
    assert read(credit(narration="NEFT-N123456789-X"), mapping=pattern).credits[0].utr == "N123456789"
    assert read(credit(narration="CASH DEPOSIT")).credits[0].utr == ""


def test_one_column_of_amounts_with_dr_and_cr():
    head, mapping = ["Date", "Amount", "Dr/Cr", "UTR"], Mapping(day="Date", amount="Amount", kind="Dr/Cr", utr="UTR")
    rows = [["21/11/2026", "5", "CR", "412345678901"], ["21/11/2026", "5", "Dr", "x"], ["21/11/2026", "5", "?", "x"]]

    reading = read(*rows, head=head, mapping=mapping)

    assert (len(reading.credits), reading.debits, len(reading.problems)) == (1, 1, 1)


def test_csv_and_xlsx_of_one_statement_are_the_same_lines():
    rows = [["Date", "Narration", "UTR", "Credit"], ["2026-11-21", "UPI", "412345678901", "1234.5"], ["2026-11-20", "X", "", "0.3"]]
    book, out = Workbook(), io.BytesIO()
    book.active.append(rows[0])
    book.active.append([date(2026, 11, 21), "UPI", 412345678901, 1234.5])
    book.active.append([date(2026, 11, 20), "X", None, 0.1 + 0.2])
    book.save(out)
    mapping = Mapping(day="Date", narration="Narration", utr="UTR", credit="Credit")

    by_csv = list(read_table("\n".join(",".join(row) for row in rows).encode(), "x.csv"))
    by_xlsx = list(read_table(out.getvalue(), "x.xlsx"))

    assert read_statement(by_csv, mapping, today=TODAY).credits == read_statement(by_xlsx, mapping, today=TODAY).credits


def test_formulas_are_text_and_no_amount():
    reading = read(credit(narration='=HYPERLINK("http://x","412345678901")'), credit(amount="=1+1"))

    assert reading.credits[0].narration.startswith("=HYPERLINK")
    assert len(reading.problems) == 1


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        (Mapping(credit="Credit", narration="Description"), "day"),
        (Mapping(day="Value Date", narration="Description"), "amount"),
        (Mapping(day="Value Date", narration="Description", credit="Credit", amount="Balance"), "amount"),
        (Mapping(day="Value Date", credit="Credit"), "utr"),
        (Mapping(day="Value Date", credit="Credit", narration="Description", day_format="MM"), "day_format"),
        (Mapping(day="Value Date", credit="Credit", debit="Credit", narration="Description"), "amount"),
        (Mapping(day="Value Date", credit="Credit", narration="Description", utr_pattern="(a"), "utr_pattern"),
        (Mapping(day="Value Date", credit="Credit", narration="Description", utr_pattern="abc"), "utr_pattern"),
        (Mapping(day="Value Date", credit="Credit", narration="Description", utr_pattern="(a+)+"), "utr_pattern"),
        (Mapping(day="Value Date", credit="Credit", narration="Description", utr_pattern=".*.*.*(.*)"), "utr_pattern"),
    ],
)
def test_a_bad_mapping_names_what_is_wrong(mapping, field):
    with pytest.raises(BadStatement) as refused:
        check_mapping(mapping)
    assert list(refused.value.details["fields"]) == [field]


def test_another_banks_mapping_says_which_column_is_missing():
    with pytest.raises(BadStatement, match="deposit"):
        find_columns(Mapping(day="Value Date", credit="Deposit", narration="Description"), [HEAD])


def test_the_wrong_column_is_noticed():
    with pytest.raises(BadStatement, match="no row below the header"):
        read(["21/11/2026", "21/11/2026", "x", "", "", "", "5.00"])


def test_a_first_mapping_is_guessed():
    assert guess(HEAD) == Mapping(day="Value Date", debit="Debit", credit="Credit", narration="Description")
    assert guess(["Date", "Amount", "Dr/Cr", "RRN"]) == Mapping(day="Date", amount="Amount", kind="Dr/Cr", utr="RRN")


def test_identical_lines_have_fingerprints_of_their_own_and_keep_them():
    first, second = read(credit(), credit()).credits
    again = read(credit(), credit(), credit()).credits

    assert first.fingerprint != second.fingerprint
    assert [one.fingerprint for one in again[:2]] == [first.fingerprint, second.fingerprint]


@limits(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.text(max_size=20), max_size=8), max_size=6))
def test_no_cells_whatever_raise_anything_else(rows):
    list(read_rows([HEAD, *rows], MAPPING, today=TODAY))


@pytest.mark.parametrize("amount", ["-500.00", "(500.00)", "500.00 Dr"])
def test_money_that_the_bank_took_back_is_no_credit(amount):
    reading = read(credit(amount=amount))

    assert (reading.credits, reading.debits) == ([], 0)
    assert [one.text for one in reading.problems] == ["has a negative credit"]


@pytest.mark.parametrize(("word", "amount", "minor"), [
    ("CR", "500.00", 50_000), ("Cr.", "500.00", 50_000), ("credit", "500.00", 50_000), ("Deposit", "500.00", 50_000),
    ("DR", "500.00", -50_000), ("debit", "-500.00", -50_000), ("Withdrawal", "500.00", -50_000),
])
def test_words_for_credits_and_debits(word, amount, minor):
    reading = read_statement(
        [["Date", "Narration", "Amount", "Type"], ["21/11/2026", "UPI 412345678901", amount, word]],
        Mapping(day="Date", narration="Narration", amount="Amount", kind="Type"), today=TODAY,
    )

    assert ([one.minor for one in reading.credits], reading.debits) == (([minor], 0) if minor > 0 else ([], 1))


@pytest.mark.parametrize(("word", "amount"), [
    ("Chargeback", "-500.00"), ("Charges", "500.00"), ("Cash Withdrawal", "500.00"), ("CR", "-500.00"), ("", "500.00"),
    ("Direct Credit", "500.00"),
])
def test_a_word_that_says_neither_or_contradicts_its_sign_is_shown_to_a_person(word, amount):
    reading = read_statement(
        [["Date", "Narration", "Amount", "Type"], ["21/11/2026", "UPI 412345678901", amount, word]],
        Mapping(day="Date", narration="Narration", amount="Amount", kind="Type"), today=TODAY,
    )

    assert (reading.credits, reading.debits, len(reading.problems)) == ([], 0, 1)


def test_a_pattern_takes_upis_twelve_digits_from_a_reference_filled_up_with_zeros():
    row = ["21/11/2026", "UPI-ASHA-asha@okaxis-412345678901-PAY", "0000412345678901", "", "500.00"]
    mapping = Mapping(
        day="Date", narration="Narration", utr="Chq./Ref.No.", debit="Debit", credit="Credit",
        utr_pattern="(?:^|[^0-9])0{0,4}([0-9]{12})(?![0-9])",
    )

    reading = read_statement([["Date", "Narration", "Chq./Ref.No.", "Debit", "Credit"], row], mapping, today=TODAY)

    assert [one.utr for one in reading.credits] == ["412345678901"]
