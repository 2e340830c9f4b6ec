"""The hosted pages tell a payer what was received, which an operator may have found to be another sum than was asked."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.actors import Actor
from gateway.lib.money import Money
from payments.services import mark_succeeded, pay_order


@pytest.mark.parametrize("by_order", [True, False])
def test_the_paid_page_names_what_was_received(cast, make_order, by_order):
    order = make_order(50_000)
    payment = pay_order(actor=Actor.system("tests"), order=order, contract="checkout", method="upi", vpa="pending@upi")
    mark_succeeded(
        actor=Actor(cast.admin, "panel"), payment=payment, utr="UTR0000001", received=Money(40_000, "INR")
    )

    page = Client().get(f"/pay/{order.public_id if by_order else payment.page_token}").content.decode()

    assert f"{cast.merchant.name} has your ₹400.00." in page
