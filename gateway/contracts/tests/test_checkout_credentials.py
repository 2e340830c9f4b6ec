"""The pair: in two headers or by HTTP Basic; expired, revoked, suspended, elsewhere, too often; and the error table."""

import base64
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Credential, Merchant
from gateway.contracts.checkout.testing import CARD, Checkout, call, good, refused
from payments.models import Order, Payment, Refund
from webhooks.models import Endpoint


@pytest.fixture
def checkout(cast):
    return Checkout(cast.merchant)


def basic(text):
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_both_ways_in(checkout):
    pair = checkout.pair
    good(checkout("GET", "/orders"), 200)
    good(checkout("GET", "/orders", basic=True), 200)
    good(call("GET", "/orders", headers={"Authorization": basic(f"{pair.identifier}:{pair.secret}")["Authorization"].replace("Basic", "bAsIc")}), 200)
    good(call("GET", "/orders", headers=checkout.headers() | basic("a:b")), 200)


@pytest.mark.parametrize("change", [
    {"X-Api-Secret": "wrong"}, {"X-Api-Secret": ""}, {"X-Api-Key": "key_test_0000000000000000"}, {"X-Api-Key": ""},
    {"X-Api-Key": "key_test_x"}, {"X-Api-Key": "gw_test_x"}, {"X-Api-Secret": "é\u00ff"}, {"X-Api-Key": "é"},
])
def test_a_wrong_pair(checkout, change):
    refused(call("GET", "/orders", headers=checkout.headers() | change), 401, "AUTHENTICATION_ERROR")


@pytest.mark.parametrize("header", [
    "Basic", "Basic !!!", "Basic " + base64.b64encode(b"\xff\xfe").decode(), "Basic " + base64.b64encode(b"nocolon").decode(),
    "Bearer test_sk_x",
])
def test_headers_that_are_no_basic_pair(db, header):
    refused(call("GET", "/orders", headers={"Authorization": header}), 401, "AUTHENTICATION_ERROR")


def test_a_secret_of_another_pair(checkout, cast):
    other = Checkout(cast.merchant)
    headers = {"X-Api-Key": checkout.pair.identifier, "X-Api-Secret": other.pair.secret}

    refused(call("GET", "/orders", headers=headers), 401, "AUTHENTICATION_ERROR")
    good(other("GET", "/orders"), 200)


@pytest.mark.parametrize("change", [
    {"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}, {"contract": "signed"},
])
def test_a_pair_that_is_over(checkout, change):
    Credential.objects.update(**change)

    for caller in (checkout, lambda *args: checkout(*args, basic=True)):
        refused(caller("GET", "/orders"), 401, "AUTHENTICATION_ERROR")
    Merchant.objects.update(public_checkout=True)
    key = {"X-Api-Key": checkout.pair.identifier}
    refused(call("POST", "/orders/public", {"amount": 100}, headers=key), 401, "AUTHENTICATION_ERROR")
    assert not Order.objects.exists()


def test_a_pair_that_expires_later(checkout):
    Credential.objects.update(expires_at=timezone.now() + timedelta(minutes=1))

    good(checkout("GET", "/orders"), 200)


def test_a_suspended_merchants_pair(checkout):
    Merchant.objects.update(status="suspended")

    refused(checkout("POST", "/orders", {"amount": 100}), 403, "FORBIDDEN_ERROR")
    assert not Order.objects.exists()


@pytest.mark.parametrize(("allowed", "status"), [
    (["127.0.0.1"], 200), (["127.0.0.0/8", "10.0.0.1"], 200), (["10.0.0.0/8"], 403), (["nonsense"], 403), ([], 200),
    (["::1"], 403),
])
def test_an_allow_list(checkout, allowed, status):
    Credential.objects.update(allowed_addresses=allowed)

    assert checkout("GET", "/orders").status_code == status


def test_last_use_is_noted_and_the_look_up_is_one_query(checkout):
    good(checkout("GET", "/orders"), 200)
    assert Credential.objects.get().last_used_at is not None
    with CaptureQueriesContext(connection) as queries:
        good(checkout("GET", "/orders"), 200)

    assert len([query for query in queries if "accounts_credential" in query["sql"]]) == 1
    assert len(queries) == 2


def test_600_a_minute_and_pair(checkout, cast, settings):
    first = checkout("GET", "/orders")
    assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("600", "599")
    settings.CHECKOUT_RATE_LIMIT = 3
    second = Checkout(cast.merchant)

    assert [second("GET", "/nowhere").status_code for _ in range(4)] == [404, 404, 404, 429]
    late = second("GET", "/orders")
    refused(late, 429, "RATE_LIMIT_ERROR")
    assert 1 <= int(late["Retry-After"]) <= 60
    third = Checkout(cast.merchant)
    assert third("GET", "/orders").status_code == 200


def test_credentials_of_other_contracts_are_refused_here(cast):
    key = cast.keys[cast.merchant_user.public_id, "test"]

    refused(call("GET", "/orders", headers={"X-Api-Key": key}), 401, "AUTHENTICATION_ERROR")
    refused(call("GET", "/orders", headers={"X-Api-Key": key, "X-Api-Secret": key}), 401, "AUTHENTICATION_ERROR")


# The error table ------------------------------------------------------------------------------------------------


def test_unknown_addresses_and_methods(checkout):
    refused(checkout("GET", "/nowhere"), 404, "NOT_FOUND_ERROR")
    refused(checkout("GET", "/orders/"), 404, "NOT_FOUND_ERROR")
    response = checkout("PUT", "/orders", {})
    refused(response, 405, "METHOD_NOT_ALLOWED_ERROR")
    assert response["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("raw", [
    b"{", b"[]", b'"x"', b"\xff", b'{"amount": 1, "amount": 2}', b'{"a":' * 40 + b"1" + b"}" * 40, b'{"amount": NaN}',
])
def test_bodies_that_are_no_json_object(checkout, raw):
    refused(checkout("POST", "/orders", raw=raw), 400, "BAD_REQUEST_ERROR")
    assert not Order.objects.exists()


def test_a_body_over_one_mebibyte(checkout):
    raw = b'{"amount": 100, "receipt": "' + b"x" * 1024 * 1024 + b'"}'

    refused(checkout("POST", "/orders", raw=raw), 413, "PAYLOAD_TOO_LARGE_ERROR")


def test_a_form_where_json_is_due(checkout):
    response = Client().post("/api/v1/orders", {"amount": 100}, headers=checkout.headers())

    refused(response, 400, "BAD_REQUEST_ERROR")


def test_an_error_of_ours_names_the_request_and_nothing_else(checkout, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("secret_words")

    monkeypatch.setattr("gateway.contracts.checkout.views.orders.create_order", broken)
    response = checkout("POST", "/orders", {"amount": 100}, headers={"X-Request-Id": "call-77", "Idempotency-Key": "one"})

    error = refused(response, 500, "SERVER_ERROR")
    assert "call-77" in error["description"]
    assert "secret_words" not in response.content.decode()
    monkeypatch.undo()
    good(checkout("POST", "/orders", {"amount": 100}, headers={"Idempotency-Key": "one"}))


def test_the_database_away(checkout, monkeypatch):
    def away(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr("gateway.contracts.checkout.views.orders.create_order", away)
    response = checkout("POST", "/orders", {"amount": 100})

    refused(response, 503, "SERVER_ERROR")
    assert response["Retry-After"] == "5"


def test_nuls_in_filters_and_addresses(checkout):
    assert checkout("GET", "/orders?receipt=%00").status_code == 400
    assert checkout("GET", "/orders/%00").status_code == 404
    assert checkout("GET", "/payments?order_id=%ED%A0%80").status_code in (200, 400)


# Every address about another's record --------------------------------------------------------------------------------


def test_every_address_is_closed_to_strangers(checkout, cast, settings):
    """Every call of this contract, with no pair, another merchant's, the other mode's: 401 or 404, and nothing changed."""
    from gateway.contracts import schema

    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0
    payment = checkout.captured()
    refund = good(checkout("POST", "/refunds", {"payment_id": payment["id"], "amount": 100}))
    hook = good(checkout("POST", "/webhooks", {"url": "https://a.example/"}))
    checkout.captured()
    log = good(checkout("GET", "/webhook-logs"), 200)[0]
    ids = {"order_id": payment["order_id"], "payment_id": payment["id"], "refund_id": refund["id"], "webhook_id": hook["id"], "log_id": log["id"]}
    bodies = {"create_payment": {"order_id": payment["order_id"]} | CARD, "create_refund": {"payment_id": payment["id"]}}
    before = [kind.objects.count() for kind in (Order, Payment, Refund, Endpoint)]
    strangers = {"other": Checkout(cast.other), "live": Checkout(cast.merchant, "live")}
    cells, wrong = 0, []
    for path, calls in schema.document("checkout")["paths"].items():
        for method, described in calls.items():
            name = described["operationId"]
            if "public" in name or name == "get_health":
                continue
            address = path.removeprefix("/api/v1").format(**ids)
            if call(method.upper(), address, bodies.get(name, {}), documented=False).status_code not in (401, 404):
                wrong.append((name, "nobody"))
            for who, stranger in strangers.items():
                cells += 1
                answer = stranger(method.upper(), address, bodies.get(name, {}))
                about_one = "{" in path or name in bodies
                if about_one and answer.status_code != 404:
                    wrong.append((name, who, answer.status_code))
                if any(value in answer.content.decode() for value in ids.values()):
                    wrong.append((name, who, "leaks"))

    assert wrong == []
    assert cells >= 40
    made = [kind.objects.count() for kind in (Order, Payment, Refund, Endpoint)]
    # Only the other merchant's own test job: an order and its payment.
    assert made == [before[0] + 1, before[1] + 1, before[2], before[3]]
