"""The payers' page of a merchant that is suspended: closed at once, and open again with it."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

import html

from django.test import Client

from accounts.models import Merchant
from gateway.pay import upi
from gateway.pay.tests.test_page import _address, _fresh, _page, make_payment  # noqa: F401


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
