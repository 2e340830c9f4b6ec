"""Where the focus is after a form came back with errors, and after a dialog has moved on, in a real Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("path", "button", "field"),
    [
        ("/panel/corrections/new", "Propose", "Merchant"),
        ("/panel/users/new", "Add user", "Name"),
    ],
)
def test_the_first_bad_field_has_the_focus(cast, browse, path, button, field):
    page = browse(cast.super_admin)
    page.goto(path)
    title = page.title()
    page.get_by_role("button", name=button).press("Enter")

    expect(page).to_have_title(f"Error: {title}")
    expect(page.get_by_label(field, exact=True).first).to_be_focused()


def test_a_question_that_is_a_page_of_its_own_says_what_is_missing(cast, browse, make_payout):
    payout = make_payout(cast.merchant, 50_000, by=cast.merchant_user)
    page = browse(cast.admin)
    page.goto(f"/panel/payouts/{payout.public_id}/reject")
    page.get_by_role("button", name=re.compile("^Reject")).press("Enter")

    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_role("main").locator('[aria-invalid="true"]')).to_be_focused()


def test_a_dialog_that_comes_back_with_errors_keeps_the_focus(cast, browse, make_payout):
    payout = make_payout(cast.merchant, 50_000, by=cast.merchant_user)
    page = browse(cast.admin)
    page.goto(f"/panel/payouts/{payout.public_id}")
    title = page.title()
    page.get_by_role("link", name="Reject").press("Enter")
    dialog = page.get_by_role("dialog", name="Reject")
    dialog.get_by_role("button", name=re.compile("^Reject")).press("Enter")

    expect(dialog.locator('[aria-invalid="true"]')).to_be_focused()
    expect(page).to_have_title(title)
    payout.refresh_from_db()
    assert payout.status == "pending"


def test_the_next_step_of_a_dialog_begins_at_its_title(cast, browse, make_payout):
    payout = make_payout(cast.merchant, 50_000, by=cast.merchant_user)
    page = browse(cast.admin)
    page.goto(f"/panel/payouts/{payout.public_id}")
    page.get_by_role("link", name="Reject").press("Enter")
    step = '<div class="dialog-panel"><header><h2 id="dialog-title">Is that so?</h2></header><a href="#">Yes</a></div>'
    page.route("**/reject*", lambda route: route.fulfill(status=200, content_type="text/html", body=step))

    page.get_by_role("dialog", name="Reject").get_by_role("button", name=re.compile("^Reject")).press("Enter")

    expect(page.get_by_role("heading", name="Is that so?")).to_be_focused()


def test_how_much_a_filter_finds_is_said(cast, browse, make_payment):
    for _ in range(3):
        make_payment(cast.merchant, by=cast.merchant_user)
    page = browse(cast.merchant_user)
    page.goto("/panel/payments")
    said = page.locator("#found[role=status]")
    expect(said).to_have_text("")

    page.get_by_label("Status").select_option("failed")
    expect(said).to_have_text(page.locator("#results .empty h3").inner_text())
    page.get_by_label("Status").select_option("")
    expect(said).to_have_text("1–3 of 3")
