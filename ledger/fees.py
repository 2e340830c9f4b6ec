"""What a product costs: fixed + percent of the amount, and GST on both, each rounded half up to the minor unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import DateTimeField, F, Q
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant
from accounts.operators import acting_for, super_admin
from gateway.lib.compiled import Compiled, Slot
from gateway.lib.errors import InvalidFields
from gateway.lib.money import MAX_MINOR, Money, percent_of
from ledger.models import FeePlan


@dataclass(frozen=True, slots=True)
class Quote:
    """`fee_minor` is all that is charged, `tax_minor` the GST in it."""

    fee_minor: int
    tax_minor: int


def plan_for(merchant_id: int, product: str, at: datetime | None = None) -> FeePlan:
    """The merchant's own plan in force at that moment, or else the installation's."""
    plan = _PLAN.first(merchant=merchant_id, product=product, at=at or timezone.now())
    return plan or FeePlan(product=product)


_PLAN: Compiled[FeePlan] = Compiled(
    lambda: FeePlan.objects.filter(
        Q(merchant=Slot("merchant")) | Q(merchant__isnull=True), product=Slot("product"),
        effective_from__lte=Slot("at", DateTimeField()),
    ).order_by(F("merchant_id").desc(nulls_last=True), "-effective_from", "-pk")[:1]
)


def quote(*, merchant_id: int, product: str, amount: Money, at: datetime | None = None) -> Quote:
    """The charge on `amount` under the plan in force at `at` (default: now)."""
    plan = plan_for(merchant_id, product, at)
    charge = plan.fixed_minor + percent_of(amount.minor, plan.basis_points)
    tax = percent_of(charge, plan.gst_basis_points)
    return Quote(charge + tax, tax)


@dataclass(frozen=True, slots=True)
class ProductFees:
    """What one product costs: the plan in force, those that are dated ahead, and those that were in force before."""

    product: FeePlan.Product
    in_force: FeePlan
    coming: list[FeePlan]
    past: list[FeePlan]

    @property
    def is_own(self) -> bool:
        return self.in_force.merchant_id is not None


def fee_table(merchant_id: int | None) -> list[ProductFees]:
    """Every product's fees of a merchant, or (None) the installation's defaults; newest first within each list.

    A merchant without a plan of its own pays the default, whose dated changes are listed then.
    """
    now = timezone.now()
    rows = FeePlan.objects.filter(Q(merchant_id=merchant_id) | Q(merchant__isnull=True)).select_related("created_by")
    plans = list(rows.order_by("-effective_from", "-pk"))
    return [_fees_of(FeePlan.Product(product), plans, now) for product in FeePlan.Product.values]


def _fees_of(product: FeePlan.Product, plans: list[FeePlan], now: datetime) -> ProductFees:
    ours = [plan for plan in plans if plan.product == product]
    own = [plan for plan in ours if plan.merchant_id is not None]
    begun = [plan for plan in own if plan.effective_from <= now]
    shown = own if begun else ours
    past = begun or [plan for plan in ours if plan.effective_from <= now]
    return ProductFees(
        product=product, in_force=past[0] if past else FeePlan(product=product),
        coming=[plan for plan in shown if plan.effective_from > now], past=past[1:],
    )


@transaction.atomic
def set_fee_plan(
    *, actor: Actor, merchant: Merchant | None, product: str, fixed_minor: int, basis_points: int,
    gst_basis_points: int, refunds_fee: bool = False, effective_from: datetime | None = None,
) -> FeePlan:
    """A new plan from a moment on (default: now), never earlier, so that nothing booked is touched.

    An operator, for a merchant of its team; the installation's default (no merchant) is a super admin's. Raises
    `NotAllowed`, `NotFound`, `InvalidFields`.
    """
    _check_may_set(actor, merchant)
    _check_plan(product, fixed_minor, basis_points, gst_basis_points)
    plan = FeePlan.objects.create(
        merchant=merchant, product=product, fixed_minor=fixed_minor, basis_points=basis_points,
        gst_basis_points=gst_basis_points, refunds_fee=refunds_fee, created_by=actor.user,
        effective_from=max(effective_from or timezone.now(), timezone.now()),
    )
    audit.record(
        actor, "fee_plan.set", merchant.public_id if merchant else "default", merchant=merchant,
        product=product, fixed_minor=fixed_minor, basis_points=basis_points, gst_basis_points=gst_basis_points,
        refunds_fee=refunds_fee, effective_from=plan.effective_from.isoformat(), detail=_in_words(plan),
    )
    return plan


def _check_may_set(actor: Actor, merchant: Merchant | None) -> None:
    if actor.user is None:
        return
    if merchant is None:
        super_admin(actor)
    else:
        acting_for(actor, merchant.pk)


def _check_plan(product: str, fixed_minor: int, basis_points: int, gst_basis_points: int) -> None:
    if product not in FeePlan.Product.values:
        raise InvalidFields(product=f"must be one of {', '.join(FeePlan.Product.values)}")
    if not 0 <= fixed_minor <= MAX_MINOR:
        raise InvalidFields(fixed_minor="must be zero or more")
    for name, value in (("basis_points", basis_points), ("gst_basis_points", gst_basis_points)):
        if not 0 <= value <= 10_000:
            raise InvalidFields(**{name: "must be between 0 and 100 percent"})


def _in_words(plan: FeePlan) -> str:
    """For the trail: `Payout: 5.00 + 0.5 % + 18 % GST`."""
    percent, gst = (f"{value / 100:g} %" for value in (plan.basis_points, plan.gst_basis_points))
    return f"{plan.get_product_display()}: {Money(plan.fixed_minor, 'INR')} + {percent} + {gst} GST"
