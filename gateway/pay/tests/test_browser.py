"""The payer's page in a real chromium: scanned, typed into, waited at, and used by keyboard and without script."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.pay import upi
from gateway.pay.camera_testing import read_picture
from payments.models import Payment
from payments.services import create_payment
from payments.work import drive_payments

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
_numbers = itertools.count(1)


@pytest.fixture
def make_payment(cast):
    def make(minor=123_456_50, **more):
        return create_payment(
            actor=Actor.system("tests"), merchant=cast.merchant, mode="test", contract="portal",
            amount=Money(minor, "INR"), reference=f"ORDER-{next(_numbers)}", **more,
        )

    return make


@pytest.fixture(autouse=True)
def quick(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


def _open(page, payment):
    page.goto(f"/pay/{payment.page_token}")


def _work():
    while drive_payments(10):
        pass


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "dots"), [(390, 2), (390, 3), (1440, 1), (1440, 2)])
def test_a_camera_reads_the_link_from_the_code(make_payment, browse, width, dots, scheme):
    payment = make_payment()
    page = browse(width=width, color_scheme=scheme, device_scale_factor=dots)
    _open(page, payment)

    picture = page.locator("svg.qr").screenshot()

    text = read_picture(picture)
    assert text == upi.upi_link(payment)
    assert page.get_by_role("link", name="Open UPI app").get_attribute("href") == text


def test_a_payer_pays_and_the_page_turns_by_itself(make_payment, browse):
    payment = make_payment(redirect_url="https://shop.example/thanks")
    page = browse(width=390, height=844)
    _open(page, payment)

    page.get_by_label("Your UPI ID").fill("success@upi")
    page.get_by_role("button", name="Confirm payment").click()
    page.get_by_role("heading", name="Confirming your payment").wait_for()
    _work()

    expect(page.get_by_role("heading", name="Payment received")).to_be_focused()
    expect(page).to_have_title(re.compile("^Payment received"))
    back = page.get_by_role("link", name=re.compile("Return to")).get_attribute("href")
    assert back.startswith("https://shop.example/thanks?order_id=")
    expect(page.locator("#payment[hx-get]")).to_have_count(0)


def test_an_open_page_notices_what_happens_elsewhere(make_payment, browse):
    payment = make_payment()
    page = browse()
    _open(page, payment)

    Payment.objects.filter(pk=payment.pk).update(status="failed", failure_reason="Unknown payer")

    expect(page.get_by_role("heading", name="Payment failed")).to_be_visible()
    expect(page.get_by_text("Unknown payer")).to_be_visible()


def test_what_is_being_typed_is_left_alone_while_nothing_has_changed(make_payment, browse):
    page = browse()
    _open(page, make_payment())

    with page.expect_response(re.compile("/status")):
        page.get_by_label("Your UPI ID").press_sequentially("jane@ok", delay=150)

    expect(page.get_by_label("Your UPI ID")).to_have_value("jane@ok")


def test_the_simulate_buttons_decide(make_payment, browse):
    page = browse()
    payment = make_payment()
    _open(page, payment)

    page.get_by_role("button", name="Simulate failure").click()

    page.get_by_role("heading", name="Payment failed").wait_for()
    assert Payment.objects.get(pk=payment.pk).status == "failed"


def test_a_card_is_checked_while_it_is_typed(make_payment, browse):
    payment = make_payment(method="card")
    page = browse(width=390, height=844)
    asked = []
    page.on("request", lambda request: asked.append((request.method, request.post_data or "")))
    _open(page, payment)

    number = page.get_by_label("Card number")
    number.press_sequentially("4111111111111112")
    expect(number).to_have_value("4111 1111 1111 1112")
    expect(page.get_by_text("A digit of the card number is wrong.")).to_be_visible()
    number.press("Backspace")
    number.press_sequentially("1")
    expect(page.get_by_text("A digit of the card number is wrong.")).to_have_count(0)
    page.get_by_label("Expiry").press_sequentially("120")
    page.get_by_label("CVV").press_sequentially("12")
    page.get_by_role("button", name="Confirm payment").click()
    expect(page.locator('[aria-invalid="true"]')).to_have_count(2)
    expect(page.get_by_label("Expiry")).to_be_focused()
    assert not any(method == "POST" for method, _ in asked)

    page.get_by_label("Expiry").fill("12/39")
    page.get_by_label("CVV").fill("123")
    page.get_by_role("button", name="Confirm payment").click()
    page.get_by_role("heading", name="Confirming your payment").wait_for()
    _work()
    page.get_by_role("heading", name="Payment received").wait_for()
    with_number = [data for _, data in asked if "4111" in data]
    assert len(with_number) == 1
    assert "4111" not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")


def test_it_works_without_script(make_payment, browse):
    payment = make_payment()
    page = browse(java_script_enabled=False)
    _open(page, payment)
    expect(page.get_by_text(re.compile(r"Pay by \d\d:\d\d IST"))).to_be_visible()
    assert "does not refresh by itself" in page.content()

    page.get_by_label("Your UPI ID").fill("failure@upi")
    page.get_by_role("button", name="Confirm payment").click()
    page.get_by_role("heading", name="Confirming your payment").wait_for()
    _work()
    page.goto(f"/pay/{payment.page_token}")

    expect(page.get_by_role("heading", name="Payment failed")).to_be_visible()


def test_it_can_be_paid_by_keyboard_alone(make_payment, browse):
    payment = make_payment()
    page = browse()
    _open(page, payment)
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "vpa":
            break
    expect(page.get_by_label("Your UPI ID")).to_be_focused()

    page.keyboard.type("success@upi")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Confirming your payment").wait_for()
    assert Payment.objects.get(pk=payment.pk).vpa == "success@upi"


def test_the_time_left_counts_down_and_ends(make_payment, browse):
    payment = make_payment()
    page = browse()
    Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now() + timedelta(seconds=9))
    _open(page, payment)

    expect(page.get_by_role("timer")).to_have_text(re.compile(r"within 00:0\d"))
    expect(page.locator(".pay-time")).to_have_class(re.compile("is-late"))
    page.get_by_role("heading", name="This payment link has expired").wait_for()


@pytest.mark.parametrize("method", ["upi", "card"])
def test_it_fits_a_small_phone(make_payment, browse, cast, method):
    type(cast.merchant).objects.filter(pk=cast.merchant.pk).update(name="Sri Venkateswara-Wholesale " * 4)
    page = browse(width=320, height=568)
    _open(page, make_payment(9_999_999_999_999_99, method=method))

    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_press_that_was_stopped_may_be_made_again(make_payment, browse):
    page = browse()
    page.clock.install()
    _open(page, make_payment())
    # A press that the page lets through goes nowhere, as one that was stopped on its way.
    page.evaluate("""() => { window.passed = 0; addEventListener("submit", event => {
        passed += event.defaultPrevented ? 0 : 1; event.preventDefault(); }); }""")
    button = page.get_by_role("button", name="Confirm payment")

    button.click()
    button.click()
    assert page.evaluate("passed") == 1
    page.keyboard.press("Escape")
    button.click()
    button.click()
    assert page.evaluate("passed") == 2
    page.clock.fast_forward(10_000)
    button.click()

    assert page.evaluate("passed") == 3
