"""The ledger's pages: what each role finds there, and statements whose three forms carry the same figures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from crypto import testing
from gateway.lib.documents import write_pdf
from gateway.lib.tests.test_documents import drawn
from gateway.panel.ledger import statements
from ledger.balances import balance_at
from ledger.models import Entry, LedgerAccount, Posting
from ledger.statements import statement
from payments.services import create_refund

ROLES = ("super_admin", "admin", "other_admin", "merchant_user", "api_user", "other_user")


def sees(cast, signed_in, address):
    return {who: signed_in(getattr(cast, who)).get(address).status_code for who in ROLES}


@pytest.fixture
def books(cast, fund, paid, make_payout):
    """A deposit, a payment with its charge, a payout that is held; and somebody else's money."""
    fund(cast.merchant, 5_000_000)
    payment = paid(cast.merchant, 100_000, operator=cast.admin, reference="ORDER-77")
    payout = make_payout(cast.merchant, 50_000, by=cast.merchant_user, reference="PO-9")
    fund(cast.other, 7_700_000)
    return SimpleNamespace(payment=payment, payout=payout)


def test_a_posting_is_seen_by_its_own_people_only(cast, signed_in, books):
    posting = Posting.objects.get(kind="payment.capture")

    assert sees(cast, signed_in, reverse("panel:posting", args=[posting.pk])) == {
        "super_admin": 200, "admin": 200, "other_admin": 404, "merchant_user": 200, "api_user": 404, "other_user": 404,
    }
    assert signed_in(cast.merchant_user, mode="live").get(reverse("panel:posting", args=[posting.pk])).status_code == 404


def test_an_account_is_seen_by_its_own_people_and_the_houses_by_super_admins(cast, signed_in, books):
    own = LedgerAccount.objects.get(merchant=cast.merchant, kind="available")
    house = LedgerAccount.objects.get(kind="fees")

    assert sees(cast, signed_in, reverse("panel:ledger-account", args=[own.pk])) == {
        "super_admin": 200, "admin": 200, "other_admin": 404, "merchant_user": 200, "api_user": 404, "other_user": 404,
    }
    assert sees(cast, signed_in, reverse("panel:ledger-account", args=[house.pk])) == {
        "super_admin": 200, "admin": 404, "other_admin": 404, "merchant_user": 404, "api_user": 404, "other_user": 404,
    }


def test_a_posting_leads_to_what_it_is_about_and_is_proven(cast, signed_in, books):
    client = signed_in(cast.merchant_user)
    pages = {
        row.kind: client.get(reverse("panel:posting", args=[row.pk])).content.decode()
        for row in Posting.objects.filter(merchant=cast.merchant)
    }

    assert reverse("panel:payment", args=[books.payment.public_id]) in pages["payment.capture"]
    assert "ORDER-77" in pages["payment.capture"]
    assert reverse("panel:payout", args=[books.payout.public_id]) in pages["payout.hold"]
    assert all(">Proven<" in page for page in pages.values())
    assert set(pages) >= {"deposit", "payment.capture", "payout.hold"}


def test_a_refunds_posting_leads_to_its_payment(cast, signed_in, books):
    from accounts.actors import Actor
    from gateway.lib.money import Money

    create_refund(actor=Actor(cast.merchant_user, "tests"), payment=books.payment, amount=Money(1_000, "INR"))
    row = Posting.objects.get(kind="refund.hold")

    page = signed_in(cast.merchant_user).get(reverse("panel:posting", args=[row.pk])).content.decode()

    assert f'href="{reverse("panel:payment", args=[books.payment.public_id])}"' in page


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ({"q": "{payment}"}, ["payment.capture"]), ({"q": "{payout}"}, ["payout.hold"]), ({"q": "nothing"}, []),
        ({"kind": "payout.hold"}, ["payout.hold"]), ({"from_day": "2100-01-01"}, []), ({"q": "a\0b"}, []),
        ({"to_day": "2020-01-01"}, []), ({"merchant": "mrc_unknown"}, []), ({"kind": "no.such"}, []),
        ({"merchant": "{other}"}, ["deposit"]), ({"q": "99999999999999999999"}, []),
    ],
)
def test_postings_are_found_by_what_they_are_about(cast, signed_in, books, query, kinds):
    names = {"payment": books.payment.public_id, "payout": books.payout.public_id, "other": cast.other.public_id}

    answer = signed_in(cast.super_admin).get(
        reverse("panel:ledger"), {name: value.format(**names) for name, value in query.items()}
    )

    assert [row.kind for row, _ in answer.context["postings"]] == kinds


def test_entries_show_the_balance_after_each_and_the_houses_is_worked_out(cast, signed_in, books, paid):
    paid(cast.merchant, 30_000, operator=cast.admin)
    client = signed_in(cast.super_admin)

    for account in LedgerAccount.objects.all():
        rows = client.get(reverse("panel:ledger-account", args=[account.pk])).context["rows"]
        running = 0
        for row in reversed(rows):
            running += row.entry.amount
            assert row.balance == running, account.code


def test_accounts_as_they_stood(cast, signed_in, fund):
    fund(cast.merchant, 10_000)
    client = signed_in(cast.super_admin)

    now = client.get(reverse("panel:ledger-accounts"))
    before = client.get(reverse("panel:ledger-accounts"), {"at": "2020-01-01T10:00"})
    future = client.get(reverse("panel:ledger-accounts"), {"at": "2090-01-01T10:00"})

    assert [(row.kind, minor) for row, minor in now.context["accounts"]] == [("clearing", -10_000), ("available", 10_000)]
    assert [minor for _, minor in before.context["accounts"]] == [0, 0]
    assert "Choose a moment that has passed." in future.content.decode()


def test_accounts_are_narrowed_by_owner_currency_and_kind(cast, signed_in, books, fund):
    fund(cast.merchant, 10**8, "USDT", network="bsc")
    client = signed_in(cast.super_admin)

    def codes(**query):
        return [row.code for row, _ in client.get(reverse("panel:ledger-accounts"), query).context["accounts"]]

    number = cast.merchant.pk
    assert codes(currency="USDT") == ["h/test/USDT.bsc/clearing.deposits", f"m/{number}/test/USDT.bsc/available"]
    assert codes(owner="house", kind="tax") == ["h/test/INR/tax"]
    assert codes(q=cast.merchant.public_id, kind="reserved") == [f"m/{number}/test/INR/reserved"]
    assert codes(kind="nonsense") == []
    own = signed_in(cast.merchant_user).get(reverse("panel:ledger-accounts")).content.decode()
    assert "h/test" not in own
    assert f"m/{cast.other.pk}/" not in own


def test_the_trial_balance_balances_and_is_for_super_admins(cast, signed_in, books):
    address = reverse("panel:trial-balance")

    page = signed_in(cast.super_admin).get(address).content.decode()

    assert ">Balances<" in page
    assert ">Off<" not in page
    assert sees(cast, signed_in, address) == dict.fromkeys(ROLES, 404) | {"super_admin": 200}
    assert sees(cast, signed_in, reverse("panel:trial-balance-xlsx")) == dict.fromkeys(ROLES, 404) | {"super_admin": 200}


def test_the_trial_balance_as_a_spreadsheet_has_the_same_totals(cast, signed_in, books):
    client = signed_in(cast.super_admin)
    (table,) = client.get(reverse("panel:trial-balance")).context["tables"]

    sheet = load_workbook(BytesIO(client.get(reverse("panel:trial-balance-xlsx")).content)).active

    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert rows[-1][2] == "Total"
    assert round(rows[-1][6] * 100) == round(rows[-1][7] * 100) == table.debit == table.credit
    assert round(sum(row[6] for row in rows[:-1]) * 100) == table.debit


def test_a_moment_that_cannot_be_read_gives_no_file_of_today(cast, signed_in, books):
    answer = signed_in(cast.super_admin).get(reverse("panel:trial-balance-xlsx"), {"at": "yesterday"})

    assert (answer.status_code, answer["Location"]) == (302, f"{reverse('panel:trial-balance')}?at=yesterday")


# Statements -------------------------------------------------------------------------------------------------
def test_a_statement_is_the_merchants_own_or_of_a_merchant_in_reach(cast, signed_in, books):
    for name in ("account-statement", "account-statement-pdf", "account-statement-xlsx"):
        address = reverse(f"panel:{name}")
        assert signed_in(cast.api_user).get(address).status_code == 404
        own = signed_in(cast.merchant_user).get(address, {"merchant": cast.other.public_id})
        assert own.status_code == 200
        assert b"77,000" not in own.content
        outside = signed_in(cast.other_admin).get(address, {"merchant": cast.merchant.public_id}, follow=True)
        assert b"Select a valid choice" in outside.content


def test_the_statement_on_screen_as_pdf_and_as_xlsx_has_the_same_figures(cast, signed_in, books):
    day = f"{timezone.localdate():%Y-%m-%d}"
    query = {"start": day, "end": day, "currency": "INR"}
    client = signed_in(cast.merchant_user)

    shown = client.get(reverse("panel:account-statement"), query).context["statement"]
    sheet = load_workbook(BytesIO(client.get(reverse("panel:account-statement-xlsx"), query).content)).active
    content = BytesIO()
    write_pdf(statements.document_of(shown), statements.printed_rows(shown), len(shown.movements) + 1, content, plain=True)

    accounts = LedgerAccount.objects.filter(merchant=cast.merchant, currency="INR")
    assert shown.opening + sum(row.amount for row in shown.movements) == shown.closing
    assert shown.closing == sum(balance_at(row, timezone.now()) for row in accounts) == shown.ledger_closing
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert [round((row[7] or 0) * 100) - round((row[6] or 0) * 100) for row in rows[1:-1]] == [row.amount for row in shown.movements]
    assert [round(row[8] * 100) for row in rows] == [shown.opening, *(row.balance for row in shown.movements), shown.closing]
    assert round(rows[-1][4] * 100), round(rows[-1][5] * 100) == (shown.fee_minor, shown.tax_minor)
    assert sheet.freeze_panes == "A2"
    words = drawn(content.getvalue().decode("cp1252"))
    for row in shown.movements:
        assert f"{row.balance / 100:,.2f}".replace(",", "") in {word.replace(",", "") for word in words}
    assert "Page 1 of 1" in words
    assert f"{cast.merchant.name} ({cast.merchant.public_id})" in words
    assert words.count("ORDER-77") == 1
    assert not any("₹" in word or "?" in word for word in words)


def test_the_files_are_downloads_that_nobody_keeps(cast, signed_in, books):
    client = signed_in(cast.merchant_user)

    pdf, xlsx = client.get(reverse("panel:account-statement-pdf")), client.get(reverse("panel:account-statement-xlsx"))

    assert pdf.content.startswith(b"%PDF-")
    assert pdf["Content-Type"] == "application/pdf"
    assert re.fullmatch(r'attachment; filename="statement-mrc_\w+-test-INR-[\d-]{21}\.pdf"', pdf["Content-Disposition"])
    assert xlsx.content.startswith(b"PK")
    assert pdf["Cache-Control"] == xlsx["Cache-Control"] == "no-store, private"


def test_your_reference_is_an_orders_receipt_and_a_sessions_reference(cast, signed_in, paid, settings):
    settings.SIMULATED_BLOCK_SECONDS = 0
    payment, session = paid(cast.merchant, operator=cast.admin), testing.open_session(cast.merchant, reference="S-17")
    type(payment.order).objects.filter(pk=payment.order_id).update(reference=None, receipt="receipt-17")
    testing.pay(session)
    testing.confirm(session)
    client = signed_in(cast.merchant_user)

    def records(currency):
        content = client.get(reverse("panel:account-statement-xlsx"), {"currency": currency}).content
        return [row[2:4] for row in load_workbook(BytesIO(content)).active.iter_rows(values_only=True)][2:-1]

    assert records("INR") == [(payment.public_id, "receipt-17")]
    assert records("USDT") == [(str(session.pk), "S-17")]


def test_references_that_would_run_in_a_spreadsheet_are_text(cast, signed_in, paid):
    payment = paid(cast.merchant, 100_000, operator=cast.admin)
    type(payment.order).objects.filter(pk=payment.order_id).update(reference="=HYPERLINK(1)")

    content = signed_in(cast.merchant_user).get(reverse("panel:account-statement-xlsx")).content

    cells = [cell for row in load_workbook(BytesIO(content)).active.iter_rows() for cell in row]
    assert "'=HYPERLINK(1)" in [cell.value for cell in cells]
    assert not any(cell.data_type == "f" for cell in cells)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"start": "2026-11-20", "end": "2026-11-01"}, "Must be after the start"), ({"start": "nonsense"}, "Enter a valid date"),
        ({"start": "0001-01-01"}, "Enter a day as"), ({"currency": "EUR"}, "Select a valid choice"), ({"kind": "fees"}, "Select a valid choice"),
    ],
)
def test_a_period_that_cannot_be_is_explained_beside_its_field(cast, signed_in, books, query, text):
    client = signed_in(cast.merchant_user)

    page = client.get(reverse("panel:account-statement"), query)
    pdf = client.get(reverse("panel:account-statement-pdf"), query)

    assert text in page.content.decode()
    assert page.context["statement"] is None
    assert pdf.status_code == 302


def test_pages_of_a_statement_go_on_where_the_one_before_ended(cast, signed_in, fund):
    for number in range(60):
        fund(cast.merchant, 100 + number)
    client = signed_in(cast.merchant_user)

    first = client.get(reverse("panel:account-statement")).context
    second = client.get(reverse("panel:account-statement"), {"page": "2"}).context

    assert (len(first["lines"]), len(second["lines"])) == (50, 10)
    assert second["lines"][0].movement.balance - second["lines"][0].movement.amount == first["lines"][-1].movement.balance
    assert first["statement"].closing == second["lines"][-1].movement.balance


def test_the_number_of_queries_does_not_grow_with_the_books(cast, signed_in, paid, django_assert_max_num_queries):
    client = signed_in(cast.super_admin)
    for _ in range(12):
        paid(cast.merchant, operator=cast.admin)
    account = LedgerAccount.objects.get(kind="clearing")
    addresses = [
        reverse("panel:ledger"), reverse("panel:ledger-accounts"), reverse("panel:trial-balance"),
        reverse("panel:ledger-account", args=[account.pk]), f"{reverse('panel:account-statement')}?merchant={cast.merchant.public_id}",
    ]

    for address in addresses:
        with django_assert_max_num_queries(45):
            client.get(address)


def test_a_day_of_the_reader_is_the_statements_day(cast, signed_in, fund):
    fund(cast.merchant, 100)
    client = signed_in(cast.merchant_user)
    client.cookies["zone"] = "Asia/Kolkata"

    found = client.get(reverse("panel:account-statement"), {"start": "2026-01-05", "end": "2026-01-05"}).context["statement"]

    assert found.start.isoformat() == "2026-01-05T00:00:00+05:30"
    assert found.end - found.start == timedelta(days=1)
    assert statement(
        merchant=cast.merchant, mode="test", currency="INR", start=found.start, end=timezone.now()
    ).closing == 100
    assert Entry.objects.count() == 2


def test_a_moment_of_any_offset_is_read(cast, signed_in):
    """PostgreSQL itself takes none beyond 15:59."""
    client = signed_in(cast.super_admin)

    answer = client.get(reverse("panel:trial-balance"), {"at": "2026-01-02T15:00+20:00"})

    assert answer.status_code == 200
    at = datetime(2026, 1, 1, 19, 0, 59, 999_999, tzinfo=UTC)
    assert answer.context["moment"] == at
