"""The hosted checkout when something goes wrong: a lost answer, a server in trouble, a page that is too old; and where
a card number goes.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from gateway.pay.tests.paying import (
    CALL,
    GOOD,
    fill_card,
    heading,
    open_page,
    pay_by_card,
    problem,
    work,
)
from payments import page_pass
from payments.models import Order, Payment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


def test_what_the_server_finds_wrong_is_told_beside_its_field(make_order, browse):
    page = browse(tolerates=["status of 400"])
    open_page(page, make_order())
    said = "card.cvv: must have 4 digits; card.expiry_year: is too far ahead"
    body = {"error": {"code": "BAD_REQUEST_ERROR", "description": said, "field": "card.cvv"}}
    page.route(CALL, lambda route: route.fulfill(status=400, json=body))

    pay_by_card(page)

    expect(problem(page, "CVV")).to_have_text("The CVV must have 4 digits.")
    expect(problem(page, "Expiry")).to_have_text("The expiry year is too far ahead.")
    expect(page.get_by_label("Expiry")).to_be_focused()
    page.unroute(CALL)
    page.get_by_label("CVV").fill("908")
    page.get_by_role("button", name="by card").click()
    expect(heading(page, "Confirming your payment")).to_be_visible()


def test_a_lost_answer_is_asked_for_again_with_the_same_key(make_order, browse):
    page = browse(tolerates=["ERR_FAILED"])
    open_page(page, make_order())
    page.route("**/status*", lambda route: route.fulfill(status=204))
    sent = []

    def lose(route):
        """It arrives, and its answer does not."""
        sent.append(route.request)
        route.fetch()
        route.abort()

    page.route(CALL, lose)
    pay_by_card(page)
    expect(page.get_by_text("No answer came")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_focused()
    assert Payment.objects.count() == 1

    page.unroute(CALL)
    page.unroute("**/status*")
    with page.expect_request(CALL) as again:
        page.keyboard.press("Enter")

    expect(heading(page, "Confirming your payment")).to_be_visible()
    assert again.value.headers["idempotency-key"] == sent[0].headers["idempotency-key"]
    assert again.value.post_data == sent[0].post_data
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(("status", "code", "text"), [
    (500, "SERVER_ERROR", "No answer came"), (502, None, "No answer came"), (429, "RATE_LIMIT_ERROR", "Too many tries"),
    (503, "GATEWAY_ERROR", "Cards cannot be paid with right now"),
])
def test_a_server_in_trouble_can_be_tried_again(make_order, browse, status, code, text):
    page = browse(tolerates=["status of"])
    open_page(page, make_order())
    body = json.dumps({"error": {"code": code, "description": "x", "field": None}}) if code else "<html>Bad gateway"
    page.route(CALL, lambda route: route.fulfill(status=status, body=body))

    pay_by_card(page)
    expect(page.get_by_text(text)).to_be_visible()
    page.unroute(CALL)
    page.get_by_role("button", name="Try again").click()

    expect(heading(page, "Confirming your payment")).to_be_visible()
    assert Payment.objects.count() == 1


def test_a_page_that_is_too_old_says_so(make_order, browse, monkeypatch):
    page = browse(tolerates=["status of 401"])
    open_page(page, make_order())
    monkeypatch.setattr(page_pass, "LIFETIME_SECONDS", -1)

    pay_by_card(page)

    expect(page.get_by_text("open for too long")).to_be_visible()
    assert not Payment.objects.exists()
    monkeypatch.undo()
    page.get_by_role("link", name="Reload the page").click()
    expect(heading(page, "Choose how to pay")).to_be_visible()
    pay_by_card(page)
    expect(heading(page, "Confirming your payment")).to_be_visible()


def test_an_order_that_expires_while_the_card_is_typed(make_order, browse):
    page = browse(tolerates=["status of 400"])
    order = make_order()
    open_page(page, order)
    page.route("**/status*", lambda route: route.fulfill(status=204))
    fill_card(page)
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    page.unroute("**/status*")

    page.get_by_role("button", name="by card").click()

    expect(heading(page, "This order has expired")).to_be_focused()
    assert not Payment.objects.exists()


def test_a_card_number_goes_in_one_body_to_one_address_and_nowhere_else(make_order, browse):
    page = browse(tolerates=["status of 500"])
    seen = []
    page.on("request", lambda request: seen.append((request.method, request.url, request.post_data or "", str(request.headers))))
    order = make_order()
    open_page(page, order)
    page.route(CALL, lambda route: route.fulfill(status=500, json={"error": {"code": "SERVER_ERROR", "description": "x", "field": None}}))
    pay_by_card(page)
    expect(page.get_by_text("No answer came")).to_be_visible()
    page.unroute(CALL)
    page.get_by_role("button", name="Try again").click()
    expect(heading(page, "Confirming your payment")).to_be_visible()
    work()
    expect(heading(page, "Payment received")).to_be_visible()

    with_number = [(method, url) for method, url, data, _ in seen if GOOD in re.sub(r"\D", "", data)]
    assert {(method, urlsplit(url).path) for method, url in with_number} == {("POST", "/api/v1/payments/public")}
    assert len(with_number) == 2
    assert not any(GOOD in re.sub(r"\D", "", url + headers) for _, url, _, headers in seen)
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state])")
    assert "5598" not in kept
    assert GOOD not in re.sub(r"[^\d]", "", page.content())
