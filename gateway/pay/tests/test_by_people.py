"""Money that people or a bank statement prove takes hours: its payer is not told of seconds, and may go."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.actors import Actor
from gateway.lib.money import Money
from payments.models import Payment, ReceivingAccount
from payments.services import create_payment

_SECONDS, _ASKED = "This takes a few seconds.", "Approve the request in your UPI app"
_HOURS = "which may take until the next working day. You can close this page"


@pytest.fixture
def live(cast, settings):
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    ReceivingAccount.objects.create(mode="live", vpa="shop@okbank", bank_name="HDFC Bank", holder="Chai Point Ltd")


def _confirmed(cast, mode, data):
    payment = create_payment(
        actor=Actor.system("tests"), merchant=cast.merchant, mode=mode, contract="portal", reference="order-1",
        amount=Money(50_000, "INR"), redirect_url="https://shop.example/thanks",
    )
    Client().post(f"/pay/{payment.page_token}", data)
    payment.refresh_from_db()
    assert payment.status == "processing"
    return Client().get(f"/pay/{payment.page_token}").content.decode()


@pytest.mark.parametrize("data", [{"utr": "609512345678"}, {"vpa": "jane@okbank"}, {}])
def test_a_payer_who_confirmed_is_told_of_hours_and_may_return(cast, live, data):
    page = _confirmed(cast, "live", data)

    assert _HOURS in page
    assert _SECONDS not in page
    assert _ASKED not in page
    assert "https://shop.example/thanks?" in page
    assert "status=processing" in page
    assert "shown=processing" in page  # and the page follows the payment as long as it is open


def test_the_page_of_an_order_says_so_as_well(live, make_order):
    order = make_order(50_000, mode="live")
    address = f"/pay/{order.public_id}"

    Client().post(address, {"vpa": "jane@okbank"})
    Client().post(address, {"utr": "609512345678"})
    page = Client().get(address).content.decode()

    assert Payment.objects.get().status == "processing"
    assert _HOURS in page
    assert _ASKED not in page


def test_a_bank_that_is_asked_answers_within_seconds(cast):
    page = _confirmed(cast, "test", {})

    assert _SECONDS in page
    assert _HOURS not in page
    assert "https://shop.example/thanks?" not in page
