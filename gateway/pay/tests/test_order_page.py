"""The hosted checkout of an order: what it shows in each state, what a POST does and refuses."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Merchant
from gateway.lib.money import Money
from gateway.pay import limits, upi
from ledger.testing import assert_ledger_balances
from payments.models import Order, Payment, ReceivingAccount, SandboxCharge
from payments.page_pass import order_of_pass
from payments.services import create_payment
from payments.work import drive_payments


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


def _address(order, more=""):
    return f"/pay/{order.public_id}{more}"


def _page(order):
    return Client().get(_address(order)).content.decode()


# What it shows ----------------------------------------------------------------------------------------------
def test_it_shows_merchant_amount_order_receipt_and_two_ways(make_order):
    order = make_order()

    page = _page(order)

    for text in ("₹1,23,456.50", "Chai Point", order.public_id, "receipt_001", "Choose how to pay", 'name="vpa"'):
        assert text in page
    assert page.count('<details class="pay-way" name="way"') == 2
    assert 'autocomplete="cc-number"' in page
    assert f'hx-get="{_address(order, "/status")}?shown=waiting"' in page
    assert 'role="timer"' not in page


def test_no_card_field_has_a_name_that_a_form_could_send(make_order):
    page = _page(make_order())

    fields = re.findall(r'<input[^>]*(?:data-card|data-card-name)[^>]*>', page)
    assert len(fields) == 4
    assert not any(re.search(r"\sname=", field) for field in fields)
    (form,) = re.findall(r"<form[^>]*data-checkout[^>]*>", page)
    assert 'data-checkout="/api/v1/payments/public"' in form
    assert " hidden " in form
    assert "Paying by card needs JavaScript" in page


def test_it_carries_a_pass_for_its_own_order_only_while_it_can_be_paid(make_order, tried):
    order = make_order()

    assert order_of_pass(re.search(r'data-pass="([^"]+)"', _page(order))[1]) == order.public_id
    tried(order)
    assert "data-pass" not in _page(order)


@pytest.mark.parametrize(("after", "shown"), [
    (timedelta(minutes=14), r"data-countdown=\"8[34]\d\""), (timedelta(days=3), r"by \d\d \w{3} \d{4}, \d\d:\d\d IST"),
])
def test_an_orders_end_is_told(make_order, after, shown):
    page = _page(make_order(expires_at=timezone.now() + after))

    assert re.search(shown, page)
    assert ("data-countdown" in page) == (after < timedelta(hours=1))


def test_test_mode_says_so_and_live_mode_does_not(make_order):
    order = make_order()
    assert "norefund@upi" in _page(order)
    assert "4000 0000 0000 0119" in _page(order)

    Order.objects.update(mode="live")

    page = _page(order)
    assert "Test mode" not in page
    assert "Test payment" not in page
    assert "success@upi" not in page


def test_names_are_text_and_never_markup(make_order, tried):
    evil = '"><script>alert(1)</script>'
    order = make_order(receipt=evil, redirect_url="https://shop.example/'onmouseover='x")
    Merchant.objects.update(name=evil)
    assert "<script>alert" not in _page(order)

    tried(order, "failure@upi")
    Payment.objects.update(failure_reason=evil)

    assert "<script>alert" not in _page(order)


def test_it_is_kept_by_nobody_and_loads_nothing_inline(make_order):
    got = Client().get(_address(make_order()))
    page = got.content.decode()

    assert "no-store" in got["Cache-Control"]
    assert "'unsafe-inline'" not in got["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)


# Paying by UPI ----------------------------------------------------------------------------------------------
def test_a_payer_pays_by_upi(make_order, balances, cast):
    order = make_order(50_000, manual_capture=False)

    got = Client().post(_address(order), {"vpa": " success@upi "})

    payment = Payment.objects.get()
    assert (got.status_code, got["Location"]) == (302, _address(order))
    assert (payment.order, payment.vpa, payment.contract, payment.status) == (order, "success@upi", "checkout", "created")
    assert "Confirming your payment" in _page(order)
    drive_payments()
    assert "Payment received" in _page(order)
    assert balances(cast.merchant) == (48_820, 0, 0)
    assert_ledger_balances()


@pytest.mark.parametrize(("sent", "text"), [
    ({"vpa": "nobody"}, "Your UPI ID must look like name@bank."), ({"vpa": ""}, "Enter your UPI ID"), ({}, "Enter your UPI ID"),
    ({"vpa": "a" * 200 + "@upi"}, "at most 120"), ({"vpa": "4111111111111111"}, "must look like name@bank"),
])
def test_a_bad_upi_id_is_told_beside_it_and_nothing_happens(make_order, sent, text):
    order = make_order()

    got = Client().post(_address(order), sent)

    assert got.status_code == 422
    assert 'id="id_vpa_error"' in got.content.decode()
    assert text in got.content.decode()
    assert not Payment.objects.exists()
    assert Order.objects.get().status == "created"


def test_a_card_sent_to_the_page_itself_is_ignored(make_order):
    order = make_order()

    got = Client().post(_address(order), {"number": "4929939187355598", "cvv": "907", "card": "x"})

    assert got.status_code == 422
    assert "4929939187355598" not in got.content.decode()
    assert not Payment.objects.exists()


def test_live_mode_without_a_provider_takes_nothing_and_says_so(make_order):
    order = make_order()
    Order.objects.update(mode="live")

    got = Client().post(_address(order), {"vpa": "jane@okbank"})

    assert got.status_code == 422
    assert "No provider is configured" in got.content.decode()
    assert not Payment.objects.exists()


def test_pressing_twice_pays_once(make_order):
    order, browser = make_order(), Client()
    browser.post(_address(order), {"vpa": "one@upi"})

    again = browser.post(_address(order), {"vpa": "two@upi"})

    assert again.status_code == 302
    assert Payment.objects.get().vpa == "one@upi"


def test_a_forged_post_is_refused(make_order):
    order = make_order()

    for more in ("", "/simulate"):
        got = Client(enforce_csrf_checks=True).post(_address(order, more), {"vpa": "x@upi", "outcome": "success"})
        assert got.status_code == 403
    assert not Payment.objects.exists()


def test_where_people_decide_the_payer_sends_the_money(make_order, settings):
    """Nobody asks the payer's app for it, so that the page shows whom to pay; and it takes no card."""
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    ReceivingAccount.objects.create(mode="live", vpa="shop@okbank", bank_name="HDFC Bank", holder="Chai Point Ltd")
    order = make_order(50_000, mode="live")
    before = _page(order)

    Client().post(_address(order), {"vpa": "jane@okbank"})
    page = _page(order)
    bad = Client().post(_address(order), {"utr": "1"})
    assert (bad.status_code, Payment.objects.get().status) == (422, "created")
    Client().post(_address(order), {"utr": "609512345678"})

    assert "data-checkout" not in before
    assert before.count("<details") == 1
    payment = Payment.objects.get()
    assert (payment.status, payment.receiving_account) == ("processing", "shop@okbank")
    assert (payment.vpa, payment.claimed_utr) == ("jane@okbank", "609512345678")
    assert html.escape(upi.upi_link(payment)) in page
    assert 'class="qr"' in page
    after = _page(order)
    assert "Confirming your payment" in after
    assert 'class="qr"' not in after


def test_a_second_press_does_not_say_that_the_payer_has_paid(make_order, settings):
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    ReceivingAccount.objects.create(mode="live", vpa="shop@okbank", bank_name="HDFC Bank", holder="Chai Point Ltd")
    order = make_order(50_000, mode="live")

    answers = [Client().post(_address(order), {"vpa": "jane@okbank"}) for _ in range(2)]

    payment = Payment.objects.get()
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, _address(order))] * 2
    assert (payment.status, payment.due_at) == ("created", None)
    assert 'class="qr"' in _page(order)
    Client().post(_address(order), {"utr": ""})
    payment.refresh_from_db()
    assert payment.status == "processing"


# After a failure --------------------------------------------------------------------------------------------
def test_after_a_failure_the_page_offers_another_try(make_order, tried, balances, cast):
    order = make_order(50_000)
    failed = tried(order, "failure@upi")

    page = _page(order)
    assert "Payment failed" in page
    assert html.escape("The payer's bank declined the payment.") in page
    assert 'name="vpa"' in page
    assert f"shown=failed.{failed.public_id}.failed" in page
    Client().post(_address(order), {"vpa": "success@upi"})
    drive_payments()

    assert "Payment received" in _page(order)
    assert sorted(row.status for row in Payment.objects.all()) == ["failed", "succeeded"]
    assert balances(cast.merchant) == (0, 0, 0)  # the merchant has not captured it
    assert_ledger_balances()


def test_the_way_that_failed_is_the_one_that_is_open(make_order, tried):
    order = make_order()
    tried(order, "failure@upi")
    assert re.search(r'name="way" open>\s*<summary><span class="pay-way-name">UPI', _page(order))

    Payment.objects.update(method="card")

    assert re.search(r'name="way" open>\s*<summary><span class="pay-way-name">Card', _page(order))


# Over -------------------------------------------------------------------------------------------------------
def test_an_expired_order_takes_nothing_more(make_order):
    order = make_order(expires_at=timezone.now() - timedelta(seconds=1))

    page = _page(order)
    got = Client().post(_address(order), {"vpa": "success@upi"})

    assert "This order has expired" in page
    assert "<form" not in page
    assert "hx-get" not in page
    assert got.status_code == 302
    assert not Payment.objects.exists()


def test_what_was_under_way_when_it_expired_may_still_end(make_order):
    order = make_order(expires_at=timezone.now() + timedelta(minutes=5))
    Client().post(_address(order), {"vpa": "success@upi"})
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert "Confirming your payment" in _page(order)
    drive_payments()

    assert "Payment received" in _page(order)
    assert_ledger_balances()


@pytest.mark.parametrize("change", [{"status": "suspended"}, {"public_checkout": False}])
def test_a_merchant_that_takes_nothing_has_a_page_that_says_so(make_order, change):
    Merchant.objects.update(public_checkout=True)
    order = make_order(public=True)
    assert 'name="vpa"' in _page(order)
    Merchant.objects.update(**change)

    page = _page(order)
    Client().post(_address(order), {"vpa": "success@upi"})

    assert "This order cannot be paid now" in page
    assert "<form" not in page
    assert not Payment.objects.exists()


# Following --------------------------------------------------------------------------------------------------
def test_polling_answers_nothing_until_it_has_moved_on(make_order):
    order, browser = make_order(), Client()

    def ask(shown):
        return browser.get(_address(order, "/status"), {"shown": shown})

    assert ask("waiting").status_code == 204
    browser.post(_address(order), {"vpa": "pending@upi"})
    payment = Payment.objects.get()
    begun = ask("waiting")
    assert begun.status_code == 200
    assert "Confirming your payment" in begun.content.decode()
    assert "<html" not in begun.content.decode()
    assert "data-moved" in begun.content.decode()
    assert ask(f"processing.{payment.public_id}.created").status_code == 204
    drive_payments()
    taken_up = ask(f"processing.{payment.public_id}.created").content.decode()
    assert "Simulate success" in taken_up
    assert "data-moved" not in taken_up
    assert ask(f"processing.{payment.public_id}.processing").status_code == 204


@pytest.mark.parametrize(("outcome", "status"), [("success", "succeeded"), ("failure", "failed"), ("", "failed")])
def test_a_pending_one_is_decided_by_the_buttons(make_order, outcome, status):
    order, browser = make_order(), Client()
    browser.post(_address(order), {"vpa": "pending@upi"})
    drive_payments()

    got = browser.post(_address(order, "/simulate"), {"outcome": outcome})

    assert got.status_code == 302
    assert Payment.objects.get().status == status


def test_simulating_what_is_not_there_or_has_ended_changes_nothing(make_order, tried):
    order = make_order()
    assert Client().post(_address(order, "/simulate"), {"outcome": "success"}).status_code == 404
    tried(order)

    again = Client().post(_address(order, "/simulate"), {"outcome": "failure"})

    assert again.status_code == 409
    assert "ended already" in again.content.decode()
    Order.objects.update(mode="live")
    assert Client().post(_address(order, "/simulate"), {"outcome": "failure"}).status_code == 404
    assert Payment.objects.get().status == "succeeded"


# The door ---------------------------------------------------------------------------------------------------
def test_orders_of_other_contracts_have_no_such_page(cast):
    payment = create_payment(
        actor=Actor.system("tests"), merchant=cast.merchant, mode="test", contract="portal", amount=Money(500, "INR"),
        reference="ORDER-1",
    )

    assert Client().get(_address(payment.order)).status_code == 404
    assert Client().post(_address(payment.order), {"vpa": "a@upi"}).status_code == 404
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("name", ["order_0000000000000000", "order_x", "order_" + "a" * 17, "order_%00" + "a" * 13])
@pytest.mark.parametrize("more", ["", "/status", "/simulate"])
def test_an_unknown_order_is_a_404_page(db, name, more):
    method = Client().post if more == "/simulate" else Client().get

    got = method(f"/pay/{name}{more}")

    assert got.status_code == 404
    assert "text/html" in got["Content-Type"]


@pytest.mark.parametrize(
    ("method", "more"),
    [("PUT", ""), ("DELETE", ""), ("PATCH", ""), ("OPTIONS", ""), ("POST", "/status"), ("GET", "/simulate")],
)
def test_other_methods_are_refused(make_order, method, more):
    assert Client().generic(method, _address(make_order(), more)).status_code == 405


def test_one_page_takes_so_many_posts_a_minute(make_order, monkeypatch):
    monkeypatch.setattr(limits, "PER_PAGE", 3)
    order, browser = make_order(), Client()

    codes = [browser.post(_address(order), {"vpa": "bad"}).status_code for _ in range(4)]
    late = browser.post(_address(order, "/simulate"), {"outcome": "success"})

    assert codes == [422, 422, 422, 429]
    assert late.status_code == 429
    assert _address(order) in late.content.decode()
    assert browser.get(_address(order)).status_code == 200
    assert not SandboxCharge.objects.exists()
