"""Worked refund stories, to the paisa: full, in parts, too much, too early, without balance, refused by the bank."""

import re

import pytest

from gateway.contracts.checkout.testing import Checkout, good, refused
from ledger.models import Posting
from ledger.queries import wallets
from ledger.testing import assert_ledger_balances
from payments.models import Payment, Refund
from payments.work import drive_payments, drive_refunds

FIELDS = [
    "id", "payment_id", "merchant_id", "amount", "status", "reason", "error_code", "error_description", "created_at",
    "updated_at",
]


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def checkout(cast, fund):
    """A merchant with ₹100.00 of its own, since fees are not given back."""
    fund(cast.merchant, 10_000)
    return Checkout(cast.merchant)


@pytest.fixture
def balances(cast):
    def balances():
        wallet = wallets(merchant_ids=[cast.merchant.pk], mode="test")[0]
        return wallet.available_minor, wallet.reserved_minor

    return balances


def test_a_full_refund(checkout, balances, cast):
    payment = checkout.captured(50_000)
    assert balances() == (10_000 + 48_820, 0)

    made = good(checkout("POST", "/refunds", {"payment_id": payment["id"], "amount": 50000, "reason": "Customer request"}))

    assert list(made) == FIELDS
    assert re.fullmatch(r"refund_[A-Za-z0-9]{16}", made["id"])
    assert {name: made[name] for name in FIELDS[1:8]} == {
        "payment_id": payment["id"], "merchant_id": cast.merchant.public_id, "amount": 50000, "status": "pending",
        "reason": "Customer request", "error_code": None, "error_description": None,
    }
    assert balances() == (8_820, 50_000)
    drive_refunds()
    ended = good(checkout("GET", f"/refunds/{made['id']}"), 200)
    assert ended == made | {"status": "PROCESSED", "updated_at": ended["updated_at"]}
    assert balances() == (8_820, 0)
    refused(checkout("POST", "/refunds", {"payment_id": payment["id"]}), 400, "BAD_REQUEST_ERROR", "amount")
    assert Refund.objects.count() == 1
    assert_ledger_balances()


def test_three_partial_refunds_to_the_exact_sum(checkout, balances):
    payment = checkout.captured(50_000)
    made = [good(checkout("POST", "/refunds", {"payment_id": payment["id"], "amount": amount})) for amount in (12_345, 30_000)]
    over = checkout("POST", "/refunds", {"payment_id": payment["id"], "amount": 7_656})
    error = refused(over, 400, "BAD_REQUEST_ERROR", "amount")
    assert error["description"] == "At most 7655 paise can still be refunded."
    drive_refunds()
    rest = good(checkout("POST", "/refunds", {"payment_id": payment["id"]}))
    drive_refunds()

    assert [row["amount"] for row in [*made, rest]] == [12_345, 30_000, 7_655]
    assert made[0]["reason"] is None
    assert {row["status"] for row in good(checkout("GET", "/refunds"), 200)["items"]} == {"PROCESSED"}
    assert balances() == (8_820, 0)
    assert Payment.objects.get().refunded_minor == 50_000
    refused(checkout("POST", "/refunds", {"payment_id": payment["id"], "amount": 100}), 400, "BAD_REQUEST_ERROR", "amount")
    assert_ledger_balances()


def test_only_captured_payments(checkout, balances):
    waiting, authorised = checkout.pay(checkout.order()), checkout.paid()
    failed = checkout.pay(checkout.order(), vpa="failure@upi", method="upi")
    drive_payments()
    Payment.objects.filter(public_id=waiting["id"]).update(status="created")

    for payment in (waiting, authorised, failed):
        refused(checkout("POST", "/refunds", {"payment_id": payment["id"]}), 400, "BAD_REQUEST_ERROR")
    assert not Refund.objects.exists()
    assert balances() == (10_000, 0)


def test_not_more_than_the_balance(cast):
    """The fee was ₹11.80: without money of its own the merchant cannot give back ₹500.00."""
    poor = Checkout(cast.other)
    payment = poor.captured(50_000)

    error = refused(poor("POST", "/refunds", {"payment_id": payment["id"]}), 400, "BAD_REQUEST_ERROR")
    assert "balance" in error["description"].lower()
    assert not Refund.objects.exists()
    assert Payment.objects.get().refunding_minor == 0
    good(poor("POST", "/refunds", {"payment_id": payment["id"], "amount": 48_820}))
    assert_ledger_balances()


def test_a_refund_that_the_bank_refuses(checkout, balances):
    order = checkout.order(manual_capture=False)
    payment = checkout.pay(order, method="upi", vpa="norefund@upi")
    drive_payments()
    made = good(checkout("POST", "/refunds", {"payment_id": payment["id"]}))
    drive_refunds()

    ended = good(checkout("GET", f"/refunds/{made['id']}"), 200)
    assert (ended["status"], ended["error_code"], ended["error_description"]) == (
        "FAILED", "refund_declined", "The payer's bank declined the refund."
    )
    assert balances() == (58_820, 0)
    assert good(checkout("POST", "/refunds", {"payment_id": payment["id"]}))["amount"] == 50_000
    assert_ledger_balances()


@pytest.mark.parametrize(("body", "field"), [
    ({}, "payment_id"), ({"amount": 99}, "amount"), ({"amount": "100"}, "amount"), ({"amount": 100.0}, "amount"),
    ({"amount": -100}, "amount"), ({"amount": True}, "amount"), ({"reason": "x" * 201}, "reason"), ({"reason": 5}, "reason"),
    ({"amount": 50001}, "amount"),
])
def test_bad_bodies_name_their_field(checkout, balances, body, field):
    payment = checkout.captured()
    sent = body if field == "payment_id" else {"payment_id": payment["id"]} | body

    refused(checkout("POST", "/refunds", sent), 400, "BAD_REQUEST_ERROR", field)
    assert not Refund.objects.exists()
    assert balances() == (58_820, 0)


def test_nobody_refunds_or_sees_anothers(checkout, cast):
    payment = checkout.captured()
    made = good(checkout("POST", "/refunds", {"payment_id": payment["id"], "amount": 100}))

    for caller in (Checkout(cast.other), Checkout(cast.merchant, "live")):
        refused(caller("POST", "/refunds", {"payment_id": payment["id"]}), 404, "NOT_FOUND_ERROR")
        refused(caller("POST", f"/payments/{payment['id']}/refund"), 404, "NOT_FOUND_ERROR")
        refused(caller("GET", f"/payments/{payment['id']}/refunds"), 404, "NOT_FOUND_ERROR")
        refused(caller("GET", f"/payments/{payment['id']}/refunds/{made['id']}"), 404, "NOT_FOUND_ERROR")
        refused(caller("GET", f"/refunds/{made['id']}"), 404, "NOT_FOUND_ERROR")
        assert good(caller("GET", "/refunds"), 200)["items"] == []
    assert Refund.objects.count() == 1


def test_the_same_key_refunds_once(checkout, balances):
    payment = checkout.captured()
    body = {"payment_id": payment["id"], "amount": 20_000}
    first, again = (checkout("POST", "/refunds", body, headers={"Idempotency-Key": "r"}) for _ in range(2))

    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert again["Idempotent-Replayed"] == "true"
    assert balances() == (38_820, 20_000)
    refused(checkout("POST", "/refunds", body | {"amount": 100}, headers={"Idempotency-Key": "r"}), 422, "IDEMPOTENCY_ERROR")
    assert Posting.objects.filter(kind="refund.hold").count() == Refund.objects.count() == 1


def test_razorpays_own_addresses(checkout):
    payment = checkout.captured()
    made = good(checkout("POST", f"/payments/{payment['id']}/refund", {"amount": 100}))
    rest = good(checkout("POST", f"/payments/{payment['id']}/refund"))

    assert (list(made), made["amount"], rest["amount"]) == (FIELDS, 100, 49_900)
    assert good(checkout("GET", f"/payments/{payment['id']}/refunds"), 200)["items"] == [rest, made]
    assert good(checkout("GET", f"/payments/{payment['id']}/refunds/{made['id']}"), 200) == made
    assert good(checkout("GET", f"/refunds?payment_id={payment['id']}&status=pending&count=1"), 200)["items"] == [rest]
    refused(checkout("GET", "/refunds?status=processed"), 400, "BAD_REQUEST_ERROR", "status")
    refused(checkout("GET", f"/payments/pay_x/refunds/{made['id']}"), 404, "NOT_FOUND_ERROR")
