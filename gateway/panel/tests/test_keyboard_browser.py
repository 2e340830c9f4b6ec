"""The panel by keyboard alone: past the menu to the content, into a dialog, around in it, and out to where one was."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
INSIDE = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"


def test_the_first_stop_leads_past_the_menu(cast, browse):
    page = browse(cast.merchant_user)
    page.goto("/panel/payments")

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")

    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('#content')")


def test_what_has_focus_can_be_seen(cast, browse):
    page = browse(cast.merchant_user)
    page.goto("/panel/payments/new")
    for _ in range(30):
        page.keyboard.press("Tab")
        ring = page.evaluate(
            "() => { const one = document.activeElement, style = getComputedStyle(one);"
            " return [one.outerHTML.slice(0, 80), one === document.body || style.outlineStyle !== 'none' ||"
            " style.boxShadow !== 'none']; }"
        )
        assert ring[1], ring[0]


@pytest.mark.parametrize("close", ["Escape", "Cancel", "outside"])
def test_a_dialog_keeps_the_focus_and_gives_it_back(cast, browse, make_payout, close):
    payout = make_payout(cast.merchant, 50_000, by=cast.merchant_user)
    page = browse(cast.admin)
    page.goto(f"/panel/payouts/{payout.public_id}")
    opener = page.get_by_role("link", name="Reject")
    opener.focus()
    page.keyboard.press("Enter")

    dialog = page.get_by_role("dialog", name="Reject")
    expect(dialog).to_be_visible()
    assert page.evaluate(INSIDE)
    for key in ["Tab"] * 8 + ["Shift+Tab"] * 8:
        page.keyboard.press(key)
        assert page.evaluate(INSIDE)
    if close == "Escape":
        page.keyboard.press("Escape")
    elif close == "Cancel":
        dialog.get_by_role("link", name="Cancel").press("Enter")
    else:
        page.mouse.click(5, 5)

    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    payout.refresh_from_db()
    assert payout.status == "pending"


def test_the_account_menu_closes_and_gives_the_focus_back(cast, browse):
    page = browse(cast.merchant_user)
    page.goto("/panel/")
    menu = page.get_by_label("Your account")
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Profile")).to_be_focused()

    page.keyboard.press("Escape")

    expect(menu).to_be_focused()
    expect(page.get_by_role("link", name="Profile")).to_be_hidden()
