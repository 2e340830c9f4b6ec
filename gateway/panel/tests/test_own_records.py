"""What an operator may decide about a record of its own: a super admin of an installation may be the only one."""

from __future__ import annotations

import pytest
from django.urls import reverse

from payments.models import Refund

QUEUE = "/panel/queue"


def test_a_refund_of_ones_own_is_offered_to_a_super_admin_only(cast, signed_in, paid):
    refunded = paid(cast.merchant, operator=cast.super_admin)
    values = {"payment": refunded, "merchant": cast.merchant, "mode": "test", "currency": "INR"}
    for user in (cast.super_admin, cast.admin):
        row = Refund.objects.create(**values, amount_minor=5, flag="amount_differs", created_by=user)
        resolve = reverse("panel:refund-resolve", args=[row.public_id])

        page = signed_in(user).get(QUEUE).content.decode()

        assert (resolve in page) is (user == cast.super_admin)


@pytest.mark.parametrize(("who", "offered"), [("super_admin", True), ("admin", False)])
def test_a_payment_of_ones_own_is_marked_by_a_super_admin_only(cast, signed_in, make_payment, who, offered):
    payment = make_payment(cast.merchant)
    user = getattr(cast, who)
    type(payment).objects.filter(pk=payment.pk).update(created_by=user)

    page = signed_in(user).get(reverse("panel:payment", args=[payment.public_id])).content.decode()

    assert (reverse("panel:payment-succeeded", args=[payment.public_id]) in page) is offered
