"""What a hosted page's pass lets it do: pay one order and read its payments, whoever made that order; nothing else."""

import pytest
from django.core import signing

from accounts.models import AuditRecord, Merchant
from gateway.contracts.checkout.testing import CARD, Checkout, call, good, refused
from ledger.testing import assert_ledger_balances
from payments import page_pass
from payments.models import Order, Payment
from payments.page_pass import issue_pass
from payments.work import drive_payments

WAY = {"method": "upi", "vpa": "success@upi"}


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def checkout(cast):
    return Checkout(cast.merchant)


def pay(order_id, text, key="k", **more):
    sent = {"Idempotency-Key": key} | ({"X-Checkout-Token": text} if text is not None else {})
    return call("POST", "/payments/public", {"order_id": order_id} | WAY | more, headers=sent)


def test_a_merchants_order_is_paid_and_followed(checkout, balances):
    order = checkout.order(manual_capture=False)
    text = issue_pass(order["id"])

    made = good(pay(order["id"], text, **CARD))
    drive_payments()
    ended = call("GET", f"/payments/public/{made['id']}", headers={"X-Checkout-Token": text})

    assert (made["status"], made["order_id"]) == ("CREATED", order["id"])
    assert (good(ended, 200)["status"], ended.json()["captured"]) == ("SUCCESS", True)
    assert balances(checkout.merchant) == (48_820, 0, 0)
    assert AuditRecord.objects.get(action="payment.created").actor_label == "payment page"
    assert_ledger_balances()


def test_live_orders_are_paid_in_live_mode(checkout, cast):
    """There is no provider, so the refusal is live's own, not a 404."""
    order = checkout.order()
    Order.objects.update(mode="live")

    refused(pay(order["id"], issue_pass(order["id"])), 503, "GATEWAY_ERROR")
    assert not Payment.objects.exists()


def test_it_is_for_its_own_order_only(checkout, cast):
    mine, second = checkout.order(), checkout.order()
    theirs = checkout.pay(second)
    text = issue_pass(mine["id"])

    refused(pay(second["id"], text), 404, "NOT_FOUND_ERROR")
    refused(call("GET", f"/payments/public/{theirs['id']}", headers={"X-Checkout-Token": text}), 404, "NOT_FOUND_ERROR")
    refused(call("GET", f"/orders/public/{second['id']}", headers={"X-Checkout-Token": text}), 404, "NOT_FOUND_ERROR")
    refused(pay(mine["id"], None), 404, "NOT_FOUND_ERROR")
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("change", [
    lambda text: "", lambda text: "x", lambda text: text[:-1], lambda text: text + "x", lambda text: text.upper(),
    lambda text: text.partition(":")[0], lambda text: signing.TimestampSigner(salt="else").sign(text.partition(":")[0]),
])
def test_a_forged_one_is_refused(checkout, change):
    order = checkout.order()

    refused(pay(order["id"], change(issue_pass(order["id"]))), 401, "AUTHENTICATION_ERROR")
    assert not Payment.objects.exists()


def test_it_ends_after_an_hour(checkout, monkeypatch):
    order = checkout.order()
    text = issue_pass(order["id"])
    monkeypatch.setattr(page_pass, "LIFETIME_SECONDS", -1)

    error = refused(pay(order["id"], text), 401, "AUTHENTICATION_ERROR")

    assert "Reload" in error["description"]
    assert not Payment.objects.exists()


def test_it_opens_no_call_that_needs_a_secret(checkout):
    order = checkout.order()
    sent = {"X-Checkout-Token": issue_pass(order["id"]), "X-Api-Key": checkout.pair.identifier}

    for method, path in (
        ("GET", "/orders"), ("GET", f"/orders/{order['id']}"), ("POST", "/payments"), ("POST", "/refunds"),
        ("GET", "/webhooks"), ("GET", "/admin/stats"),
    ):
        refused(call(method, path, {} if method == "POST" else None, headers=sent), 401, "AUTHENTICATION_ERROR")
    assert not Payment.objects.exists()


def test_a_publishable_key_beside_it_must_be_its_merchants(checkout, cast):
    order, other = checkout.order(), Checkout(cast.other)
    sent = {"X-Checkout-Token": issue_pass(order["id"]), "Idempotency-Key": "k"}
    body = {"order_id": order["id"]} | WAY

    refused(call("POST", "/payments/public", body, headers=sent | {"X-Api-Key": other.pair.identifier}), 404, "NOT_FOUND_ERROR")
    good(call("POST", "/payments/public", body, headers=sent | {"X-Api-Key": checkout.pair.identifier}))


def test_a_suspended_merchants_order_is_paid_by_nobody(checkout):
    order = checkout.order()
    Merchant.objects.update(status="suspended")

    refused(pay(order["id"], issue_pass(order["id"])), 404, "NOT_FOUND_ERROR")
    assert not Payment.objects.exists()


def test_one_try_at_a_time(checkout):
    """A payer may have the page open twice; the second try waits for the end of the first."""
    order = checkout.order()
    text = issue_pass(order["id"])
    good(pay(order["id"], text, "first", vpa="failure@upi"))

    refused(pay(order["id"], text, "second"), 409, "CONFLICT_ERROR")
    assert Payment.objects.count() == 1
    drive_payments()
    good(pay(order["id"], text, "second"))
    drive_payments()

    assert refused(pay(order["id"], text, "third"), 409, "CONFLICT_ERROR")["description"] == "This order has been paid already."
    assert [row.status for row in Payment.objects.order_by("id")] == ["failed", "succeeded"]


def test_a_retry_with_its_key_is_the_first_answer(checkout):
    order = checkout.order()
    text = issue_pass(order["id"])

    first, again = pay(order["id"], text, "one", **CARD), pay(order["id"], issue_pass(order["id"]), "one", **CARD)

    assert (again.status_code, again.content, again["Idempotent-Replayed"]) == (201, first.content, "true")
    assert Payment.objects.count() == 1
