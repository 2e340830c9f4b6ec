"""Bank files in a real Chromium: from approval to processed, with and without script, on a desk and on a phone."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.actors import Actor
from gateway.lib.money import Money
from ledger.models import FeePlan
from ledger.testing import assert_ledger_balances
from payouts.batches import export_batch, mark_sent, open_batch, queries, upload_result
from payouts.batches.results import drive_results
from payouts.models import Payout, PayoutBatch
from payouts.services import approve_payout, create_payout

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PEOPLE = [("Ravi Kumar", "HDFC0001234", 4_500_000), ("Meridian Logistics Private Limited", "ICIC0004321", 1_234_567),
          ("Lakshmi Venkataraman", "SBIN0060589", 98_700)]


@pytest.fixture
def payouts(cast, fund, settings):
    """Three live payouts that wait for approval."""
    settings.LIVE_PAYOUT_PROVIDER = "bank_file"
    FeePlan.objects.create(merchant=cast.merchant, product="payout")
    fund(cast.merchant, 10_000_000, mode="live")
    return [
        create_payout(
            actor=Actor(cast.merchant_user, "t"), merchant=cast.merchant, mode="live", contract="portal",
            amount=Money(minor, "INR"), reference=f"VENDOR-{number}", beneficiary_name=name,
            account_number=f"50100123456{number}", ifsc=ifsc, created_by=cast.merchant_user,
        )
        for number, (name, ifsc, minor) in enumerate(PEOPLE)
    ]


@pytest.fixture
def shoot():
    """Pictures for people, where SCREENSHOTS names a folder."""
    folder = os.environ.get("SCREENSHOTS", "")

    def shoot(page, name):
        if folder:
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    return shoot


def answer_of(content, words):
    """What a bank would answer to this very file: one word and UTR for each of its rows."""
    rows = list(csv.DictReader(io.StringIO(content)))
    lines = [f"{row['Reference']},{words[row['Beneficiary name']]}" for row in rows]
    return "\n".join(["Reference,Status,UTR,Reason", *lines]).encode()


def approve_all(page, payouts):
    for payout in payouts:
        page.goto(f"/panel/payouts/{payout.public_id}/approve")
        page.get_by_text("It then waits for the next bank file, and can be rejected until it stands in one.").wait_for()
        page.get_by_role("button", name="Approve ₹").click()
        page.get_by_text(f"to {payout.beneficiary_name} is approved.").wait_for()
    page.get_by_text("It waits for a bank file.").wait_for()


def test_from_approval_to_processed(cast, browse, payouts, balances, shoot):
    page = browse(cast.admin, mode="live", accept_downloads=True)
    approve_all(page, payouts)

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Bank files").click()
    page.get_by_text("3 approved payouts wait for a batch").wait_for()
    page.get_by_role("link", name="Choose payouts").click()
    page.get_by_label("Note").fill("Friday, noon")
    shoot(page, "batch-new")
    page.get_by_role("button", name="Open a batch with those ticked").click()
    page.get_by_text("The batch is open.").wait_for()
    page.get_by_role("button", name="Make CSV").click()
    page.get_by_text("is made. Download it below").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="payouts-").click()
    content = Path(download.value.path()).read_text()
    shoot(page, "batch-exported")
    page.get_by_role("link", name="Mark as sent").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Mark ₹58,332.67 as sent?").wait_for()
    dialog.get_by_role("button", name="It is with the bank").click()
    page.get_by_text("The batch is with the bank.").wait_for()
    assert set(Payout.objects.values_list("status", flat=True)) == {"processing"}

    page.get_by_role("link", name="Upload result file").click()
    words = {
        "Ravi Kumar": "SUCCESS,N326261234567890,", "Lakshmi Venkataraman": "SUCCESS,,",
        "Meridian Logistics Private Limited": "FAILED,,Account closed",
    }
    page.get_by_label("Result file").set_input_files(
        {"name": "hdfc-result.csv", "mimeType": "text/csv", "buffer": answer_of(content, words)}
    )
    page.get_by_role("button", name="Read the file").click()
    page.get_by_text("Nothing of this counts yet.").wait_for()
    page.get_by_text("Paid, but without a UTR.").wait_for()
    shoot(page, "batch-preview")
    page.get_by_role("link", name="Apply").click()
    dialog.get_by_role("button", name="Apply").click()
    page.get_by_text("The worker is applying it").wait_for()
    assert drive_results() == 1

    # The page asks by itself until the worker is done.
    page.locator(".page-kicker").get_by_text("Applied").wait_for()
    expect(page.locator("#record[hx-trigger]")).to_have_count(0)
    shoot(page, "batch-applied")
    page.locator(".page-kicker").get_by_role("link").click()
    page.get_by_text("N326261234567890").wait_for()
    shoot(page, "batch-answered")
    page.get_by_role("link", name="Unclear 1").click()
    page.get_by_role("link", name="Lakshmi Venkataraman").click()
    page.get_by_role("link", name="Resolve").click()
    dialog.get_by_label("It paid in full").check()
    dialog.get_by_label("UTR").fill("N326261234567899")
    dialog.get_by_label("Note").fill("Called the branch")
    dialog.get_by_role("button", name="Resolve").click()
    page.get_by_text("The payout is resolved.").wait_for()

    assert dict(Payout.objects.values_list("beneficiary_name", "status")) == {
        "Ravi Kumar": "processed", "Lakshmi Venkataraman": "processed",
        "Meridian Logistics Private Limited": "failed",
    }
    assert balances(cast.merchant, "live") == (10_000_000 - 4_500_000 - 98_700, 0, 0)
    assert_ledger_balances()


def test_without_script_the_same_way_works(cast, browse, payouts):
    actor = Actor(cast.admin, "t")
    for payout in payouts:
        approve_payout(actor=actor, payout=payout)
    page = browse(cast.admin, mode="live", java_script_enabled=False)

    page.goto("/panel/batches/new?bank=HDFC")
    page.get_by_role("button", name="Open a batch with those ticked").click()
    page.get_by_role("button", name="Make XLSX").click()
    page.get_by_role("link", name="Mark as sent").click()
    page.get_by_role("button", name="It is with the bank").click()
    page.get_by_role("link", name="Upload result file").click()
    [line] = queries.lines_of(PayoutBatch.objects.get())
    content = f"Reference,Status,UTR,Reason\n{line.reference},SUCCESS,UTR0000001,".encode()
    page.get_by_label("Result file").set_input_files({"name": "r.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Read the file").click()
    page.get_by_role("link", name="Apply").click()
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("The worker is applying it").wait_for()
    drive_results()
    page.reload()
    page.locator(".page-kicker").get_by_text("Applied").wait_for()

    assert dict(Payout.objects.values_list("beneficiary_name", "status"))["Ravi Kumar"] == "processed"
    assert_ledger_balances()


@pytest.fixture
def everything(cast, payouts):
    """A batch with an answer, formats, a merchant with fees: the addresses of all that can be looked at."""
    actor = Actor(cast.admin, "t")
    approved = [approve_payout(actor=actor, payout=payout).public_id for payout in payouts]
    batch = open_batch(actor=actor, mode="live", payout_ids=approved[:2], note="Vendors of November, second half")
    export_batch(actor=actor, batch=batch, file_type="csv")
    mark_sent(actor=actor, batch=batch)
    first, second = (line.reference for line in queries.lines_of(batch))
    content = f"Reference,Status,UTR,Reason\n{first},SUCCESS,N326261234567890,\n{second},MAYBE,,{'x' * 150}".encode()
    result = upload_result(actor=actor, batch=batch, name="a-rather-long-name-of-a-result-file.csv", content=content)
    beneficiary = payouts[1].beneficiary.public_id
    return {
        "batches": "batches", "batch": f"batches/{batch.public_id}", "batch-choose": "batches/new",
        "result": f"batches/results/{result.public_id}", "upload": f"batches/{batch.public_id}/result",
        "formats": "batches/formats", "format": "batches/formats/new", "beneficiaries": "beneficiaries",
        "beneficiary": f"beneficiaries/{beneficiary}", "merchants": "merchants",
        "merchant": f"merchants/{cast.merchant.public_id}?amount=1234.50", "default-fees": "merchants/default-fees",
        "fee": f"merchants/{cast.merchant.public_id}/fees/payout", "payout": f"payouts/{payouts[0].public_id}",
    }


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_every_page_fits(cast, browse, everything, shoot, width, scheme):
    page = browse(cast.super_admin, mode="live", width=width, color_scheme=scheme)

    for name, path in everything.items():
        answer = page.goto(f"/panel/{path}")
        assert answer.status == 200, path
        page.locator("h1").first.wait_for()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, path
        shoot(page, f"{name}-{width}-{scheme}")


def test_a_merchant_sees_its_fees_and_blocks_a_beneficiary(cast, browse, payouts, shoot):
    page = browse(cast.merchant_user, mode="live")
    page.goto("/panel/profile")
    page.get_by_role("heading", name="Fees").wait_for()
    shoot(page, "profile-fees")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Beneficiaries").click()
    page.get_by_role("link", name="Ravi Kumar").click()
    page.get_by_role("link", name="Block").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Never heard of them")
    dialog.get_by_role("button", name="Block").click()
    page.get_by_text("No payout goes to this account.").wait_for()

    payouts[0].beneficiary.refresh_from_db()
    assert payouts[0].beneficiary.status == "blocked"
    assert page.get_by_role("link", name="Unblock").count() == 0
