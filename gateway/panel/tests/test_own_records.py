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


@pytest.mark.parametrize(("who", "offered"), [("super_admin", True), ("admin", False)])
def test_on_the_page_of_a_payment_nobody_is_offered_what_is_refused(cast, signed_in, paid, settings, who, offered):
    user = getattr(cast, who)
    refunded = paid(cast.merchant, operator=cast.super_admin)
    type(refunded).objects.filter(pk=refunded.pk).update(created_by=user, flag="amount_differs", provider="manual_upi")
    refund = Refund.objects.create(
        payment=refunded, merchant=cast.merchant, mode="test", currency="INR", amount_minor=5, created_by=user
    )

    page = signed_in(user).get(reverse("panel:payment", args=[refunded.public_id])).content.decode()

    for name, row in (("payment-flag", refunded), ("refund-resolve", refund)):
        assert (reverse(f"panel:{name}", args=[row.public_id]) in page) is offered
    assert refund.public_id in page
    others = signed_in(cast.admin if user == cast.super_admin else cast.super_admin)
    page = others.get(reverse("panel:payment", args=[refunded.public_id])).content.decode()
    assert reverse("panel:payment-flag", args=[refunded.public_id]) in page
    assert reverse("panel:refund-resolve", args=[refund.public_id]) in page
