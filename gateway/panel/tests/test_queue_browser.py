"""The queue on the keyboard, in a real Chromium: moved through, selected, decided, with the pointer never touched."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ledger.testing import assert_ledger_balances
from payouts.models import Payout

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_queue_is_cleared_without_a_pointer(cast, browse, make_payout):
    for name in ("Asha Rao", "Meera Iyer", "Imran Qureshi", "Jyoti Das"):
        make_payout(cast.merchant, by=cast.merchant_user, beneficiary_name=name)
    page = browse(cast.admin)
    page.goto("/panel/queue")
    link = lambda name: page.get_by_role("link", name=f"Payout to {name}", exact=True)  # noqa: E731

    page.keyboard.press("j")
    expect(link("Asha Rao")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(link("Meera Iyer")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Approve ₹500.00 to Asha Rao?")).to_be_visible()
    page.keyboard.press("r")  # a dialog is open: letters are its own
    expect(page.get_by_role("heading", name="Approve ₹500.00 to Asha Rao?")).to_be_visible()
    page.get_by_role("button", name="Approve ₹500.00").press("Enter")

    expect(link("Asha Rao")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/panel/queue$"))
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Reject: 2 records, ₹1,000.00?")).to_be_visible()
    page.get_by_label("Reason").fill("Not known to us")
    page.get_by_role("button", name="Reject all 2").press("Enter")
    expect(page.get_by_role("heading", name="2 of 2 rejected")).to_be_visible()
    page.get_by_role("link", name="Back to what waits").press("Enter")

    expect(link("Jyoti Das")).to_be_visible()
    found = dict(Payout.objects.values_list("beneficiary_name", "status"))
    assert found == {
        "Asha Rao": "approved", "Meera Iyer": "rejected", "Imran Qureshi": "rejected", "Jyoti Das": "pending",
    }
    assert_ledger_balances()


def test_whoever_wants_no_letters_switches_them_off(cast, browse, make_payout):
    make_payout(cast.merchant, by=cast.merchant_user)
    page = browse(cast.admin)
    page.goto("/panel/queue")
    keys = page.get_by_role("heading", name="On the keyboard")

    page.keyboard.press("?")
    expect(keys).to_be_visible()
    page.get_by_label("Use these keys on this page").uncheck()
    page.reload()
    page.keyboard.press("?")

    expect(keys).to_be_hidden()


def test_without_script_the_same_form_decides(cast, browse, make_payout):
    make_payout(cast.merchant, by=cast.merchant_user)
    page = browse(cast.admin, java_script_enabled=False)
    page.goto("/panel/queue")

    page.get_by_label("Select Payout to Ravi Kumar, ₹500.00").check()
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("button", name="Approve", exact=True).click()

    expect(page.get_by_role("heading", name="1 of 1 approved")).to_be_visible()
    assert Payout.objects.get().status == "approved"


def test_a_tab_is_called_by_its_kind_and_its_count(cast, browse, make_payout):
    make_payout(cast.merchant, by=cast.merchant_user)
    page = browse(cast.admin)
    page.goto("/panel/queue")

    expect(page.get_by_role("link", name="Everything 1", exact=True)).to_be_visible()
