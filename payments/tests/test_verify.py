"""A figure changed by hand: whatever a payment or a refund says beside its postings, `verify_books` finds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.money import Money
from ledger.models import FeePlan
from ledger.verify import verify_books
from payments import work
from payments.models import Payment, Refund
from payments.services import create_refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def given_back(cast, paid, fund):
    """₹1,000.00 paid, ₹300.00 of it refunded with the fee's part."""
    fund(cast.merchant, 100_000)
    FeePlan.objects.create(
        merchant=cast.merchant, product="payin_upi", basis_points=200, gst_basis_points=1800, refunds_fee=True
    )
    payment = paid(100_000)
    create_refund(actor=Actor(cast.merchant_user, "tests"), payment=payment, amount=Money(30_000, "INR"))
    work.drive_refunds()
    assert verify_books() == []
    return payment


def says(payment, received=100_000, fee=2_360, settled="settled"):
    return (
        f"payment {payment.public_id} says {received} received, {fee} of it fee, {settled}; "
        "its postings say otherwise"
    )


@pytest.mark.parametrize(("changes", "said"), [
    ({"received_minor": 90_000}, {"received": 90_000}),
    ({"fee_minor": 0, "tax_minor": 0}, {"fee": 0}),
    ({"tax_minor": 0}, {}),
    ({"fee_minor": 2_000}, {"fee": 2_000}),
    ({"mode": "live"}, {}),
    ({"provider": "manual_upi", "comments": ""}, {}),
    ({"settled_at": None}, {"settled": "not settled"}),
])
def test_a_captured_payment_that_is_changed_by_hand_is_found(given_back, changes, said):
    Payment.objects.filter(pk=given_back.pk).update(**changes)

    assert says(given_back, **said) in verify_books()


def test_a_payment_that_is_given_to_another_merchant_is_found(cast, given_back):
    Payment.objects.filter(pk=given_back.pk).update(merchant=cast.other)

    assert verify_books() == [says(given_back)]


def test_money_that_is_said_to_be_settled_and_is_pending_is_found(cast, paid):
    cast.merchant.settlement_delay_days = 2
    cast.merchant.save()
    payment = paid(100_000)
    assert verify_books() == []

    Payment.objects.filter(pk=payment.pk).update(settled_at=timezone.now(), due_at=None)

    assert verify_books() == [says(payment), (
        f"account m/{cast.merchant.pk}/test/INR/pending: holds 97640, its unsettled payments less their refunds 0"
    )]


def test_pending_money_and_money_that_has_settled_are_no_fault(cast, paid):
    cast.merchant.settlement_delay_days = 2
    cast.merchant.save()
    paid(100_000)
    settled = paid(50_000)
    Payment.objects.filter(pk=settled.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    work.settle_payments()
    settled.refresh_from_db()
    assert settled.settled_at is not None

    assert verify_books() == []


def test_a_refund_that_is_changed_together_with_its_payment_is_found(given_back):
    refund = Refund.objects.get()
    Refund.objects.update(amount_minor=F("amount_minor") - 10_000)
    Payment.objects.update(refunded_minor=F("refunded_minor") - 10_000)

    assert verify_books() == [f"refund {refund.public_id} says 20000, its postings say otherwise"]


def test_a_refund_that_is_deleted_together_with_its_sum_is_found(given_back):
    refund = Refund.objects.get()
    Refund.objects.all().delete()
    Payment.objects.update(refunded_minor=0)

    assert verify_books() == [
        f"posting refund:{refund.public_id}:{step} is about no refund that there is" for step in ("hold", "settle")
    ]


def test_a_payment_that_is_deleted_is_found(paid):
    payment = paid(100_000)
    Payment.objects.all().delete()

    assert verify_books() == [f"posting payment:{payment.public_id}:capture is about no payment that there is"]
    assert AuditRecord.objects.filter(target=payment.public_id).exists()
