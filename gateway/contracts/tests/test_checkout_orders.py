"""`/orders`, with a secret and without: exact fields, refusals, lists, and who sees what."""

import json
import re

import pytest

from accounts.models import Merchant
from gateway.contracts.checkout.testing import Checkout, call, good, refused
from gateway.contracts.models import IdempotencyRecord
from payments.models import Order

FIELDS = ["id", "merchant_id", "amount", "currency", "status", "receipt", "notes", "created_at", "updated_at"]
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
BODY = {"amount": 50000, "currency": "INR", "receipt": "receipt_001", "notes": {"customer": "John Doe"}}


@pytest.fixture
def checkout(cast):
    return Checkout(cast.merchant)


@pytest.fixture
def other(cast):
    return Checkout(cast.other)


@pytest.fixture
def shop(cast):
    Merchant.objects.update(public_checkout=True)
    cast.merchant.refresh_from_db()
    return cast.merchant


def test_an_order_has_exactly_the_originals_fields(checkout, cast):
    response = checkout("POST", "/orders", BODY)

    made = good(response)
    assert list(made) == FIELDS
    assert re.fullmatch(r"order_[A-Za-z0-9]{16}", made["id"])
    assert TIMESTAMP.fullmatch(made["created_at"])
    assert TIMESTAMP.fullmatch(made["updated_at"])
    assert {name: made[name] for name in FIELDS[1:7]} == {
        "merchant_id": cast.merchant.public_id, "amount": 50000, "currency": "INR", "status": "created",
        "receipt": "receipt_001", "notes": {"customer": "John Doe"},
    }
    assert good(checkout("GET", f"/orders/{made['id']}"), 200) == made
    order = Order.objects.get()
    assert (order.mode, order.contract, order.public, order.manual_capture) == ("test", "checkout", False, True)
    assert response["X-RateLimit-Limit"] == "600"


def test_receipt_and_notes_may_be_left_out(checkout):
    made = good(checkout("POST", "/orders", {"amount": 100}))

    assert (made["amount"], made["currency"], made["receipt"], made["notes"]) == (100, "INR", None, {})


@pytest.mark.parametrize("amount", [
    99, 0, -1, -100, "500", "50000", 500.0, 500.5, 1e3, True, None, [], {}, 10**17, 10**400, "५००", "5,000",
])
def test_amounts_are_json_integers_of_at_least_100_paise(checkout, amount):
    refused(checkout("POST", "/orders", {"amount": amount}), 400, "BAD_REQUEST_ERROR", "amount")

    assert not Order.objects.exists()


@pytest.mark.parametrize("number", [b"-0", b"1e400", b"NaN", b"Infinity", b"5_000", b"+500"])
def test_amounts_that_are_hardly_json(checkout, number):
    assert checkout("POST", "/orders", raw=b'{"amount": ' + number + b"}").status_code == 400
    assert not Order.objects.exists()


@pytest.mark.parametrize(("field", "value"), [
    ("currency", "USD"), ("currency", 5), ("receipt", "x" * 41), ("receipt", 5), ("notes", []), ("notes", "x"),
    ("notes", {str(n): "x" for n in range(16)}), ("notes", {"a": {}}), ("manual_capture", "yes"), ("receipt", "a\x00b"),
])
def test_bad_fields_are_named(checkout, field, value):
    error = checkout("POST", "/orders", BODY | {field: value}).json()["error"]

    assert error["code"] == "BAD_REQUEST_ERROR"
    assert error["field"] == (None if value == "a\x00b" else field)
    assert not Order.objects.exists()


def test_what_is_missing_is_named(checkout):
    refused(checkout("POST", "/orders", {}), 400, "BAD_REQUEST_ERROR", "amount")


def test_15_notes_and_40_letters_pass(checkout):
    body = BODY | {"receipt": "r" * 40, "notes": {str(n): n for n in range(15)}}

    made = good(checkout("POST", "/orders", body))
    assert made["notes"] == body["notes"]


def test_what_a_body_must_not_set_is_ignored(checkout, cast):
    made = good(checkout("POST", "/orders", BODY | {
        "id": "order_evil", "merchant_id": cast.other.public_id, "status": "paid", "mode": "live", "public": True,
        "created_at": "2020-01-01T00:00:00Z",
    }))

    order = Order.objects.get()
    assert (order.merchant, order.status, order.mode, order.public) == (cast.merchant, "created", "test", False)
    assert made["id"] == order.public_id != "order_evil"


def test_a_collection_newest_first(checkout):
    made = [good(checkout("POST", "/orders", BODY | {"receipt": f"r{number}"})) for number in range(5)][::-1]

    assert good(checkout("GET", "/orders"), 200) == {"entity": "collection", "count": 5, "items": made}
    assert good(checkout("GET", "/orders?page=2&limit=2"), 200) == {
        "entity": "collection", "count": 2, "items": made[2:4]
    }
    assert good(checkout("GET", "/orders?count=2&skip=3"), 200)["items"] == made[3:5]
    assert good(checkout("GET", "/orders?skip=4"), 200)["items"] == made[4:]
    assert good(checkout("GET", "/orders?page=9"), 200) == {"entity": "collection", "count": 0, "items": []}
    assert good(checkout("GET", "/orders?receipt=r3&status=created&nonsense=1"), 200)["items"] == [made[1]]


@pytest.mark.parametrize(("query", "field"), [
    ("page=0", "page"), ("page=x", "page"), ("limit=101", "limit"), ("count=0", "count"), ("count=101", "count"),
    ("skip=-1", "skip"), ("skip=1.5", "skip"), ("status=PAID", "status"), ("limit=", "limit"),
])
def test_bad_queries_are_named(checkout, query, field):
    refused(checkout("GET", f"/orders?{query}"), 400, "BAD_REQUEST_ERROR", field)


def test_nobody_sees_anothers_or_the_other_modes_orders(checkout, other, cast):
    mine, theirs = checkout.order(), other.order()
    live = Checkout(cast.merchant, "live")

    assert good(checkout("GET", "/orders"), 200)["items"] == [mine]
    for caller, order in ((checkout, theirs), (other, mine), (live, mine)):
        refused(caller("GET", f"/orders/{order['id']}"), 404, "NOT_FOUND_ERROR")
        refused(caller("GET", f"/orders/{order['id']}/payments"), 404, "NOT_FOUND_ERROR")
    assert good(live("GET", "/orders"), 200)["count"] == 0


def test_live_mode_without_a_provider_creates_nothing(cast):
    live = Checkout(cast.merchant, "live")

    refused(live("POST", "/orders", {"amount": 5}), 400, "BAD_REQUEST_ERROR", "amount")
    refused(live("POST", "/orders", BODY), 503, "GATEWAY_ERROR")
    assert not Order.objects.exists()


def test_the_same_key_gets_the_same_order(checkout, cast):
    keyed = {"Idempotency-Key": "one"}
    first = checkout("POST", "/orders", BODY, headers=keyed)
    again = checkout("POST", "/orders", dict(reversed(BODY.items())), headers=keyed)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    refused(checkout("POST", "/orders", BODY | {"amount": 100}, headers=keyed), 422, "IDEMPOTENCY_ERROR")
    assert Order.objects.count() == 1
    good(Checkout(cast.other)("POST", "/orders", BODY, headers=keyed))
    assert Order.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_keys_that_are_none(checkout, key):
    refused(checkout("POST", "/orders", BODY, headers={"Idempotency-Key": key}), 400, "BAD_REQUEST_ERROR", "Idempotency-Key")
    assert not Order.objects.exists()


def test_a_refusal_is_not_remembered(checkout):
    keyed = {"Idempotency-Key": "one"}
    assert checkout("POST", "/orders", {"amount": 5}, headers=keyed).status_code == 400
    assert not IdempotencyRecord.objects.exists()
    good(checkout("POST", "/orders", BODY, headers=keyed))


# Public orders ----------------------------------------------------------------------------------------------


def test_a_public_order_by_publishable_key(checkout, shop):
    key = {"X-Api-Key": checkout.pair.identifier}
    made = good(call("POST", "/orders/public", BODY, headers=key))

    assert list(made) == FIELDS
    assert (made["merchant_id"], made["status"]) == (shop.public_id, "created")
    order = Order.objects.get()
    assert (order.public, order.manual_capture, order.mode) == (True, False, "test")
    assert good(call("GET", f"/orders/public/{made['id']}", headers=key), 200) == made
    assert good(call("GET", f"/orders/public/{made['id']}"), 200) == made
    assert good(checkout("GET", f"/orders/{made['id']}"), 200) == made


def test_a_public_order_by_merchant_id(shop, cast):
    made = good(call("POST", "/orders/public", BODY | {"merchant_id": cast.other.public_id}))

    assert made["merchant_id"] == cast.other.public_id


def test_a_public_order_of_the_installations_merchant(shop, settings):
    refused(call("POST", "/orders/public", BODY), 400, "BAD_REQUEST_ERROR", "merchant_id")
    settings.PUBLIC_CHECKOUT_MERCHANT = shop.public_id

    assert good(call("POST", "/orders/public", BODY))["merchant_id"] == shop.public_id


def test_the_demo_has_a_merchant_of_its_own(shop, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    (tmp_path / "demo.json").write_text(json.dumps({"merchants": {"merchant": {"id": shop.public_id}}}))

    assert good(call("POST", "/orders/public", BODY))["merchant_id"] == shop.public_id
    settings.DEMO = False
    refused(call("POST", "/orders/public", BODY), 400, "BAD_REQUEST_ERROR", "merchant_id")


def test_only_where_the_merchant_switched_it_on(checkout, cast):
    key = {"X-Api-Key": checkout.pair.identifier}
    refused(call("POST", "/orders/public", BODY, headers=key), 403, "FORBIDDEN_ERROR")
    refused(call("POST", "/orders/public", BODY | {"merchant_id": cast.other.public_id}), 403, "FORBIDDEN_ERROR")
    refused(call("POST", "/orders/public", BODY | {"merchant_id": "mrc_unknown"}), 404, "NOT_FOUND_ERROR")
    assert not Order.objects.exists()


def test_a_suspended_merchant_has_no_public_checkout(shop):
    Merchant.objects.update(status="suspended")

    refused(call("POST", "/orders/public", BODY | {"merchant_id": shop.public_id}), 403, "FORBIDDEN_ERROR")


@pytest.mark.parametrize("key", ["key_test_unknownunknown1", "key_test_x", "gw_test_x", "test_sk_x"])
def test_a_bad_publishable_key_is_refused(shop, key):
    for method, path in (("POST", "/orders/public"), ("GET", "/orders/public/x"), ("GET", "/payments/public/x")):
        refused(call(method, path, BODY, headers={"X-Api-Key": key}), 401, "AUTHENTICATION_ERROR")


def test_a_publishable_key_opens_nothing_else(checkout, shop):
    order = checkout.order()
    for method, path in (
        ("GET", "/orders"), ("GET", f"/orders/{order['id']}"), ("POST", "/orders"), ("GET", "/payments"), ("GET", "/webhooks"),
    ):
        refused(call(method, path, BODY, headers={"X-Api-Key": checkout.pair.identifier}), 401, "AUTHENTICATION_ERROR")


def test_an_order_made_with_a_secret_is_not_public(checkout, shop):
    refused(call("GET", f"/orders/public/{checkout.order()['id']}"), 404, "NOT_FOUND_ERROR")


def test_a_publishable_key_sees_its_own_merchants_mode_only(checkout, other, shop):
    made = good(call("POST", "/orders/public", BODY, headers={"X-Api-Key": checkout.pair.identifier}))
    live = Checkout(shop, "live")

    for key in (other.pair.identifier, live.pair.identifier):
        refused(call("GET", f"/orders/public/{made['id']}", headers={"X-Api-Key": key}), 404, "NOT_FOUND_ERROR")
    Order.objects.update(mode="live")
    refused(call("GET", f"/orders/public/{made['id']}"), 404, "NOT_FOUND_ERROR")
    error = call("POST", "/orders/public", BODY | {"merchant_id": other.merchant.public_id}, headers={
        "X-Api-Key": checkout.pair.identifier,
    })
    refused(error, 400, "BAD_REQUEST_ERROR", "merchant_id")


def test_public_calls_are_counted_by_address(shop, settings):
    settings.PUBLIC_CHECKOUT_RATE_LIMIT = 3
    answers = [call("GET", "/orders/public/x") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert int(answers[-1]["Retry-After"]) >= 1
    refused(answers[-1], 429, "RATE_LIMIT_ERROR")
    assert answers[0]["X-RateLimit-Limit"] == "3"


def test_the_public_limit_is_30_a_minute(db, settings):
    assert call("GET", "/orders/public/x")["X-RateLimit-Limit"] == "30"
