"""The payer's page: what it shows in each state, what a POST does and refuses, and what it keeps to itself."""

from __future__ import annotations

import html
import itertools
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Merchant
from gateway.lib.money import Money
from gateway.pay import limits, upi
from payments.models import Payment, SandboxCharge
from payments.services import create_payment, mark_failed, mark_succeeded
from payments.work import drive_payments

CARD = {"number": "4111 1111 1111 1111", "expiry": "12/39", "cvv": "123", "name": "Jane Smith"}
_numbers = itertools.count(1)


@pytest.fixture
def make_payment(cast):
    def make(minor=123_456_50, *, mode="test", **more):
        return create_payment(
            actor=Actor.system("tests"), merchant=cast.merchant, mode=mode, contract="portal",
            amount=Money(minor, "INR"), reference=f"ORDER-{next(_numbers)}", payer_name="Jane Smith", **more,
        )

    return make


def _address(payment, more=""):
    return f"/pay/{payment.page_token}{more}"


def _page(payment):
    return Client().get(_address(payment)).content.decode()


def _fresh(payment):
    return Payment.objects.get(pk=payment.pk)


# What it shows ----------------------------------------------------------------------------------------------
def test_it_shows_amount_payee_order_link_and_time(make_payment):
    payment = make_payment()

    page = _page(payment)

    assert "₹1,23,456.50" in page
    assert "Chai Point" in page
    assert payment.order.reference in page
    assert payment.public_id in page
    assert html.escape(upi.upi_link(payment)) in page
    assert 'class="qr"' in page
    assert f'data-copy="{payment.receiving_account}"' in page
    until = payment.expires_at + timedelta(hours=5, minutes=30)
    assert f"by {until:%H:%M} IST" in page
    assert 1790 <= int(re.search(r'data-countdown="(\d+)"', page)[1]) <= 1800
    assert f'hx-get="{_address(payment, "/status")}?shown=waiting"' in page
    assert 'name="vpa"' in page
    assert 'name="number"' not in page


def test_the_upi_link_says_what_apps_need(make_payment):
    payment = make_payment()

    link = urlsplit(upi.upi_link(payment))

    assert (link.scheme, link.netloc) == ("upi", "pay")
    assert {name: values[0] for name, values in parse_qs(link.query).items()} == {
        "pa": "gateway@sandbox", "pn": "Chai Point", "am": "123456.50", "cu": "INR",
        "tr": payment.public_id, "tn": payment.order.reference,
    }


def test_a_card_payment_asks_for_a_card_and_nothing_else(make_payment):
    page = _page(make_payment(method="card"))

    assert all(f'name="{name}"' in page for name in ("number", "expiry", "cvv", "name"))
    assert 'autocomplete="cc-number"' in page
    assert "upi://" not in page
    assert 'class="qr"' not in page


def test_test_mode_says_so_and_offers_both_answers(make_payment):
    page = _page(make_payment())

    assert "Test payment." in page
    for text in ("success@upi", "failure@upi", "pending@upi", "Simulate success", "Simulate failure"):
        assert text in page


def test_live_mode_simulates_nothing(make_payment):
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).update(mode="live")

    page = _page(payment)
    got = Client().post(_address(payment, "/simulate"), {"outcome": "success"})

    assert "Simulate" not in page
    assert "Test payment" not in page
    assert got.status_code == 404
    assert _fresh(payment).status == "created"


def test_a_paid_one_shows_the_outcome_and_no_form(make_payment, cast):
    payment = make_payment(redirect_url="https://shop.example/thanks?cart=9")
    mark_succeeded(actor=Actor(cast.admin, "tests"), payment=payment, utr="609512345678")

    page = _page(payment)

    assert "Payment received" in page
    assert "609512345678" in page
    assert "<form" not in page
    assert "hx-get" not in page
    assert "upi://" not in page
    words = f"cart=9&order_id={payment.order.reference}&transaction_id={payment.public_id}&status=completed"
    assert html.escape(f"https://shop.example/thanks?{words}") in page


def test_a_failed_one_shows_the_reason(make_payment, cast):
    payment = make_payment()
    mark_failed(actor=Actor(cast.admin, "tests"), payment=payment, reason="Unknown payer")

    page = _page(payment)

    assert "Payment failed" in page
    assert "Unknown payer" in page
    assert "<form" not in page


def test_an_expired_one_takes_nothing_more(make_payment):
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    page = _page(payment)
    got = Client().post(_address(payment), {"vpa": "success@upi"})

    assert "This payment link has expired" in page
    assert "<form" not in page
    assert got.status_code == 302
    assert _fresh(payment).status == "created"


def test_a_payment_whose_payer_acted_through_the_api_is_not_asked_again(make_payment):
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).update(due_at=timezone.now())

    page = _page(payment)

    assert "Confirming your payment" in page
    assert 'name="vpa"' not in page


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://x.example/"])
def test_only_web_addresses_are_gone_back_to(make_payment, cast, url):
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).update(redirect_url=url)
    mark_succeeded(actor=Actor(cast.admin, "tests"), payment=_fresh(payment), utr="609512345678")

    assert "Return to" not in _page(payment)


def test_names_are_text_and_never_markup(make_payment, cast):
    evil = '"><script>alert(1)</script>'
    payment = make_payment()
    Merchant.objects.filter(pk=cast.merchant.pk).update(name=evil)
    Payment.objects.filter(pk=payment.pk).update(payer_name=evil, failure_reason=evil)

    assert "<script>alert" not in _page(payment)
    Payment.objects.filter(pk=payment.pk).update(status="failed")
    assert "<script>alert" not in _page(payment)


def test_the_page_is_kept_by_nobody_and_loads_nothing_inline(make_payment):
    got = Client().get(_address(make_payment()))
    page = got.content.decode()

    assert "no-store" in got["Cache-Control"]
    assert "'unsafe-inline'" not in got["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)


# Confirming -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"vpa": " jane@okbank "}, ("jane@okbank", "")),
        ({"utr": "609512345678"}, ("", "609512345678")),
        ({}, ("", "")),
    ],
)
def test_a_payer_confirms(make_payment, sent, kept):
    payment = make_payment()

    got = Client().post(_address(payment), sent)

    row = _fresh(payment)
    assert (got.status_code, got["Location"]) == (302, _address(payment))
    assert row.status == "processing"
    assert (row.vpa, row.claimed_utr) == kept
    assert "Confirming your payment" in _page(payment)


@pytest.mark.parametrize(
    ("sent", "field"), [({"vpa": "nobody"}, "vpa"), ({"utr": "12"}, "utr"), ({"vpa": "a" * 200 + "@upi"}, "vpa")]
)
def test_a_bad_field_is_told_beside_it_and_nothing_happens(make_payment, sent, field):
    payment = make_payment()

    got = Client().post(_address(payment), sent)

    assert got.status_code == 422
    assert f'id="id_{field}_error"' in got.content.decode()
    assert _fresh(payment).status == "created"
    assert SandboxCharge.objects.count() == 0


def test_pressing_twice_shows_the_state_and_confirms_once(make_payment):
    payment, browser = make_payment(), Client()
    browser.post(_address(payment), {"vpa": "one@upi"})

    again = browser.post(_address(payment), {"vpa": "two@upi"})

    assert again.status_code == 302
    assert _fresh(payment).vpa == "one@upi"


def test_a_card_is_kept_as_brand_and_last_four_only(make_payment):
    payment = make_payment(method="card")

    got = Client().post(_address(payment), CARD)

    row = _fresh(payment)
    assert got.status_code == 302
    assert (row.status, row.card_brand, row.card_last_four, row.card_expiry) == ("processing", "visa", "1111", "2039-12")
    stored = " ".join(str(value) for value in Payment.objects.filter(pk=row.pk).values()[0].values())
    assert "4111111111111111" not in stored


@pytest.mark.parametrize(
    ("changed", "field", "text"),
    [
        ({"number": "4111 1111 1111 1112"}, "number", "Card number is not a valid card number"),
        ({"number": ""}, "number", "This field is required"),
        ({"expiry": "13/39"}, "expiry", "Expiry month must be 1 to 12"),
        ({"expiry": "1239"}, "expiry", "Expiry"),
        ({"expiry": "01/20"}, "expiry", "the card has expired"),
        ({"cvv": "12"}, "cvv", "CVV must have 3 digits"),
    ],
)
def test_a_bad_card_is_told_and_never_sent_back(make_payment, changed, field, text):
    payment = make_payment(method="card")

    got = Client().post(_address(payment), CARD | changed)

    page = got.content.decode()
    assert got.status_code == 422
    assert f'id="id_{field}_error"' in page
    assert text in page
    assert "4111 1111" not in page.split('class="pay-test"')[0].replace("1234 1234", "")
    assert 'value="123"' not in page
    assert _fresh(payment).status == "created"


@pytest.mark.parametrize("more", ["", "/simulate"])
def test_a_forged_post_is_refused(make_payment, more):
    payment = make_payment()

    got = Client(enforce_csrf_checks=True).post(_address(payment, more), {"vpa": "x@upi", "outcome": "success"})

    assert got.status_code == 403
    assert _fresh(payment).status == "created"


# Following --------------------------------------------------------------------------------------------------
def test_polling_answers_nothing_until_it_has_moved_on(make_payment):
    payment, browser = make_payment(), Client()

    def ask(shown):
        return browser.get(_address(payment, "/status"), {"shown": shown})

    assert ask("waiting").status_code == 204
    browser.post(_address(payment), {"vpa": "success@upi"})
    moved = ask("waiting")
    assert moved.status_code == 200
    assert "Confirming your payment" in moved.content.decode()
    assert "<html" not in moved.content.decode()
    assert ask("processing").status_code == 204


@pytest.mark.parametrize(("outcome", "status"), [("success", "succeeded"), ("failure", "failed"), ("", "failed")])
def test_simulating_decides_now(make_payment, outcome, status):
    payment = make_payment()

    got = Client().post(_address(payment, "/simulate"), {"outcome": outcome})

    assert got.status_code == 302
    assert _fresh(payment).status == status


def test_a_pending_one_waits_for_the_button(make_payment, settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0
    payment, browser = make_payment(), Client()
    browser.post(_address(payment), {"vpa": "pending@upi"})
    drive_payments(10)
    assert _fresh(payment).status == "processing"

    browser.post(_address(payment, "/simulate"), {"outcome": "success"})

    assert _fresh(payment).status == "succeeded"


def test_simulating_what_has_ended_changes_nothing_and_says_so(make_payment):
    payment, browser = make_payment(), Client()
    browser.post(_address(payment, "/simulate"), {"outcome": "success"})

    got = browser.post(_address(payment, "/simulate"), {"outcome": "failure"})

    assert got.status_code == 409
    assert "ended already" in got.content.decode()
    assert _fresh(payment).status == "succeeded"


# The door ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("token", ["x", "0" * 24, "🙂", "..", "%00", "a" * 300])
@pytest.mark.parametrize("more", ["", "/status", "/simulate"])
def test_an_unknown_token_is_a_404_page(db, token, more):
    method = Client().post if more == "/simulate" else Client().get

    got = method(f"/pay/{token}{more}")

    assert got.status_code == 404
    assert "text/html" in got["Content-Type"]


@pytest.mark.parametrize(
    ("method", "more"),
    [("PUT", ""), ("DELETE", ""), ("PATCH", ""), ("OPTIONS", ""), ("TRACE", ""), ("POST", "/status"), ("GET", "/simulate")],
)
def test_other_methods_are_refused(make_payment, method, more):
    assert Client().generic(method, _address(make_payment(), more)).status_code == 405


def test_head_is_answered(make_payment):
    got = Client().head(_address(make_payment()))

    assert (got.status_code, got.content) == (200, b"")


def test_one_page_takes_so_many_posts_a_minute(make_payment, monkeypatch):
    monkeypatch.setattr(limits, "PER_PAGE", 3)
    payment, other, browser = make_payment(), make_payment(), Client()

    codes = [browser.post(_address(payment), {"vpa": "bad"}).status_code for _ in range(4)]

    assert codes == [422, 422, 422, 429]
    assert browser.post(_address(payment, "/simulate"), {"outcome": "success"}).status_code == 429
    assert _fresh(payment).status == "created"
    assert browser.get(_address(payment)).status_code == 200
    assert browser.post(_address(other), {"vpa": "bad"}).status_code == 422


def test_one_address_takes_so_many_posts_a_minute(make_payment, monkeypatch):
    monkeypatch.setattr(limits, "PER_ADDRESS", 2)
    payments = [make_payment() for _ in range(3)]

    codes = [Client().post(_address(payment), {"vpa": "bad"}).status_code for payment in payments]

    assert codes == [422, 422, 429]
    assert Client(REMOTE_ADDR="10.9.8.7").post(_address(payments[2]), {"vpa": "bad"}).status_code == 422


def test_posts_are_counted_here_while_the_shared_counter_is_down(make_payment, monkeypatch):
    real = limits._count_in

    def broken(alias, key):
        if alias == "default":
            raise OSError("no cache")
        return real(alias, key)

    monkeypatch.setattr(limits, "_count_in", broken)
    monkeypatch.setattr(limits, "PER_PAGE", 1)
    payment = make_payment()

    codes = [Client().post(_address(payment), {"vpa": "bad"}).status_code for _ in range(2)]

    assert codes == [422, 429]
