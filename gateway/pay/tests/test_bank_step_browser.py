"""A card that is confirmed at the bank, in a real chromium: there and back, with the Back button, in two tabs, without
script.
"""

from __future__ import annotations

import itertools
import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.pay.tests.paying import heading, open_page, pay_by_card, pay_by_upi, work
from ledger.testing import assert_ledger_balances
from payments.models import Payment, SandboxCharge
from payments.services import create_payment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ASKS = "4000000000003220"
SCREENS = [(390, "light"), (1440, "dark")]
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def link(cast):
    payment = create_payment(
        actor=Actor.system("tests"), merchant=cast.merchant, mode="test", contract="portal",
        amount=Money(50_000, "INR"), reference=f"ORDER-{next(_numbers)}", method="card",
    )
    return f"/pay/{payment.page_token}"


def confirm_link(page, link):
    page.goto(link)
    page.get_by_label("Card number").fill(ASKS)
    page.get_by_label("Expiry").fill("12/39")
    page.get_by_label("CVV").fill("907")
    page.get_by_role("button", name="Confirm payment").click()
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()


def press(page, name):
    expect(heading(page, "Is this you?")).to_be_visible()
    page.get_by_role("button", name=name).click()


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_there_and_back(make_order, browse, cast, balances, width, scheme):
    order = make_order(50_000, manual_capture=False, redirect_url="")
    page = browse(width=width, height=844, color_scheme=scheme)
    open_page(page, order)
    pay_by_card(page, ASKS)
    expect(heading(page, "Confirming your payment")).to_be_focused()
    work()

    expect(heading(page, "Confirm at your bank")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    press(page, "Approve")  # the page went there by itself
    expect(heading(page, "Confirming your payment")).to_be_visible()
    expect(page).to_have_url(re.compile(f"/pay/{order.public_id}$"))
    work()

    expect(heading(page, "Payment received")).to_be_focused()
    assert balances(cast.merchant) == (48_820, 0, 0)
    assert_ledger_balances()


def test_declined_there_and_paid_otherwise(make_order, browse):
    page = browse(width=390, height=844)
    open_page(page, make_order(50_000, redirect_url=""))
    pay_by_card(page, ASKS)
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()
    press(page, "Decline")
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()

    expect(heading(page, "Payment failed")).to_be_focused()
    expect(page.get_by_text("The payer was not confirmed by the card's bank.")).to_be_visible()
    page.locator("summary", has_text="UPI").click()
    pay_by_upi(page, "success@upi")
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()
    expect(heading(page, "Payment received")).to_be_visible()
    assert [row.status for row in Payment.objects.order_by("id")] == ["failed", "succeeded"]


def test_the_back_button_a_reload_and_a_second_tab_lead_to_one_payment(link, browse):
    page = browse()
    confirm_link(page, link)
    expect(heading(page, "Is this you?")).to_be_visible()

    page.go_back()
    expect(heading(page, "Confirm at your bank")).to_be_visible()
    page.reload()
    second = page.context.new_page()
    second.goto(link)
    second.wait_for_timeout(2500)  # longer than the page waits before it leads on by itself
    for tab in (page, second):
        expect(heading(tab, "Confirm at your bank")).to_be_visible()
    page.get_by_role("link", name="Go to your bank").click()
    second.get_by_role("link", name="Go to your bank").click()
    press(page, "Approve")
    expect(heading(page, "Confirming your payment")).to_be_visible()
    press(second, "Decline")  # too late: the bank has its answer
    expect(heading(second, "Confirming your payment")).to_be_visible()
    work()

    for tab in (page, second):
        expect(heading(tab, "Payment received")).to_be_visible()
    second.go_back()
    expect(heading(second, "This has been answered")).to_be_visible()
    assert Payment.objects.get().status == "succeeded"
    assert SandboxCharge.objects.get().times_asked == 1
    assert_ledger_balances()


def test_without_script(link, browse):
    page = browse(java_script_enabled=False)
    confirm_link(page, link)
    page.goto(link)
    page.get_by_role("link", name="Go to your bank").click()
    press(page, "Approve")
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()
    page.goto(link)

    expect(heading(page, "Payment received")).to_be_visible()


def test_closed_at_the_bank_it_ends_on_the_page(link, browse):
    page = browse()
    confirm_link(page, link)
    expect(heading(page, "Is this you?")).to_be_visible()
    page.goto(link)
    expect(heading(page, "Confirm at your bank")).to_be_visible()
    Payment.objects.update(expires_at=timezone.now(), due_at=timezone.now())
    work()

    expect(heading(page, "This payment link has expired")).to_be_visible()
    page.goto(f"{link}/bank")
    expect(page).to_have_url(re.compile(f"{link}$"))
