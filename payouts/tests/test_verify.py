"""A figure changed by hand: whatever a payout says beside its postings, `verify_books` finds."""

from __future__ import annotations

import pytest

from ledger.verify import verify_books
from payouts import work
from payouts.models import Beneficiary, Payout

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(cast, fund, make, auto_approve):
    """₹1,000.00 paid by the bank, ₹5.90 charged."""
    fund(cast.merchant, 200_000)
    payout = make(100_000)
    work.drive_payouts()
    payout.refresh_from_db()
    assert (payout.status, payout.charge_minor, payout.tax_minor) == ("processed", 590, 90)
    assert verify_books() == []
    return payout


@pytest.mark.parametrize(("changes", "amount", "charge"), [
    ({"amount_minor": 90_000}, 90_000, 590),
    ({"charge_minor": 0, "tax_minor": 0}, 100_000, 0),
    ({"tax_minor": 0}, 100_000, 590),
    ({"amount_minor": 100_100, "charge_minor": 490}, 100_100, 490),
    ({"provider": "bank_file"}, 100_000, 590),
    ({"currency": "USDT"}, 100_000, 590),
])
def test_a_payout_that_is_changed_by_hand_is_found(paid, changes, amount, charge):
    Payout.objects.filter(pk=paid.pk).update(**changes)

    problem = f"payout {paid.public_id} says {amount} and a charge of {charge}, its postings say otherwise"
    assert problem in verify_books()


def test_a_waiting_payout_that_is_changed_by_hand_is_found(cast, fund, make):
    fund(cast.merchant, 200_000)
    payout = make(100_000)
    assert verify_books() == []

    Payout.objects.filter(pk=payout.pk).update(amount_minor=150_000)

    assert verify_books() == [
        f"payout {payout.public_id} says 150000 and a charge of 590, its postings say otherwise"
    ]


def test_a_payout_that_is_given_to_another_merchant_with_its_beneficiary_is_found(cast, paid):
    Beneficiary.objects.update(merchant=cast.other)
    Payout.objects.update(merchant=cast.other)

    assert verify_books() == [
        f"payout {paid.public_id} says 100000 and a charge of 590, its postings say otherwise"
    ]


def test_a_payout_that_is_deleted_is_found(paid):
    Payout.objects.all().delete()

    assert verify_books() == [
        f"posting payout:{paid.public_id}:{step} is about no payout that there is" for step in ("hold", "settle")
    ]
