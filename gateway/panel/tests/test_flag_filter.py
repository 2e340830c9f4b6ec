"""Payments and payouts that somebody must look at, found in their lists."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from payments.models import Payment
from payouts.models import Payout


@pytest.mark.parametrize("name", ["payments", "payouts"])
def test_the_list_is_narrowed_to_what_must_be_looked_at(cast, signed_in, make_payment, make_payout, name):
    make, model = {"payments": (make_payment, Payment), "payouts": (make_payout, Payout)}[name]
    plain, odd = make(cast.merchant), make(cast.merchant)
    model.objects.filter(pk=odd.pk).update(flag="contradicted", status="failed")
    client = signed_in(cast.merchant_user)

    found = client.get(reverse(f"panel:{name}"), {"odd": "yes"}).content.decode()
    everything = client.get(reverse(f"panel:{name}")).content.decode()
    wrong = client.get(reverse(f"panel:{name}"), {"odd": "no"}).content.decode()

    row = rf'href="/panel/{name}/((?:pay|pout)_\w+)"'
    assert (odd.public_id in found, plain.public_id in found) == (True, False)
    assert {odd.public_id, plain.public_id} <= set(re.findall(row, everything))
    assert re.findall(row, wrong) == []
    assert "<details class=\"filters-more\" open>" in found
