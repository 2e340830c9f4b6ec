"""`/payments`: both ways to pay and both card bodies, captures in every order, and the public calls."""

import re

import pytest

from accounts.actors import Actor
from accounts.models import Merchant
from gateway.contracts.checkout.testing import CARD, Checkout, call, good, refused
from gateway.lib.money import Money
from gateway.lib.providers import Outcome, ProviderTimeout
from ledger.models import Posting
from ledger.queries import wallets
from ledger.testing import assert_ledger_balances
from payments.models import Order, Payment, SandboxCharge
from payments.services import create_payment, simulate
from payments.work import drive_payments

FIELDS = [
    "id", "order_id", "merchant_id", "amount", "currency", "method", "status", "error_code", "error_description",
    "created_at", "updated_at",
]
CAPTURED = [*FIELDS[:7], "captured", *FIELDS[7:]]


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def checkout(cast):
    return Checkout(cast.merchant)


@pytest.fixture
def shop(cast):
    Merchant.objects.update(public_checkout=True)
    cast.merchant.refresh_from_db()
    return cast.merchant


@pytest.fixture
def public_order(shop):
    return good(call("POST", "/orders/public", {"amount": 50000, "merchant_id": shop.public_id}))


@pytest.fixture
def available(cast):
    return lambda merchant=None: wallets(merchant_ids=[(merchant or cast.merchant).pk], mode="test")[0].available_minor


def test_a_upi_payment_has_exactly_the_originals_fields(checkout, cast):
    order = checkout.order()

    made = good(checkout("POST", "/payments", {"order_id": order["id"], "method": "upi", "vpa": "user@upi"}))

    assert list(made) == FIELDS
    assert re.fullmatch(r"pay_[A-Za-z0-9]{16}", made["id"])
    assert {name: made[name] for name in FIELDS[1:9]} == {
        "order_id": order["id"], "merchant_id": cast.merchant.public_id, "amount": 50000, "currency": "INR",
        "method": "upi", "status": "CREATED", "error_code": None, "error_description": None,
    }
    assert good(checkout("GET", f"/payments/{made['id']}"), 200) == made
    assert good(checkout("GET", f"/orders/{order['id']}"), 200)["status"] == "attempted"
    assert good(checkout("GET", f"/orders/{order['id']}/payments"), 200)["items"] == [made]


BODIES = {
    "flat": CARD,
    "flat, all text": CARD | {"expiry_month": "12", "expiry_year": "2030"},
    "flat, all integers": CARD | {"card_number": 4111111111111111, "cvv": 123},
    "flat, short year, spaces": CARD | {"card_number": "4111 1111 1111 1111", "expiry_year": 30},
    "nested": {"method": "card", "card": {"number": "4111111111111111", "expiry_month": "12", "expiry_year": "2030", "cvv": "123"}},
    "nested, integers": {"method": "card", "card": {"number": 4111111111111111, "expiry_month": 12, "expiry_year": 2030, "cvv": 123}},
}


@pytest.mark.parametrize("name", BODIES)
def test_both_card_bodies(checkout, name):
    made = checkout.pay(checkout.order(), **BODIES[name])

    assert (made["method"], made["status"], list(made)) == ("card", "CREATED", FIELDS)
    row = Payment.objects.get()
    assert (row.card_brand, row.card_last_four, row.card_expiry) == ("visa", "1111", "2030-12")
    drive_payments()
    assert good(checkout("GET", f"/payments/{made['id']}"), 200)["status"] == "SUCCESS"


BAD_CARDS = [
    ({"card_number": "4111111111111112"}, "card_number"), ({"card_number": "9111"}, "card_number"),
    ({"card_number": 4.5}, "card_number"), ({"card_number": True}, "card_number"), ({"card_number": "4" * 41}, "card_number"),
    ({"card_number": ["4111111111111111"]}, "card_number"), ({"expiry_month": 13}, "expiry_month"),
    ({"expiry_month": "x"}, "expiry_month"), ({"expiry_year": 2001}, "expiry_year"), ({"expiry_year": "20300"}, "expiry_year"),
    ({"cvv": "12"}, "cvv"), ({"cvv": 1e3}, "cvv"), ({"cvv": None}, "cvv"), ({"card_number": None}, "card_number"),
    ({"name": "x" * 121}, "name"),
]


@pytest.mark.parametrize(("change", "field"), BAD_CARDS)
def test_bad_cards_are_refused_in_the_flat_bodys_words(checkout, change, field):
    order = checkout.order()

    refused(checkout("POST", "/payments", {"order_id": order["id"]} | CARD | change), 400, "BAD_REQUEST_ERROR", field)
    assert not Payment.objects.exists()
    assert good(checkout("GET", f"/orders/{order['id']}"), 200)["status"] == "created"


@pytest.mark.parametrize(("change", "field"), [
    ({"number": "4111111111111112"}, "card.number"), ({"expiry_month": 0}, "card.expiry_month"),
    ({"expiry_year": 1999}, "card.expiry_year"), ({"cvv": "1234"}, "card.cvv"), ({"cvv": None}, "card.cvv"),
    ({"number": {}}, "card.number"),
])
def test_bad_cards_are_refused_in_the_nested_bodys_words(checkout, change, field):
    body = {"order_id": checkout.order()["id"], "method": "card", "card": BODIES["nested"]["card"] | change}

    refused(checkout("POST", "/payments", body), 400, "BAD_REQUEST_ERROR", field)
    assert not Payment.objects.exists()


@pytest.mark.parametrize(("body", "field"), [
    ({}, "order_id"), ({"method": "cash"}, "method"), ({"method": None}, "method"), ({"method": "upi"}, "vpa"),
    ({"method": "upi", "vpa": "no bank"}, "vpa"), ({"method": "upi", "vpa": 5}, "vpa"), ({"method": "card"}, "card_number"),
    ({"method": "card", "card": "4111"}, "card"), ({"method": "card", "card": {}}, "card.number"),
    ({"method": "upi", "vpa": "a@upi", "amount": 100}, "amount"), ({"method": "upi", "vpa": "a@upi", "currency": "USD"}, "currency"),
])
def test_bad_bodies_name_their_field(checkout, body, field):
    order_id = checkout.order()["id"]
    sent = body if field == "order_id" else {"order_id": order_id} | body

    refused(checkout("POST", "/payments", sent), 400, "BAD_REQUEST_ERROR", field)
    assert not Payment.objects.exists()


@pytest.mark.parametrize(("way", "code", "text"), [
    ({"method": "upi", "vpa": "failure@upi"}, "payment_declined", "The payer's bank declined the payment."),
    (CARD | {"card_number": "4000000000000002"}, "card_declined", "The card was declined by its bank."),
    (CARD | {"card_number": "4000000000000069"}, "expired_card", "The card has expired."),
    (CARD | {"card_number": "4000000000000119"}, "processor_error", "The card's processor could not be reached."),
])
def test_a_failure_says_why(checkout, way, code, text):
    order = checkout.order()
    made = checkout.pay(order, **way)
    drive_payments()

    ended = good(checkout("GET", f"/payments/{made['id']}"), 200)
    assert list(ended) == FIELDS
    assert (ended["status"], ended["error_code"], ended["error_description"]) == ("FAILED", code, text)
    refused(checkout("POST", f"/payments/{made['id']}/capture"), 400, "BAD_REQUEST_ERROR")
    assert not Posting.objects.exists()
    again = checkout.pay(order)
    drive_payments()
    assert good(checkout("GET", f"/payments/{again['id']}"), 200)["status"] == "SUCCESS"
    refused(checkout("POST", "/payments", {"order_id": order["id"], "method": "upi", "vpa": "a@upi"}), 409, "CONFLICT_ERROR")
    assert Payment.objects.count() == 2


def test_orders_that_are_not_there(checkout, cast):
    theirs = Checkout(cast.other).order()
    for order_id in (theirs["id"], "order_x", "4111111111111111"):
        body = {"order_id": order_id, "method": "upi", "vpa": "a@upi"}
        refused(checkout("POST", "/payments", body), 404, "NOT_FOUND_ERROR")
    assert not Payment.objects.exists()


def test_live_mode_without_a_provider(cast):
    live = Checkout(cast.merchant, "live")
    order = Checkout(cast.merchant).order()
    Order.objects.update(mode="live")

    refused(live("POST", "/payments", {"order_id": order["id"], "method": "upi", "vpa": "a@upi"}), 503, "GATEWAY_ERROR")
    assert not Payment.objects.exists()


# Captures ---------------------------------------------------------------------------------------------------


def test_a_capture_before_the_authorisation_is_remembered(checkout, available):
    payment = checkout.pay(checkout.order())

    asked = good(checkout("POST", f"/payments/{payment['id']}/capture"), 200)
    assert list(asked) == FIELDS
    assert asked["status"] == "PROCESSING"
    assert asked["updated_at"] > payment["updated_at"]
    assert good(checkout("POST", f"/payments/{payment['id']}/capture"), 200) == asked
    assert available() == 0
    drive_payments()

    ended = good(checkout("GET", f"/payments/{payment['id']}"), 200)
    assert list(ended) == CAPTURED
    assert (ended["status"], ended["captured"]) == ("SUCCESS", True)
    assert available() == 50_000 - 1_180
    assert good(checkout("GET", f"/orders/{payment['order_id']}"), 200)["status"] == "paid"
    assert_ledger_balances()


def test_a_capture_after_the_success_books_once(checkout, available):
    payment = checkout.paid()
    assert (payment["status"], payment["captured"]) == ("SUCCESS", False)
    assert (available(), Posting.objects.count()) == (0, 0)

    first = checkout("POST", f"/payments/{payment['id']}/capture", {"amount": 50000, "currency": "INR"})
    again = checkout("POST", f"/payments/{payment['id']}/capture")

    assert list(good(first, 200)) == CAPTURED
    assert (first.json()["status"], first.json()["captured"]) == ("SUCCESS", True)
    assert again.content == first.content
    assert available() == 48_820
    assert Posting.objects.count() == 1
    assert good(checkout("GET", f"/payments/{payment['id']}"), 200) == first.json()
    assert_ledger_balances()


@pytest.mark.parametrize(("body", "field"), [
    ({"amount": 49999}, "amount"), ({"amount": "50000"}, "amount"), ({"currency": "USD"}, "currency"),
])
def test_a_capture_of_another_amount_is_refused(checkout, body, field):
    payment = checkout.paid()

    refused(checkout("POST", f"/payments/{payment['id']}/capture", body), 400, "BAD_REQUEST_ERROR", field)
    assert Payment.objects.get().capture_requested_at is None
    assert not Posting.objects.exists()


def test_a_capture_of_nobodys_payment(checkout, cast):
    theirs = Checkout(cast.other).paid()
    live = Checkout(cast.merchant, "live")
    mine = checkout.paid()

    for caller, payment in ((checkout, theirs), (live, mine), (checkout, {"id": "pay_x"})):
        refused(caller("POST", f"/payments/{payment['id']}/capture"), 404, "NOT_FOUND_ERROR")
        refused(caller("GET", f"/payments/{payment['id']}"), 404, "NOT_FOUND_ERROR")
    assert not Posting.objects.exists()


def test_orders_may_ask_for_capture_at_once(checkout, available):
    assert checkout.captured()["captured"] is True
    assert available() == 48_820


def test_a_capture_with_a_key_is_replayed(checkout):
    payment = checkout.paid()
    first = checkout("POST", f"/payments/{payment['id']}/capture", headers={"Idempotency-Key": "c"})
    again = checkout("POST", f"/payments/{payment['id']}/capture", headers={"Idempotency-Key": "c"})

    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"


def test_an_answer_that_never_comes_leaves_it_processing(checkout, monkeypatch):
    """It is resolved by asking; what comes late, or twice, changes nothing twice."""
    from payments.providers.sandbox import Sandbox

    payment = checkout.pay(checkout.order(manual_capture=False))
    asked = []

    def silent(self, charge):
        asked.append(charge.reference)
        SandboxCharge.objects.create(
            reference=charge.reference, kind="charge", amount_minor=charge.amount.minor, currency="INR",
            decision="succeed", decide_at=Payment.objects.get().created_at, utr="LATE00000001",
        )
        raise ProviderTimeout()

    monkeypatch.setattr(Sandbox, "authorise", silent)
    drive_payments()
    assert good(checkout("GET", f"/payments/{payment['id']}"), 200)["status"] == "PROCESSING"
    Payment.objects.update(due_at=Payment.objects.get().created_at)
    drive_payments()

    assert good(checkout("GET", f"/payments/{payment['id']}"), 200)["status"] == "SUCCESS"
    from payments.services.outcomes import apply_outcome

    again = Outcome("succeeded", amount_minor=50_000, currency="INR")
    assert apply_outcome(actor=Actor.system("sandbox"), payment=Payment.objects.get(), outcome=again) == "none"
    assert (asked, Posting.objects.count()) == ([payment["id"]], 1)
    assert_ledger_balances()


# Lists, other contracts ---------------------------------------------------------------------------------------


def test_a_collection_with_filters(checkout):
    ok, card = checkout.paid(), checkout.pay(checkout.order(), **CARD)

    assert good(checkout("GET", "/payments"), 200) == {"entity": "collection", "count": 2, "items": [card, ok]}
    for query, found in (
        ("status=SUCCESS", [ok]), ("method=card", [card]), (f"order_id={ok['order_id']}", [ok]), ("status=FAILED", []),
        ("count=1&skip=1", [ok]), ("limit=1", [card]),
    ):
        assert good(checkout("GET", f"/payments?{query}"), 200)["items"] == found, query
    error = refused(checkout("GET", "/payments?status=success"), 400, "BAD_REQUEST_ERROR", "status")
    assert "CREATED, PROCESSING, SUCCESS, FAILED" in error["description"]


def test_a_portal_payment_is_seen_here_and_the_other_way_round(checkout, cast, api):
    row = create_payment(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", contract="portal",
        amount=Money(50_050, "INR"), reference="TXN-1", created_by=cast.merchant_user,
    )
    assert good(checkout("GET", f"/payments/{row.public_id}"), 200)["status"] == "CREATED"
    assert good(checkout("GET", f"/orders/{row.order.public_id}"), 200)["receipt"] == "TXN-1"
    assert good(checkout("GET", "/orders?receipt=TXN-1"), 200)["items"][0]["id"] == row.order.public_id
    simulate(payment=row, succeed=True)

    seen = good(checkout("GET", f"/payments/{row.public_id}"), 200)
    assert (seen["order_id"], seen["amount"], seen["status"], seen["captured"]) == (row.order.public_id, 50_050, "SUCCESS", True)
    mine = checkout.paid()
    there = api("merchant_user", "GET", f"/payments/{mine['id']}").json()["data"]
    assert (there["amount"], there["status"], there["order_id"]) == (500, "completed", mine["order_id"])


# Public payments ----------------------------------------------------------------------------------------------


def pay_publicly(order, key="k1", **more):
    body = {"order_id": order["id"], "amount": 50000, "currency": "INR", "method": "upi", "vpa": "test@upi"} | more
    return call("POST", "/payments/public", body, headers={"Idempotency-Key": key} if key else {})


def test_a_public_payment_is_captured_at_once(public_order, available):
    made = good(pay_publicly(public_order))
    assert (list(made), made["status"]) == (FIELDS, "CREATED")
    drive_payments()

    ended = good(call("GET", f"/payments/public/{made['id']}"), 200)
    assert (ended["status"], ended["captured"]) == ("SUCCESS", True)
    assert available() == 48_820
    assert good(call("GET", f"/orders/public/{public_order['id']}"), 200)["status"] == "paid"
    assert_ledger_balances()


def test_a_public_payment_needs_a_key_and_is_replayed(public_order):
    refused(pay_publicly(public_order, None), 400, "BAD_REQUEST_ERROR", "Idempotency-Key")
    assert not Payment.objects.exists()
    first, again = pay_publicly(public_order), pay_publicly(public_order)

    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert Payment.objects.count() == 1
    refused(pay_publicly(public_order, vpa="other@upi"), 422, "IDEMPOTENCY_ERROR")


@pytest.mark.parametrize(("change", "field"), [
    ({"amount": 49999}, "amount"), ({"currency": "USD"}, "currency"), ({"amount": 500.0}, "amount"), ({"vpa": ""}, "vpa"),
])
def test_a_public_payment_must_be_the_orders(public_order, change, field):
    refused(pay_publicly(public_order, **change), 400, "BAD_REQUEST_ERROR", field)
    assert not Payment.objects.exists()


def test_amount_and_currency_may_be_left_out(public_order):
    body = {"order_id": public_order["id"], **CARD}

    assert good(call("POST", "/payments/public", body, headers={"Idempotency-Key": "x"}))["amount"] == 50000


def test_a_merchants_own_order_is_not_paid_publicly(checkout, shop):
    refused(pay_publicly(checkout.order()), 404, "NOT_FOUND_ERROR")
    mine = checkout.paid()
    refused(call("GET", f"/payments/public/{mine['id']}"), 404, "NOT_FOUND_ERROR")
    assert Payment.objects.count() == 1


def test_public_payments_of_an_order_are_made_one_at_a_time(public_order, available):
    first = good(pay_publicly(public_order, "k1", vpa="failure@upi"))

    said = refused(pay_publicly(public_order, "k2"), 409, "CONFLICT_ERROR")
    assert said["description"] == "A payment of this order is under way already."
    assert good(pay_publicly(public_order, "k1", vpa="failure@upi"))["id"] == first["id"]
    drive_payments()
    assert (Payment.objects.count(), available()) == (1, 0)

    good(pay_publicly(public_order, "k2"))
    drive_payments()
    assert [row.status for row in Payment.objects.order_by("id")] == ["failed", "succeeded"]
    assert available() == 48_820
    assert_ledger_balances()


def test_switching_public_checkout_off_ends_it(public_order):
    Merchant.objects.update(public_checkout=False)

    refused(pay_publicly(public_order), 404, "NOT_FOUND_ERROR")
    assert not Payment.objects.exists()


def test_a_public_order_is_captured_by_its_merchant_too(public_order, checkout):
    made = good(pay_publicly(public_order))

    assert good(checkout("POST", f"/payments/{made['id']}/capture"), 200)["status"] == "PROCESSING"
