"""What a payer does on the hosted checkout in a browser, and what the worker does meanwhile."""

from __future__ import annotations

from playwright.sync_api import expect

from payments.work import drive_payments

CALL = "**/api/v1/payments/public"
GOOD, DECLINED = "4929939187355598", "4000000000000002"


def open_page(page, order):
    page.goto(f"/pay/{order.public_id}")
    expect(page.get_by_role("heading", name="Choose how to pay")).to_be_visible()


def work():
    while drive_payments(10):
        pass


def choose(page, way):
    page.locator("summary", has_text=way).click()


def fill_card(page, number=GOOD, expiry="12/39", cvv="907"):
    choose(page, "Card")
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill(expiry)
    page.get_by_label("CVV").fill(cvv)


def pay_by_card(page, number=GOOD):
    fill_card(page, number)
    page.get_by_role("button", name="by card").click()


def pay_by_upi(page, vpa):
    page.get_by_label("Your UPI ID").fill(vpa)
    page.get_by_role("button", name="by UPI").click()


def heading(page, name):
    return page.get_by_role("heading", name=name)


def problem(page, label):
    field = page.locator(".field", has=page.get_by_label(label))
    return field.locator(".field-error")


def pay_by_card_again(page):
    """The card's form is the one that stands open after a card has failed."""
    page.get_by_label("Card number").fill(GOOD)
    page.get_by_label("Expiry").fill("12/39")
    page.get_by_label("CVV").fill("907")
    page.get_by_role("button", name="by card").click()
