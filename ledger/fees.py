"""What a product costs: fixed + percent of the amount, and GST on both, each rounded half up to the minor unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant
from gateway.lib.errors import InvalidFields, NotAllowed
from gateway.lib.money import Money, percent_of
from ledger.models import FeePlan


@dataclass(frozen=True, slots=True)
class Quote:
    """`fee_minor` is all that is charged, `tax_minor` the GST in it."""

    fee_minor: int
    tax_minor: int


def plan_for(merchant_id: int, product: str, at: datetime | None = None) -> FeePlan:
    """The merchant's own plan in force at that moment, or else the installation's."""
    rows = FeePlan.objects.filter(Q(merchant_id=merchant_id) | Q(merchant__isnull=True), product=product)
    rows = rows.filter(effective_from__lte=at or timezone.now())
    plan = rows.order_by(F("merchant_id").desc(nulls_last=True), "-effective_from", "-pk").first()
    return plan or FeePlan(product=product)


def quote(*, merchant_id: int, product: str, amount: Money, at: datetime | None = None) -> Quote:
    """The charge on `amount` under the plan in force at `at` (default: now)."""
    plan = plan_for(merchant_id, product, at)
    charge = plan.fixed_minor + percent_of(amount.minor, plan.basis_points)
    tax = percent_of(charge, plan.gst_basis_points)
    return Quote(charge + tax, tax)


@transaction.atomic
def set_fee_plan(
    *, actor: Actor, merchant: Merchant | None, product: str, fixed_minor: int, basis_points: int,
    gst_basis_points: int, effective_from: datetime | None = None,
) -> FeePlan:
    """A new plan from a moment on (default: now), never earlier, so that nothing booked is touched."""
    if actor.user is not None and not actor.user.is_operator:
        raise NotAllowed()
    if product not in FeePlan.Product.values:
        raise InvalidFields(product=f"must be one of {', '.join(FeePlan.Product.values)}")
    if min(fixed_minor, basis_points, gst_basis_points) < 0 or max(basis_points, gst_basis_points) > 10_000:
        raise InvalidFields(basis_points="must be between 0 and 100 percent")
    start = max(effective_from or timezone.now(), timezone.now())
    plan = FeePlan.objects.create(
        merchant=merchant, product=product, fixed_minor=fixed_minor, basis_points=basis_points,
        gst_basis_points=gst_basis_points, effective_from=start, created_by=actor.user,
    )
    audit.record(
        actor, "fee_plan.set", merchant.public_id if merchant else "default", merchant=merchant,
        product=product, fixed_minor=fixed_minor, basis_points=basis_points, gst_basis_points=gst_basis_points,
    )
    return plan
