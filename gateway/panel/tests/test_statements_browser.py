"""A statement's whole story in a real Chromium: uploaded, mapped, previewed, imported, the rest assigned by hand."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actors import Actor
from gateway.lib.money import Money
from ledger.testing import assert_ledger_balances
from payments import work
from payments.receiving import add_account
from payments.receiving.queries import INDIA
from payments.services import confirm_payment, create_payment
from payments.statements.importing import drive_statements

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAYER = Actor.system("payment page")
UTR, OTHER = "412345678901", "512345678901"


@pytest.fixture
def claimed(cast, settings):
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    add_account(
        actor=Actor(cast.super_admin, "tests"), mode="live", vpa="shop@okbank", bank_name="OK Bank",
        holder="Chai Point Pvt Ltd", daily_limit=Money(50_000_000, "INR"),
    )

    def claimed(reference, minor, utr):
        payment = create_payment(
            actor=PAYER, merchant=cast.merchant, mode="live", contract="portal", amount=Money(minor, "INR"),
            reference=reference,
        )
        confirm_payment(actor=PAYER, payment=payment, utr=utr)
        work.drive_payments()
        return payment

    return claimed


def test_a_statement_from_upload_to_the_last_credit(cast, browse, claimed):
    payment, near = claimed("ORDER-1", 100_000, UTR), claimed("ORDER-2", 25_000, "512345678910")
    day = f"{timezone.localdate(timezone=INDIA):%d/%m/%Y}"
    rows = [
        "OK Bank,Account statement", "", "Txn Date,Particulars,Bank Ref,Withdrawals,Deposits,Money",
        f"{day},UPI/{UTR}/ASHA,{UTR},,,1000.00", f"{day},UPI/{OTHER}/RAVI,{OTHER},,,250.00", f"{day},RENT,,90.00,,",
    ]
    page = browse(cast.admin, mode="live")
    page.goto("/panel/statements")
    page.get_by_role("link", name="New statement").first.click()
    page.get_by_label("File").set_input_files(
        files=[{"name": "november.csv", "mimeType": "text/csv", "buffer": "\n".join(rows).encode()}]
    )
    page.get_by_role("button", name="Read the file").click()

    # The bank's odd column is not guessed: nothing but the debit is read, until an operator says where the credits are.
    expect(page.get_by_role("heading", name="november.csv")).to_be_visible()
    page.get_by_role("combobox", name="Credits", exact=True).select_option("Money")
    page.get_by_label("UTR or reference").select_option("Bank Ref")
    page.get_by_label("Keep this mapping as").fill("OK Bank")
    page.get_by_role("button", name="Read it this way").click()
    expect(page.get_by_role("row").filter(has_text=UTR)).to_contain_text("Matched")
    expect(page.get_by_role("row").filter(has_text=OTHER)).to_contain_text("Unmatched")

    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", name="Being imported")).to_be_visible()
    drive_statements()
    # The page asks by itself until the worker is done.
    expect(page.locator("#record[hx-trigger]")).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text=UTR)).to_contain_text("Matched")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Statements").click()
    page.get_by_role("link", name="Go through them").click()
    page.get_by_role("link", name=OTHER).click()
    expect(page.get_by_text("the UTR differs in one place")).to_be_visible()
    page.get_by_role("link", name="Assign to ORDER-2").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Payment ID or order ID")).to_have_value(near.public_id)
    dialog.get_by_role("button", name="Assign").click()
    expect(page.locator(".page-kicker")).to_contain_text("Matched")

    for row, utr in ((payment, UTR), (near, OTHER)):
        row.refresh_from_db()
        assert (row.status, row.utr) == ("succeeded", utr)
    assert_ledger_balances()
