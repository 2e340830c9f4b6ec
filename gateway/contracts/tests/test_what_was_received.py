"""An operator took another sum for a payment than was asked: what this contract then answers, takes and lists."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from gateway.contracts.checkout.testing import Checkout, good, refused
from gateway.lib.money import Money
from ledger.testing import assert_ledger_balances
from payments.models import Payment
from payments.services import mark_succeeded
from payments.work import drive_payments


@pytest.fixture
def checkout(cast, settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0
    return Checkout(cast.merchant)


@pytest.fixture
def taken(checkout, cast):
    """`taken(40_000)`: ₹400.00 came for an order of ₹500.00, and is not captured yet."""

    def taken(minor):
        payment = checkout.pay(checkout.order(50_000), vpa="pending@upi", method="upi")
        drive_payments()
        row = Payment.objects.get(public_id=payment["id"])
        utr = f"UTR{Payment.objects.count():07d}"
        mark_succeeded(actor=Actor(cast.admin, "panel"), payment=row, utr=utr, received=Money(minor, "INR"))
        return payment

    return taken


@pytest.mark.parametrize(("minor", "due"), [(40_000, 10_000), (60_000, 0)])
def test_an_order_says_what_came_and_what_is_missing_wherever_it_is_read(checkout, taken, minor, due):
    payment = taken(minor)
    path = f"/payments/{payment['id']}/capture"

    refused(checkout("POST", path, {"amount": 50_000}), 400, "BAD_REQUEST_ERROR", "amount")
    before = good(checkout("GET", f"/orders/{payment['order_id']}", basic=True), 200)
    captured = good(checkout("POST", path, {"amount": minor}), 200)

    assert (before["status"], before["amount_paid"], before["amount_due"]) == ("attempted", 0, 50_000)
    assert (captured["amount"], captured["captured"]) == (minor, True)
    order = good(checkout("GET", f"/orders/{payment['order_id']}", basic=True), 200)
    assert (order["status"], order["amount"], order["amount_paid"], order["amount_due"]) == ("paid", 50_000, minor, due)
    assert good(checkout("GET", "/orders", basic=True), 200)["items"] == [order]
    assert_ledger_balances()


def test_a_list_for_razorpays_clients_takes_the_same_few_queries_however_long(checkout, taken):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            good(checkout("GET", "/orders", basic=True), 200)
        return len(seen)

    checkout("POST", f"/payments/{taken(40_000)['id']}/capture")
    short = queries()
    for _ in range(3):
        checkout("POST", f"/payments/{taken(40_000)['id']}/capture")

    assert queries() == short <= 4
