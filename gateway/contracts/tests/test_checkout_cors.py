"""Pages of other origins may make the public calls, and no others; never with what a browser knows of its user."""

import pytest
from django.test import Client

from accounts.models import Merchant
from gateway.contracts.checkout.testing import Checkout, call, good
from payments.models import Order, Payment

SHOP = {"Origin": "https://shop.example"}
ASKS = SHOP | {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,idempotency-key,x-api-key",
}
PUBLIC = ["/orders/public", "/orders/public/order_x", "/payments/public", "/payments/public/pay_x"]
METHODS = {"/orders/public": "POST", "/payments/public": "POST"}


def preflight(path, headers=ASKS):
    return Client().options(f"/api/v1{path}", headers=headers)


@pytest.fixture
def checkout(cast):
    Merchant.objects.update(public_checkout=True)
    return Checkout(cast.merchant)


@pytest.mark.parametrize("path", PUBLIC)
def test_a_preflight_is_answered_before_anybody_is_known(db, path):
    answer = preflight(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Access-Control-Allow-Origin"] == "*"
    allowed = {name.strip().lower() for name in answer["Access-Control-Allow-Headers"].split(",")}
    assert {"content-type", "idempotency-key", "x-api-key"} <= allowed
    assert not {"x-api-secret", "authorization", "x-checkout-token"} & allowed
    assert answer["Access-Control-Allow-Methods"] in ("POST", "GET, HEAD")
    assert ("POST" in answer["Access-Control-Allow-Methods"]) == (path in METHODS)
    assert answer["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Credentials" not in answer


def test_preflights_use_up_nobodys_limit(checkout, settings):
    settings.PUBLIC_CHECKOUT_RATE_LIMIT = 1
    for _ in range(3):
        assert preflight("/orders/public").status_code == 204

    good(call("POST", "/orders/public", {"amount": 500, "merchant_id": checkout.merchant.public_id}, headers=SHOP))
    assert call("POST", "/orders/public", {"amount": 500}, headers=SHOP).status_code == 429
    assert preflight("/orders/public").status_code == 204


def test_answers_and_refusals_can_be_read(checkout, settings):
    key = {"X-Api-Key": checkout.pair.identifier}
    made = call("POST", "/orders/public", {"amount": 500}, headers=SHOP | key)
    body = {"order_id": made.json()["id"], "method": "upi", "vpa": "a@upi"}
    paid = call("POST", "/payments/public", body, headers=SHOP | key | {"Idempotency-Key": "one"})
    asked = call("GET", f"/payments/public/{paid.json()['id']}", headers=SHOP | key)
    refusals = [
        call("POST", "/orders/public", {"amount": 5}, headers=SHOP | key),
        call("POST", "/orders/public", {"amount": 500}, headers=SHOP | {"X-Api-Key": "key_test_0000000000000000"}),
        call("GET", "/orders/public/order_x", headers=SHOP), call("PUT", "/orders/public", {}, headers=SHOP),
    ]
    settings.PUBLIC_CHECKOUT_RATE_LIMIT = 1
    refusals += [call("GET", "/orders/public/order_x", headers=SHOP) for _ in range(2)]

    assert [answer.status_code for answer in (made, paid, asked)] == [201, 201, 200]
    assert [answer.status_code for answer in refusals] == [400, 401, 404, 405, 404, 429]
    for answer in (made, paid, asked, *refusals):
        assert answer["Access-Control-Allow-Origin"] == "*"
        shown = answer["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer
        for name in ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"):
            assert name in shown
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)


def test_calls_with_a_secret_are_for_no_page(checkout, api):
    order = checkout.order()
    answers = [
        checkout("GET", "/orders", headers=SHOP), checkout("POST", "/orders", {"amount": 500}, headers=SHOP),
        checkout("GET", f"/orders/{order['id']}", headers=SHOP), checkout("GET", "/payments", headers=SHOP),
        checkout("GET", "/nowhere", headers=SHOP), api("merchant_user", "GET", "/balance", headers=SHOP),
        call("GET", "/health", headers=SHOP),
    ]
    refused = [preflight(path) for path in ("/orders", "/payments", "/refunds", "/webhooks", "/balance", "/payouts")]

    assert not [name for answer in answers + refused for name in answer.headers if name.startswith("Access-Control")]
    assert {answer.status_code for answer in refused} <= {401, 404, 405}
