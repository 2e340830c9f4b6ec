"""An order may have several payments, each with a page: once one has paid it, no other asks for the money again."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from payments.models import Payment, ReceivingAccount
from payments.services import mark_succeeded, pay_order
from payments.work import expire_payments


@pytest.fixture
def two(cast, make_order, settings):
    """Of one order, both waiting for their payer."""
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    ReceivingAccount.objects.create(mode="live", vpa="shop@okbank", bank_name="HDFC Bank", holder="Chai Point Ltd")
    order, actor = make_order(50_000, mode="live"), Actor.system("tests")
    return [pay_order(actor=actor, order=order, contract="checkout", method="upi", vpa="a@okbank") for _ in range(2)]


def test_the_page_of_another_payment_of_a_paid_order_asks_for_nothing(cast, two):
    first, second = two
    address, browser = f"/pay/{second.page_token}", Client()
    assert 'class="qr"' in browser.get(address).content.decode()
    mark_succeeded(actor=Actor(cast.admin, "panel"), payment=first, utr="UTR0000001")

    page, answer = browser.get(address).content.decode(), browser.post(address, {"utr": "609512345678"})
    moved = browser.get(f"{address}/status?shown=waiting").content.decode()

    for shown in (page, moved):
        assert "This has been paid already" in shown
        assert 'class="qr"' not in shown
        assert "shop@okbank" not in shown
    second.refresh_from_db()
    assert (answer.status_code, second.status, second.claimed_utr) == (302, "created", "")
    assert "Payment received" in browser.get(f"/pay/{first.page_token}").content.decode()


def test_it_says_so_after_its_time_too(cast, two):
    first, second = two
    mark_succeeded(actor=Actor(cast.admin, "panel"), payment=first, utr="UTR0000001")
    Payment.objects.filter(pk=second.pk).update(expires_at=timezone.now())
    assert expire_payments() == 1

    page = Client().get(f"/pay/{second.page_token}").content.decode()

    assert "This has been paid already" in page
    assert "for a new one" not in page
