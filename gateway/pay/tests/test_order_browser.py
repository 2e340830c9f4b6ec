"""The hosted checkout in a real chromium: paid by card and by UPI, failed and tried again, reloaded, left and come back
to, by keyboard and without script; and where a card number goes.
"""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import razorpay
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Merchant
from accounts.return_secrets import return_secret_of, reveal_return_secret
from gateway.pay.tests.paying import (
    DECLINED,
    GOOD,
    choose,
    fill_card,
    heading,
    open_page,
    pay_by_card,
    pay_by_card_again,
    pay_by_upi,
    problem,
    work,
)
from ledger.testing import assert_ledger_balances
from payments.models import Payment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCREENS = [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")]


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def shop(live_server):
    """The merchant's own page: one of this host's, since the tests' browser may load no other."""
    return f"{live_server.url}/?cart=9"


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_card_pays_and_leads_back_with_a_signature(make_order, browse, cast, shop, balances, width, scheme):
    order = make_order(50_000, manual_capture=False, redirect_url=shop)
    page = browse(width=width, height=844, color_scheme=scheme)
    open_page(page, order)

    pay_by_card(page)
    expect(heading(page, "Confirming your payment")).to_be_focused()
    work()
    expect(heading(page, "Payment received")).to_be_focused()
    expect(page).to_have_title(re.compile("^Payment received"))
    page.wait_for_url(re.compile("cart=9&order_id="))

    words = dict(parse_qsl(urlsplit(page.url).query))
    payment = Payment.objects.get()
    assert (words["cart"], words["order_id"], words["payment_id"], words["status"]) == (
        "9", order.public_id, payment.public_id, "paid",
    )
    client = razorpay.Client(auth=("key", reveal_return_secret(return_secret_of(cast.merchant, "test"))))
    assert client.utility.verify_payment_signature(
        {f"razorpay_{name}": words[name] for name in ("order_id", "payment_id", "signature")}
    )
    assert (payment.card_brand, payment.card_last_four, payment.card_expiry) == ("visa", "5598", "2039-12")
    assert balances(cast.merchant) == (48_820, 0, 0)
    assert_ledger_balances()


def test_a_declined_card_and_then_another_way(make_order, browse, cast):
    order = make_order(50_000)
    page = browse(width=390, height=844)
    open_page(page, order)

    pay_by_card(page, DECLINED)
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()
    expect(heading(page, "Payment failed")).to_be_focused()
    expect(page.get_by_text("The card was declined by its bank.")).to_be_visible()
    expect(page.get_by_label("Card number")).to_have_value("")
    back = page.get_by_role("link", name="Give up and return to Chai Point").get_attribute("href")
    assert "status=failed&error_code=card_declined" in back
    assert "signature" not in back

    choose(page, "UPI")
    pay_by_upi(page, "success@upi")
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()

    expect(heading(page, "Payment received")).to_be_visible()
    assert [row.status for row in Payment.objects.order_by("id")] == ["failed", "succeeded"]
    assert_ledger_balances()


def test_two_tries_by_card_have_two_keys(make_order, browse):
    page = browse()
    keys = []
    page.on("request", lambda request: keys.append(request.headers.get("idempotency-key")))
    open_page(page, make_order())

    for number, ending in ((DECLINED, "Payment failed"), (GOOD, "Payment received")):
        pay_by_card(page, number) if number == DECLINED else pay_by_card_again(page)
        expect(heading(page, "Confirming your payment")).to_be_visible()
        work()
        expect(heading(page, ending)).to_be_visible()

    keys = [key for key in keys if key]
    assert len(keys) == len(set(keys)) == 2
    assert all(re.fullmatch(r"[0-9a-f-]{36}", key) for key in keys)


def test_what_is_wrong_is_told_while_typing(make_order, browse):
    page = browse(width=390, height=844)
    asked = []
    page.on("request", lambda request: asked.append(request.method))
    open_page(page, make_order())
    choose(page, "Card")
    number, expiry, cvv = (page.get_by_label(label) for label in ("Card number", "Expiry", "CVV"))

    number.press_sequentially("4111111111111112")
    expect(number).to_have_value("4111 1111 1111 1112")
    expect(problem(page, "Card number")).to_have_text("A digit of the card number is wrong.")
    expect(page.locator("[data-brand]")).to_have_text("Visa")
    number.press("Backspace")
    number.press_sequentially("1")
    expect(problem(page, "Card number")).to_have_count(0)
    expiry.press_sequentially("120")
    page.keyboard.press("Tab")
    expect(problem(page, "Expiry")).to_have_text("Enter month and year, as 04/29.")
    expiry.fill("")
    expiry.press_sequentially("0119")
    expect(problem(page, "Expiry")).to_have_text("This card has expired.")
    cvv.press_sequentially("12")
    number.fill("")
    number.press_sequentially("378282246310005")
    expect(number).to_have_value("3782 822463 10005")
    expect(page.locator("[data-brand]")).to_have_text("American Express")
    expect(problem(page, "CVV")).to_have_text("The CVV has 4 digits.")
    number.fill("")
    number.press_sequentially("9999")
    expect(problem(page, "Card number")).to_have_text("Cards of this brand are not accepted.")

    page.get_by_role("button", name="by card").click()

    expect(number).to_be_focused()
    expect(page.locator('[aria-invalid="true"]')).to_have_count(3)
    assert "POST" not in asked
    assert not Payment.objects.exists()


def test_the_time_left_counts_down_and_ends(make_order, browse):
    page = browse()
    open_page(page, make_order(expires_at=timezone.now() + timedelta(seconds=8)))

    expect(page.get_by_role("timer")).to_have_text(re.compile(r"within 00:0\d"))
    expect(page.locator(".pay-time")).to_have_class(re.compile("is-late"))
    expect(heading(page, "This order has expired")).to_be_visible()


def test_upi_pends_until_the_button_decides(make_order, browse):
    page = browse(width=390, height=844)
    open_page(page, make_order(redirect_url=""))

    pay_by_upi(page, "pending@upi")
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()
    page.get_by_role("button", name="Simulate success").click()

    expect(heading(page, "Payment received")).to_be_visible()
    expect(page.get_by_text("You can close this page.")).to_be_visible()
    assert Payment.objects.get().status == "succeeded"


def test_reloading_midway_and_a_second_window_pay_once(make_order, browse):
    order = make_order()
    first, second = browse(), browse(tolerates=["status of 409"])
    open_page(first, order)
    open_page(second, order)
    second.route("**/status*", lambda route: route.fulfill(status=204))
    fill_card(second)

    pay_by_card(first)
    expect(heading(first, "Confirming your payment")).to_be_visible()
    first.reload()
    expect(heading(first, "Confirming your payment")).to_be_visible()
    second.unroute("**/status*")
    second.get_by_role("button", name="by card").click()
    expect(heading(second, "Confirming your payment")).to_be_focused()
    work()

    for page in (first, second):
        expect(heading(page, "Payment received")).to_be_visible()
    assert Payment.objects.count() == 1
    assert_ledger_balances()


def test_pressing_twice_sends_once(make_order, browse):
    page = browse()
    sent = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    open_page(page, make_order())
    fill_card(page)

    page.get_by_role("button", name="by card").dblclick()

    expect(heading(page, "Confirming your payment")).to_be_visible()
    assert len(sent) == 1
    assert Payment.objects.count() == 1


def test_the_back_button_shows_how_it_ended_and_leads_nowhere_again(make_order, browse, shop, live_server):
    page = browse()
    open_page(page, make_order(redirect_url=shop))
    pay_by_upi(page, "success@upi")
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()
    page.wait_for_url(re.compile("cart=9&order_id="))

    page.go_back()

    expect(heading(page, "Payment received")).to_be_visible()
    expect(page.get_by_role("link", name="Return to Chai Point")).to_be_visible()
    expect(page.locator("[data-continue-note]")).to_be_hidden()
    assert Payment.objects.count() == 1


def test_who_wants_to_stay_stays(make_order, browse, shop, tried):
    order = make_order(redirect_url=shop)
    tried(order)
    page = browse()
    page.goto(f"/pay/{order.public_id}")

    page.get_by_role("button", name="Stay here").click()

    expect(page.locator("[data-continue-note]")).to_be_hidden()
    expect(page.get_by_role("link", name="Return to Chai Point")).to_be_focused()


def test_the_seconds_are_not_read_out(make_order, browse, shop, tried):
    order = make_order(redirect_url=shop)
    tried(order)
    page = browse()
    page.goto(f"/pay/{order.public_id}")
    expect(page.get_by_text(re.compile("Taking you there in"))).to_be_visible()

    heard = page.get_by_role("status").aria_snapshot()
    assert "You are taken there in a few seconds." in heard
    assert "Taking you there" not in heard


def _tab_to(page, selector):
    target = page.locator(selector)
    for _ in range(20):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{selector} is not reached by keyboard")


def test_a_card_is_paid_with_by_keyboard_alone(make_order, browse):
    page = browse()
    open_page(page, make_order())

    _tab_to(page, "summary >> nth=1")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Card number")).to_be_visible()
    _tab_to(page, "#card_number")
    page.keyboard.type(GOOD)
    page.keyboard.press("Tab")
    page.keyboard.type("1239")
    page.keyboard.press("Tab")
    page.keyboard.type("907")
    page.keyboard.press("Enter")

    expect(heading(page, "Confirming your payment")).to_be_focused()
    assert Payment.objects.get().card_last_four == "5598"


def test_without_script_upi_works_and_cards_are_kindly_refused(make_order, browse):
    order = make_order()
    page = browse(java_script_enabled=False)
    open_page(page, order)
    choose(page, "Card")
    expect(page.locator(".pay-way[open] noscript p")).to_be_visible()
    expect(page.get_by_label("Card number")).to_be_hidden()

    choose(page, "UPI")
    pay_by_upi(page, "failure@upi")
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()
    page.goto(f"/pay/{order.public_id}")

    expect(heading(page, "Payment failed")).to_be_visible()
    expect(page.get_by_label("Your UPI ID")).to_be_visible()


def test_it_fits_a_small_phone(make_order, browse):
    Merchant.objects.update(name="Sri Venkateswara-Wholesale " * 4)
    page = browse(width=320, height=568)
    open_page(page, make_order(9_999_999_999_999_99, receipt="r" * 40))
    for way in ("UPI", "Card"):
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        choose(page, "Card" if way == "UPI" else "UPI")
