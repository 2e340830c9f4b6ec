"""Fees: fixed + percent + GST, half up to the paisa; plans are dated and a merchant's own comes first."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.errors import InvalidFields, NotAllowed, NotFound
from gateway.lib.money import Money
from ledger.fees import fee_table, quote, set_fee_plan
from ledger.models import FeePlan


def fee(merchant, product, minor, at=None):
    made = quote(merchant_id=merchant.pk, product=product, amount=Money(minor, "INR"), at=at)
    return made.fee_minor, made.tax_minor


@pytest.mark.parametrize(
    ("product", "minor", "expected"),
    [
        ("payin_upi", 100_000, (2_360, 360)),
        ("payin_upi", 1, (0, 0)),
        ("payin_upi", 25, (1, 0)),  # 0.5 paise of fee become 1, 0.18 of tax 0
        ("payin_upi", 24, (0, 0)),
        ("payin_card", 33_333, (787, 120)),  # 666.66 → 667; 120.06 → 120
        ("payout", 1, (590, 90)),
        ("payout", 10_000_000, (590, 90)),
    ],
)
def test_the_default_plans(cast, product, minor, expected):
    assert fee(cast.merchant, product, minor) == expected


def test_a_merchants_own_plan_comes_before_the_default_and_only_for_it(cast):
    set_fee_plan(
        actor=Actor(cast.admin, "t"), merchant=cast.merchant, product="payout", fixed_minor=200, basis_points=50,
        gst_basis_points=1_800,
    )

    assert fee(cast.merchant, "payout", 100_000) == (826, 126)
    assert fee(cast.other, "payout", 100_000) == (590, 90)
    assert AuditRecord.objects.get(action="fee_plan.set").data["fixed_minor"] == 200


def test_a_change_is_dated_and_never_touches_the_past(cast):
    before = timezone.now()
    set_fee_plan(
        actor=Actor(cast.super_admin, "t"), merchant=None, product="payout", fixed_minor=1_000, basis_points=0,
        gst_basis_points=0, effective_from=before - timedelta(days=30),
    )

    assert fee(cast.merchant, "payout", 100, at=before) == (590, 90)
    assert fee(cast.merchant, "payout", 100) == (1_000, 0)


def test_a_plan_in_the_future_waits(cast):
    set_fee_plan(
        actor=Actor(cast.super_admin, "t"), merchant=None, product="payout", fixed_minor=1_000, basis_points=0,
        gst_basis_points=0, effective_from=timezone.now() + timedelta(days=1),
    )

    assert fee(cast.merchant, "payout", 100) == (590, 90)
    assert fee(cast.merchant, "payout", 100, at=timezone.now() + timedelta(days=2)) == (1_000, 0)


@pytest.mark.parametrize("change", [{"fixed_minor": -1}, {"basis_points": 10_001}, {"product": "bribe"}])
def test_nonsense_and_merchants_are_refused(cast, change):
    plan = {"merchant": cast.merchant, "product": "payout", "fixed_minor": 1, "basis_points": 1, "gst_basis_points": 1}
    count = FeePlan.objects.count()

    with pytest.raises(InvalidFields):
        set_fee_plan(actor=Actor(cast.admin, "t"), **plan | change)
    with pytest.raises(NotAllowed):
        set_fee_plan(actor=Actor(cast.merchant_user, "t"), **plan)

    assert FeePlan.objects.count() == count


def test_whose_fees_an_operator_sets(cast):
    plan = {"product": "payout", "fixed_minor": 1, "basis_points": 1, "gst_basis_points": 1}
    count = FeePlan.objects.count()

    with pytest.raises(NotFound):
        set_fee_plan(actor=Actor(cast.other_admin, "t"), merchant=cast.merchant, **plan)
    with pytest.raises(NotAllowed):  # the default holds for every team
        set_fee_plan(actor=Actor(cast.admin, "t"), merchant=None, **plan)
    with pytest.raises(InvalidFields):
        set_fee_plan(actor=Actor(cast.admin, "t"), merchant=cast.merchant, **plan | {"fixed_minor": 2**63})

    assert FeePlan.objects.count() == count


def test_the_table_of_fees(cast):
    now = timezone.now()

    def set_plan(fixed, merchant=cast.merchant, by=cast.admin, **more):
        return set_fee_plan(
            actor=Actor(by, "t"), merchant=merchant, product="payout", fixed_minor=fixed, basis_points=0,
            gst_basis_points=0, **more,
        )

    def payout_fees(merchant):
        line = next(line for line in fee_table(merchant) if line.product == "payout")
        return line.in_force.fixed_minor, [plan.fixed_minor for plan in line.coming], [p.fixed_minor for p in line.past]

    assert payout_fees(cast.merchant.pk) == (500, [], [])
    set_plan(600, merchant=None, by=cast.super_admin, effective_from=now + timedelta(days=1))
    assert payout_fees(cast.merchant.pk) == payout_fees(None) == (500, [600], [])
    set_plan(300, effective_from=now + timedelta(days=2))
    assert payout_fees(cast.merchant.pk) == (500, [300, 600], [])
    set_plan(200)
    set_plan(100)
    # With a plan of its own, the default's changes are none of this merchant's.
    assert payout_fees(cast.merchant.pk) == (100, [300], [200])
    assert payout_fees(cast.other.pk) == payout_fees(None) == (500, [600], [])
    assert len(fee_table(None)) == len(FeePlan.Product.values)
