"""Orders and payments as the hosted pages' tests need them."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from gateway.lib.money import Money
from payments.services import create_order, pay_order
from payments.work import drive_payments


@pytest.fixture
def make_order(cast):
    """`make_order(50_000)` is an order of ₹500.00 that is captured when its merchant asks, and leads back to a shop."""

    def make(minor=123_456_50, *, mode="test", **more):
        usual = {"redirect_url": "https://shop.example/thanks?cart=9", "receipt": "receipt_001"}
        values = usual | {"manual_capture": not more.get("public")} | more
        return create_order(
            actor=Actor.system("tests"), merchant=cast.merchant, mode=mode, contract="checkout",
            amount=Money(minor, "INR"), **values,
        )

    return make


@pytest.fixture
def tried():
    """`tried(order, "failure@upi")` is a payment of the order that has ended so."""

    def tried(order, vpa="success@upi"):
        payment = pay_order(actor=Actor.system("tests"), order=order, contract="checkout", method="upi", vpa=vpa)
        drive_payments()
        payment.refresh_from_db()
        return payment

    return tried
