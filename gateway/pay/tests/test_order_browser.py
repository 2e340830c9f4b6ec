"""The hosted checkout in a real chromium: paid by card and by UPI, failed and tried again, reloaded, left and come back
to, by keyboard and without script; and where a card number goes.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import razorpay
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Merchant
from accounts.return_secrets import return_secret_of, reveal_return_secret
from ledger.testing import assert_ledger_balances
from payments import page_pass
from payments.models import Order, Payment
from payments.work import drive_payments

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CALL = "**/api/v1/payments/public"
GOOD, DECLINED = "4929939187355598", "4000000000000002"
SCREENS = [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")]


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def shop(live_server):
    """The merchant's own page: one of this host's, since the tests' browser may load no other."""
    return f"{live_server.url}/?cart=9"


def _open(page, order):
    page.goto(f"/pay/{order.public_id}")
    expect(page.get_by_role("heading", name="Choose how to pay")).to_be_visible()


def _work():
    while drive_payments(10):
        pass


def _choose(page, way):
    page.locator("summary", has_text=way).click()


def _fill_card(page, number=GOOD, expiry="12/39", cvv="907"):
    _choose(page, "Card")
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill(expiry)
    page.get_by_label("CVV").fill(cvv)


def _pay_by_card(page, number=GOOD):
    _fill_card(page, number)
    page.get_by_role("button", name="by card").click()


def _pay_by_upi(page, vpa):
    page.get_by_label("Your UPI ID").fill(vpa)
    page.get_by_role("button", name="by UPI").click()


def _heading(page, name):
    return page.get_by_role("heading", name=name)


def _problem(page, label):
    field = page.locator(".field", has=page.get_by_label(label))
    return field.locator(".field-error")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_card_pays_and_leads_back_with_a_signature(make_order, browse, cast, shop, balances, width, scheme):
    order = make_order(50_000, manual_capture=False, redirect_url=shop)
    page = browse(width=width, height=844, color_scheme=scheme)
    _open(page, order)

    _pay_by_card(page)
    expect(_heading(page, "Confirming your payment")).to_be_focused()
    _work()
    expect(_heading(page, "Payment received")).to_be_focused()
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
    _open(page, order)

    _pay_by_card(page, DECLINED)
    expect(_heading(page, "Confirming your payment")).to_be_visible()
    _work()
    expect(_heading(page, "Payment failed")).to_be_focused()
    expect(page.get_by_text("The card was declined by its bank.")).to_be_visible()
    expect(page.get_by_label("Card number")).to_have_value("")
    back = page.get_by_role("link", name="Give up and return to Chai Point").get_attribute("href")
    assert "status=failed&error_code=card_declined" in back
    assert "signature" not in back

    _choose(page, "UPI")
    _pay_by_upi(page, "success@upi")
    expect(_heading(page, "Confirming your payment")).to_be_visible()
    _work()

    expect(_heading(page, "Payment received")).to_be_visible()
    assert [row.status for row in Payment.objects.order_by("id")] == ["failed", "succeeded"]
    assert_ledger_balances()


def test_two_tries_by_card_have_two_keys(make_order, browse):
    page = browse()
    keys = []
    page.on("request", lambda request: keys.append(request.headers.get("idempotency-key")))
    _open(page, make_order())

    for number, ending in ((DECLINED, "Payment failed"), (GOOD, "Payment received")):
        _pay_by_card(page, number) if number == DECLINED else _again_by_card(page)
        expect(_heading(page, "Confirming your payment")).to_be_visible()
        _work()
        expect(_heading(page, ending)).to_be_visible()

    keys = [key for key in keys if key]
    assert len(keys) == len(set(keys)) == 2
    assert all(re.fullmatch(r"[0-9a-f-]{36}", key) for key in keys)


def _again_by_card(page):
    """The card's form is the one that stands open after a card has failed."""
    page.get_by_label("Card number").fill(GOOD)
    page.get_by_label("Expiry").fill("12/39")
    page.get_by_label("CVV").fill("907")
    page.get_by_role("button", name="by card").click()


def test_what_is_wrong_is_told_while_typing(make_order, browse):
    page = browse(width=390, height=844)
    asked = []
    page.on("request", lambda request: asked.append(request.method))
    _open(page, make_order())
    _choose(page, "Card")
    number, expiry, cvv = (page.get_by_label(label) for label in ("Card number", "Expiry", "CVV"))

    number.press_sequentially("4111111111111112")
    expect(number).to_have_value("4111 1111 1111 1112")
    expect(_problem(page, "Card number")).to_have_text("A digit of the card number is wrong.")
    expect(page.locator("[data-brand]")).to_have_text("Visa")
    number.press("Backspace")
    number.press_sequentially("1")
    expect(_problem(page, "Card number")).to_have_count(0)
    expiry.press_sequentially("120")
    page.keyboard.press("Tab")
    expect(_problem(page, "Expiry")).to_have_text("Enter month and year, as 04/29.")
    expiry.fill("")
    expiry.press_sequentially("0120")
    expect(_problem(page, "Expiry")).to_have_text("This card has expired.")
    cvv.press_sequentially("12")
    number.fill("")
    number.press_sequentially("378282246310005")
    expect(number).to_have_value("3782 822463 10005")
    expect(page.locator("[data-brand]")).to_have_text("American Express")
    expect(_problem(page, "CVV")).to_have_text("The CVV has 4 digits.")
    number.fill("")
    number.press_sequentially("9999")
    expect(_problem(page, "Card number")).to_have_text("Cards of this brand are not accepted.")

    page.get_by_role("button", name="by card").click()

    expect(number).to_be_focused()
    expect(page.locator('[aria-invalid="true"]')).to_have_count(3)
    assert "POST" not in asked
    assert not Payment.objects.exists()


def test_what_the_server_finds_wrong_is_told_beside_its_field(make_order, browse):
    page = browse(tolerates=["status of 400"])
    _open(page, make_order())
    said = "card.cvv: must have 4 digits; card.expiry_year: is too far ahead"
    body = {"error": {"code": "BAD_REQUEST_ERROR", "description": said, "field": "card.cvv"}}
    page.route(CALL, lambda route: route.fulfill(status=400, json=body))

    _pay_by_card(page)

    expect(_problem(page, "CVV")).to_have_text("The CVV must have 4 digits.")
    expect(_problem(page, "Expiry")).to_have_text("The expiry year is too far ahead.")
    expect(page.get_by_label("Expiry")).to_be_focused()
    page.unroute(CALL)
    page.get_by_label("CVV").fill("908")
    page.get_by_role("button", name="by card").click()
    expect(_heading(page, "Confirming your payment")).to_be_visible()


def test_a_lost_answer_is_asked_for_again_with_the_same_key(make_order, browse):
    page = browse(tolerates=["ERR_FAILED"])
    _open(page, make_order())
    page.route("**/status*", lambda route: route.fulfill(status=204))
    sent = []

    def lose(route):
        """It arrives, and its answer does not."""
        sent.append(route.request)
        route.fetch()
        route.abort()

    page.route(CALL, lose)
    _pay_by_card(page)
    expect(page.get_by_text("No answer came")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_focused()
    assert Payment.objects.count() == 1

    page.unroute(CALL)
    page.unroute("**/status*")
    with page.expect_request(CALL) as again:
        page.keyboard.press("Enter")

    expect(_heading(page, "Confirming your payment")).to_be_visible()
    assert again.value.headers["idempotency-key"] == sent[0].headers["idempotency-key"]
    assert again.value.post_data == sent[0].post_data
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(("status", "code", "text"), [
    (500, "SERVER_ERROR", "No answer came"), (502, None, "No answer came"), (429, "RATE_LIMIT_ERROR", "Too many tries"),
    (503, "GATEWAY_ERROR", "Cards cannot be paid with right now"),
])
def test_a_server_in_trouble_can_be_tried_again(make_order, browse, status, code, text):
    page = browse(tolerates=["status of"])
    _open(page, make_order())
    body = json.dumps({"error": {"code": code, "description": "x", "field": None}}) if code else "<html>Bad gateway"
    page.route(CALL, lambda route: route.fulfill(status=status, body=body))

    _pay_by_card(page)
    expect(page.get_by_text(text)).to_be_visible()
    page.unroute(CALL)
    page.get_by_role("button", name="Try again").click()

    expect(_heading(page, "Confirming your payment")).to_be_visible()
    assert Payment.objects.count() == 1


def test_a_page_that_is_too_old_says_so(make_order, browse, monkeypatch):
    page = browse(tolerates=["status of 401"])
    _open(page, make_order())
    monkeypatch.setattr(page_pass, "LIFETIME_SECONDS", -1)

    _pay_by_card(page)

    expect(page.get_by_text("open for too long")).to_be_visible()
    assert not Payment.objects.exists()
    monkeypatch.undo()
    page.get_by_role("link", name="Reload the page").click()
    expect(_heading(page, "Choose how to pay")).to_be_visible()
    _pay_by_card(page)
    expect(_heading(page, "Confirming your payment")).to_be_visible()


def test_an_order_that_expires_while_the_card_is_typed(make_order, browse):
    page = browse(tolerates=["status of 400"])
    order = make_order()
    _open(page, order)
    page.route("**/status*", lambda route: route.fulfill(status=204))
    _fill_card(page)
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    page.unroute("**/status*")

    page.get_by_role("button", name="by card").click()

    expect(_heading(page, "This order has expired")).to_be_focused()
    assert not Payment.objects.exists()


def test_the_time_left_counts_down_and_ends(make_order, browse):
    page = browse()
    _open(page, make_order(expires_at=timezone.now() + timedelta(seconds=8)))

    expect(page.get_by_role("timer")).to_have_text(re.compile(r"within 00:0\d"))
    expect(page.locator(".pay-time")).to_have_class(re.compile("is-late"))
    expect(_heading(page, "This order has expired")).to_be_visible()


def test_upi_pends_until_the_button_decides(make_order, browse):
    page = browse(width=390, height=844)
    _open(page, make_order(redirect_url=""))

    _pay_by_upi(page, "pending@upi")
    expect(_heading(page, "Confirming your payment")).to_be_visible()
    _work()
    page.get_by_role("button", name="Simulate success").click()

    expect(_heading(page, "Payment received")).to_be_visible()
    expect(page.get_by_text("You can close this page.")).to_be_visible()
    assert Payment.objects.get().status == "succeeded"


def test_reloading_midway_and_a_second_window_pay_once(make_order, browse):
    order = make_order()
    first, second = browse(), browse(tolerates=["status of 409"])
    _open(first, order)
    _open(second, order)
    second.route("**/status*", lambda route: route.fulfill(status=204))
    _fill_card(second)

    _pay_by_card(first)
    expect(_heading(first, "Confirming your payment")).to_be_visible()
    first.reload()
    expect(_heading(first, "Confirming your payment")).to_be_visible()
    second.unroute("**/status*")
    second.get_by_role("button", name="by card").click()
    expect(_heading(second, "Confirming your payment")).to_be_focused()
    _work()

    for page in (first, second):
        expect(_heading(page, "Payment received")).to_be_visible()
    assert Payment.objects.count() == 1
    assert_ledger_balances()


def test_pressing_twice_sends_once(make_order, browse):
    page = browse()
    sent = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    _open(page, make_order())
    _fill_card(page)

    page.get_by_role("button", name="by card").dblclick()

    expect(_heading(page, "Confirming your payment")).to_be_visible()
    assert len(sent) == 1
    assert Payment.objects.count() == 1


def test_the_back_button_shows_how_it_ended_and_leads_nowhere_again(make_order, browse, shop, live_server):
    page = browse()
    _open(page, make_order(redirect_url=shop))
    _pay_by_upi(page, "success@upi")
    expect(_heading(page, "Confirming your payment")).to_be_visible()
    _work()
    page.wait_for_url(re.compile("cart=9&order_id="))

    page.go_back()

    expect(_heading(page, "Payment received")).to_be_visible()
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


def _tab_to(page, selector):
    target = page.locator(selector)
    for _ in range(20):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{selector} is not reached by keyboard")


def test_a_card_is_paid_with_by_keyboard_alone(make_order, browse):
    page = browse()
    _open(page, make_order())

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

    expect(_heading(page, "Confirming your payment")).to_be_focused()
    assert Payment.objects.get().card_last_four == "5598"


def test_without_script_upi_works_and_cards_are_kindly_refused(make_order, browse):
    order = make_order()
    page = browse(java_script_enabled=False)
    _open(page, order)
    _choose(page, "Card")
    expect(page.locator(".pay-way[open] noscript p")).to_be_visible()
    expect(page.get_by_label("Card number")).to_be_hidden()

    _choose(page, "UPI")
    _pay_by_upi(page, "failure@upi")
    expect(_heading(page, "Confirming your payment")).to_be_visible()
    _work()
    page.goto(f"/pay/{order.public_id}")

    expect(_heading(page, "Payment failed")).to_be_visible()
    expect(page.get_by_label("Your UPI ID")).to_be_visible()


def test_a_card_number_goes_in_one_body_to_one_address_and_nowhere_else(make_order, browse):
    page = browse(tolerates=["status of 500"])
    seen = []
    page.on("request", lambda request: seen.append((request.method, request.url, request.post_data or "", str(request.headers))))
    order = make_order()
    _open(page, order)
    page.route(CALL, lambda route: route.fulfill(status=500, json={"error": {"code": "SERVER_ERROR", "description": "x", "field": None}}))
    _pay_by_card(page)
    expect(page.get_by_text("No answer came")).to_be_visible()
    page.unroute(CALL)
    page.get_by_role("button", name="Try again").click()
    expect(_heading(page, "Confirming your payment")).to_be_visible()
    _work()
    expect(_heading(page, "Payment received")).to_be_visible()

    with_number = [(method, url) for method, url, data, _ in seen if GOOD in re.sub(r"\D", "", data)]
    assert {(method, urlsplit(url).path) for method, url in with_number} == {("POST", "/api/v1/payments/public")}
    assert len(with_number) == 2
    assert not any(GOOD in re.sub(r"\D", "", url + headers) for _, url, _, headers in seen)
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state])")
    assert "5598" not in kept
    assert GOOD not in re.sub(r"[^\d]", "", page.content())


def test_it_fits_a_small_phone(make_order, browse):
    Merchant.objects.update(name="Sri Venkateswara-Wholesale " * 4)
    page = browse(width=320, height=568)
    _open(page, make_order(9_999_999_999_999_99, receipt="r" * 40))
    for way in ("UPI", "Card"):
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        _choose(page, "Card" if way == "UPI" else "UPI")
