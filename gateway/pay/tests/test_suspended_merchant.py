"""The payers' page of a merchant that is suspended: closed at once, and open again with it."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

import html

from django.test import Client

from accounts.models import Merchant
from gateway.pay import upi
from gateway.pay.tests.test_page import _address, _fresh, _page, make_payment  # noqa: F401
from payments.models import Payment, ReceivingAccount


def test_the_page_of_a_suspended_merchant_is_closed_until_it_is_active_again(cast, make_payment):
    payment = make_payment()
    Merchant.objects.filter(pk=cast.merchant.pk).update(status="suspended")

    page, answer = _page(payment), Client().post(_address(payment), {"vpa": "payer@okbank"})

    assert 'class="qr"' not in page
    assert upi.upi_link(payment) not in html.unescape(page)
    assert "takes no payments here at the moment" in page
    assert (answer.status_code, _fresh(payment).status, _fresh(payment).due_at) == (302, "created", None)
    Merchant.objects.filter(pk=cast.merchant.pk).update(status="active")
    assert 'class="qr"' in _page(payment)


def test_the_page_of_an_order_shows_no_more_whom_to_send_the_money_to(cast, make_order, settings):
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"
    ReceivingAccount.objects.create(mode="live", vpa="shop@okbank", bank_name="HDFC Bank", holder="Chai Point Ltd")
    order, browser = make_order(50_000, mode="live"), Client()
    address = f"/pay/{order.public_id}"
    browser.post(address, {"vpa": "jane@okbank"})
    assert 'class="qr"' in browser.get(address).content.decode()
    Merchant.objects.filter(pk=cast.merchant.pk).update(status="suspended")

    page, answer = browser.get(address).content.decode(), browser.post(address, {"utr": "609512345678"})

    assert 'class="qr"' not in page
    assert "shop@okbank" not in page
    assert "takes no payments here at the moment" in page
    payment = Payment.objects.get()
    assert (answer.status_code, payment.status, payment.claimed_utr) == (302, "created", "")
    Merchant.objects.filter(pk=cast.merchant.pk).update(status="active", public_checkout=False)
    assert 'class="qr"' in browser.get(address).content.decode()
