"""`expire_by` and `redirect_url` of an order: what they may be, and what an order that has expired still does."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Merchant
from gateway.contracts.checkout.testing import CARD, Checkout, call, good, refused
from gateway.contracts.tests.test_checkout_orders import FIELDS
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments.models import Order, Payment, SandboxCharge
from payments.work import drive_payments, drive_refunds

WAY = {"method": "upi", "vpa": "success@upi"}


@pytest.fixture
def checkout(cast):
    return Checkout(cast.merchant)


def soon():
    return int(time.time()) + 900


def expire():
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def test_an_order_keeps_both_and_answers_the_originals_fields(checkout):
    until = soon()

    made = good(checkout("POST", "/orders", {"amount": 500, "redirect_url": "https://shop.example/t?a=1", "expire_by": until}))

    assert list(made) == FIELDS
    assert list(good(checkout("GET", f"/orders/{made['id']}"), 200)) == FIELDS
    order = Order.objects.get()
    assert (order.redirect_url, order.expires_at) == ("https://shop.example/t?a=1", datetime.fromtimestamp(until, UTC))


@pytest.mark.parametrize("value", [
    0, -1, 1, True, "", "soon", "1900000000", 1.9e9, 4_102_444_801, 10**400, [], {}, 1_900_000_000_000,
])
def test_an_end_is_unix_seconds_to_come(checkout, value):
    refused(checkout("POST", "/orders", {"amount": 500, "expire_by": value}), 400, "BAD_REQUEST_ERROR", "expire_by")
    assert not Order.objects.exists()


def test_an_end_that_has_just_passed_is_refused(checkout):
    body = {"amount": 500, "expire_by": int(time.time())}

    assert "to come" in refused(checkout("POST", "/orders", body), 400, "BAD_REQUEST_ERROR", "expire_by")["description"]
    assert not Order.objects.exists()


@pytest.mark.parametrize("value", [
    "javascript:alert(1)", "data:text/html,x", "//shop.example", "ftp://shop.example/", "shop.example", "https://",
    "https://user@shop.example/", "https://shop.example/\\", "https://shop.example/ x", "https://s.example/\u0000",
    "https://shop.example/" + "x" * 2000, 5, [], "https://shop.example:99999/",
])
def test_a_way_back_is_an_absolute_web_address(checkout, value):
    response = checkout("POST", "/orders", {"amount": 500, "redirect_url": value})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "BAD_REQUEST_ERROR"
    assert not Order.objects.exists()


def test_null_is_not_sent(checkout):
    good(checkout("POST", "/orders", {"amount": 500, "redirect_url": None, "expire_by": None}))

    order = Order.objects.get()
    assert (order.redirect_url, order.expires_at) == ("", None)


def test_whoever_has_no_secret_leads_nobody_anywhere(checkout):
    Merchant.objects.update(public_checkout=True)
    body = {"amount": 500, "merchant_id": checkout.merchant.public_id, "redirect_url": "https://evil.example/", "expire_by": 5}

    good(call("POST", "/orders/public", body))

    order = Order.objects.get()
    assert (order.redirect_url, order.expires_at, order.public) == ("", None, True)


def test_a_replay_is_answered_after_the_end_too(checkout):
    body, key = {"amount": 500, "expire_by": int(time.time()) + 2}, {"Idempotency-Key": "k"}
    first = checkout("POST", "/orders", body, headers=key)
    time.sleep(2.1)

    again = checkout("POST", "/orders", body, headers=key)

    assert (again.status_code, again.content) == (201, first.content)
    assert Order.objects.count() == 1


@pytest.mark.parametrize("way", [WAY, CARD])
def test_an_expired_order_takes_no_new_payment(checkout, way):
    order = checkout.order(expire_by=soon())
    expire()

    error = refused(checkout("POST", "/payments", {"order_id": order["id"]} | way), 400, "BAD_REQUEST_ERROR")

    assert "expired" in error["description"]
    assert not Payment.objects.exists()
    assert not SandboxCharge.objects.exists()
    assert good(checkout("GET", f"/orders/{order['id']}"), 200)["status"] == "created"


def test_the_story_of_an_expired_order(checkout, balances, settings):
    """₹500.00 to be paid within a quarter of an hour: declined once, begun in time, over before the bank answers.
    What was under way ends well, is captured late, and is refunded in part; nothing new is taken.
    """
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0
    order = checkout.order(50_000, expire_by=soon())
    checkout.pay(order, method="upi", vpa="failure@upi")
    drive_payments()
    second = checkout.pay(order, method="upi", vpa="success@upi")
    assert balances(checkout.merchant) == (0, 0, 0)

    expire()
    new = {"order_id": order["id"]} | WAY
    refused(checkout("POST", "/payments", new), 400, "BAD_REQUEST_ERROR")
    assert (Payment.objects.count(), Posting.objects.count()) == (2, 0)
    drive_payments()
    ended = good(checkout("GET", f"/payments/{second['id']}"), 200)
    assert (ended["status"], ended["captured"], Payment.objects.get(public_id=second["id"]).flag) == ("SUCCESS", False, "")

    captured = good(checkout("POST", f"/payments/{second['id']}/capture"), 200)
    assert captured["captured"] is True
    assert balances(checkout.merchant) == (48_820, 0, 0)
    assert good(checkout("GET", f"/orders/{order['id']}"), 200)["status"] == "paid"
    refused(checkout("POST", "/payments", new), 409, "CONFLICT_ERROR")

    refund = good(checkout("POST", "/refunds", {"payment_id": second["id"], "amount": 20_000}))
    drive_refunds()
    assert good(checkout("GET", f"/refunds/{refund['id']}"), 200)["status"] == "PROCESSED"
    assert balances(checkout.merchant) == (28_820, 0, 0)
    assert sorted(row.status for row in Payment.objects.all()) == ["failed", "succeeded"]
    assert_ledger_balances()
