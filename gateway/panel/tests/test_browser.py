"""The main stories in a real Chromium, against a real server; `browse` is in gateway/conftest.py."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from crypto import testing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct-horse-battery"


def _sign_in(page, email):
    page.goto("/panel/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/panel/")


def test_an_operator_approves_a_payout_and_sees_it_processed(cast, browse, make_payout, balances, settings):
    from payouts.work import drive_payouts

    settings.SANDBOX_BANK_DELAY_SECONDS = 0
    payout = make_payout(cast.merchant, 4_500_000, by=cast.merchant_user)
    page = browse()
    _sign_in(page, "admin@example.com")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Payouts").click()
    page.get_by_role("link", name="Approve ₹45,000.00 to Ravi Kumar").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Approve ₹45,000.00 to Ravi Kumar?")
    dialog.get_by_role("button", name="Approve ₹45,000.00").click()
    page.wait_for_url(f"**/panel/payouts/{payout.public_id}")
    page.get_by_text("is approved.").wait_for()
    page.get_by_text("Approved", exact=True).first.wait_for()
    while drive_payouts(10):
        pass

    # The page asks by itself until the bank has answered.
    page.locator(".page-kicker").get_by_text("Processed").wait_for()
    expect(page.locator("#record[hx-trigger]")).to_have_count(0)
    payout.refresh_from_db()
    assert payout.status == "processed"
    assert balances(cast.merchant)[2] == 0


def test_rejecting_needs_a_reason_and_the_dialog_says_so(cast, browse, make_payout, balances):
    payout = make_payout(cast.merchant, 50_000, by=cast.merchant_user)
    held = balances(cast.merchant)
    page = browse(cast.admin)
    page.goto(f"/panel/payouts/{payout.public_id}")

    page.get_by_role("link", name="Reject").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Reject payout").click()
    dialog.get_by_text("This field is required.").wait_for()
    assert balances(cast.merchant) == held
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.get_by_role("link", name="Reject").click()
    dialog.get_by_label("Reason").fill("Unknown beneficiary")
    dialog.get_by_role("button", name="Reject payout").click()
    page.locator(".page-kicker").get_by_text("Rejected").wait_for()
    assert balances(cast.merchant)[2] == 0


def test_filters_narrow_the_table_in_place_and_stay_in_the_address(cast, browse, make_payment, paid):
    make_payment(cast.merchant, reference="WAITING-1")
    paid(cast.merchant, reference="PAID-2", operator=cast.admin)
    page = browse(cast.merchant_user)
    page.goto("/panel/payments")

    page.get_by_label("Status").select_option("succeeded")
    expect(page).to_have_url(re.compile("status=succeeded"))
    expect(page.get_by_text("WAITING-1")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("PAID-2")).to_be_visible()
    expect(page.get_by_text("WAITING-1")).to_have_count(0)

    page.goto("/panel/payments")
    page.get_by_label("Order ID, payment ID").press_sequentially("WAIT")
    # The address has the whole word when the last answer has been put in place: nothing moves under the click.
    expect(page).to_have_url(re.compile(r"q=WAIT(&|$)"))
    expect(page.get_by_text("PAID-2")).to_have_count(0)
    page.get_by_text("WAITING-1").click()
    page.wait_for_url("**/panel/payments/pay_*")
    page.go_back()
    page.get_by_text("WAITING-1").wait_for()
    assert page.locator("nav.rail-nav, .rail-nav").count() == 1


def test_the_theme_is_chosen_and_kept(cast, browse):
    page = browse(cast.merchant_user, color_scheme="light")
    page.goto("/panel/")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)

    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ground) != light
    assert page.evaluate("() => localStorage.getItem('theme')") == "dark"


def test_without_a_choice_the_system_decides(cast, browse):
    ground = "() => getComputedStyle(document.body).backgroundColor"

    pages = [browse(color_scheme=scheme) for scheme in ("light", "dark")]
    for page in pages:
        page.goto("/panel/sign-in")

    light, dark = (page.evaluate(ground) for page in pages)
    assert light != dark


def test_the_menu_of_a_phone_works_by_touch_and_by_keyboard(cast, browse):
    page = browse(cast.merchant_user, width=390, height=844, has_touch=True, is_mobile=True)
    page.goto("/panel/")
    rail = page.locator("#rail")
    expect(rail).to_be_hidden()

    page.get_by_role("button", name="Open the menu").tap()
    expect(rail).to_be_visible()
    page.keyboard.press("Escape")
    expect(rail).to_be_hidden()

    page.get_by_role("button", name="Open the menu").focus()
    page.keyboard.press("Enter")
    rail.get_by_role("link", name="Payments", exact=True).press("Enter")
    page.wait_for_url("**/panel/payments")
    expect(rail).to_be_hidden()


@pytest.mark.parametrize("path", ["", "payments", "payments/new", "payouts", "payouts/new", "ledger", "profile"])
def test_no_page_is_wider_than_a_phone(cast, browse, paid, make_payout, path):
    paid(cast.merchant, 123_456_789, by=cast.merchant_user, operator=cast.admin, payer_name="Lakshmi Venkataraman")
    make_payout(cast.merchant, 98_765_432, by=cast.merchant_user, beneficiary_name="Meridian Logistics Private Limited")
    page = browse(cast.merchant_user, width=390, height=844)

    page.goto(f"/panel/{path}")

    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_live_is_never_a_click_away(cast, browse):
    page = browse(cast.merchant_user)
    page.goto("/panel/")

    page.get_by_role("group", name="Mode").get_by_text("Live").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Switch to live mode?").wait_for()
    expect(page.locator("html")).to_have_attribute("data-mode", "test")
    dialog.get_by_role("button", name="Switch to live").click()
    page.get_by_text("Live mode.", exact=True).wait_for()

    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_text("Test mode.", exact=True).wait_for()


def test_without_script_everything_still_works(cast, browse, make_payout):
    payout = make_payout(cast.merchant, 50_000, by=cast.merchant_user)
    page = browse(cast.admin, java_script_enabled=False)

    page.goto("/panel/payouts")
    page.get_by_role("link", name="Approve ₹500.00 to Ravi Kumar").click()
    page.wait_for_url("**/approve")
    page.get_by_role("button", name="Approve ₹500.00").click()
    page.wait_for_url(f"**/panel/payouts/{payout.public_id}")
    page.goto("/panel/payments?status=failed")

    payout.refresh_from_db()
    assert payout.status == "approved"
    expect(page.get_by_text("No payment matches")).to_be_visible()


def test_what_merchants_store_never_runs(cast, browse, make_payment, make_payout):
    hostile = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
    payment = make_payment(cast.merchant, by=cast.merchant_user, payer_name=hostile)
    payout = make_payout(cast.merchant, by=cast.merchant_user, beneficiary_name=hostile)
    page = browse(cast.admin)

    for path in ("", "payments", f"payments/{payment.public_id}", "payouts", f"payouts/{payout.public_id}",
                 f"payouts/{payout.public_id}/approve", "ledger"):
        page.goto(f"/panel/{path}")
        expect(page).to_have_title(re.compile(r"^.* · Gateway$"))


def test_a_copy_button_copies(cast, browse, make_payment):
    payment = make_payment(cast.merchant, by=cast.merchant_user)
    page = browse(cast.merchant_user, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/panel/payments/{payment.public_id}")

    page.get_by_role("button", name="Copy payment ID").click()
    page.get_by_text("Copied").wait_for()

    assert page.evaluate("() => navigator.clipboard.readText()") == payment.public_id


def test_names_of_one_long_word_push_no_amount_out_of_sight(cast, browse, make_payment, make_payout, settings):
    settings.SIMULATED_BLOCK_SECONDS = 0
    word = "W" * 60
    type(cast.merchant).objects.filter(pk=cast.merchant.pk).update(name=word)
    make_payment(cast.merchant, payer_name=word, reference=word)
    make_payout(cast.merchant, 4_500_000, by=cast.merchant_user, beneficiary_name=word, reference=word)
    session = testing.open_session(cast.merchant, "100", reference=word, metadata={word: word})
    page = browse(cast.super_admin, width=1280)

    for path in ("", "payments", "payouts", "sessions", "beneficiaries", "queue"):
        page.goto(f"/panel/{path}")
        wide = page.evaluate("[...document.querySelectorAll('.table-scroll')].map(e => e.scrollWidth - e.clientWidth)")
        assert (path, max(wide)) == (path, 0)

    page.goto(f"/panel/sessions/{session.pk}")
    name, value = page.locator("dt", has_text=word), page.locator("dd", has_text=word).last
    assert name.evaluate("dt => dt.scrollWidth <= dt.clientWidth")
    assert value.evaluate("dd => dd.scrollWidth <= dd.clientWidth")
