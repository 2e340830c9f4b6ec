"""What a merchant pays, and what everybody pays that has no fee of its own: plans with the day they begin."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.actors import get_or_404
from accounts.models import Merchant
from gateway.lib.money import Money
from gateway.panel.access import FORM, OPERATORS, SUPER_ADMINS, PanelRequest, page
from gateway.panel.fees import shown_fees
from gateway.panel.forms import MoneyField, PanelForm, carry_out
from gateway.panel.merchants.records import AREA, address_of, team_of
from gateway.panel.rendering import Crumb, crumbs, done
from ledger.fees import fee_table, set_fee_plan
from ledger.models import FeePlan

_IN_RUPEES = (FeePlan.Product.PAYIN_UPI, FeePlan.Product.PAYIN_CARD, FeePlan.Product.PAYOUT)
_REFUNDABLE = (FeePlan.Product.PAYIN_UPI, FeePlan.Product.PAYIN_CARD)


class FeeForm(PanelForm):
    fixed = MoneyField(required=False, label="Fixed", help_text="Rupees for each; empty for none.")
    percent = forms.DecimalField(
        min_value=0, max_value=100, decimal_places=2, label="Percent of the amount", initial=0,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    gst = forms.DecimalField(
        min_value=0, max_value=100, decimal_places=2, label="GST on both, percent", initial=18,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    refunds_fee = forms.BooleanField(required=False, label="A refund gives the fee back, in proportion")
    start = forms.DateField(
        required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The start of that day; empty: from now on. What is booked stays as it is.",
    )

    def __init__(self, *args: Any, product: FeePlan.Product, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if product not in _IN_RUPEES:
            del self.fields["fixed"]
        if product not in _REFUNDABLE:
            del self.fields["refunds_fee"]

    def clean_start(self) -> datetime | None:
        day = self.cleaned_data["start"]
        if day is None:
            return None
        if day < timezone.localdate():
            raise forms.ValidationError("What is booked stays: choose today or a later day.")
        return timezone.make_aware(datetime.combine(day, time.min))


@page(OPERATORS, FORM, proof=True)
def fee(request: PanelRequest, public_id: str, product: str) -> HttpResponse:
    return _fee_page(request, product, get_or_404(team_of(request), public_id=public_id))


@page(SUPER_ADMINS)
def default_fees(request: PanelRequest) -> HttpResponse:
    context = {"crumbs": crumbs(AREA, "Default fees"), "fees": shown_fees(fee_table(None)), "may_set": True}
    return render(request, "panel/merchants/default_fees.html", context)


@page(SUPER_ADMINS, FORM, proof=True)
def default_fee(request: PanelRequest, product: str) -> HttpResponse:
    return _fee_page(request, product, None)


def _fee_page(request: PanelRequest, product: str, row: Merchant | None) -> HttpResponse:
    if product not in FeePlan.Product.values:
        raise Http404
    kind = FeePlan.Product(product)
    back = address_of(row) if row else reverse("panel:default-fees")
    plan = next(line for line in fee_table(row.pk if row else None) if line.product == kind).in_force
    form = FeeForm(request.POST or None, product=kind, initial=_plan(plan))
    if request.method == "POST" and form.is_valid():
        plan_set = carry_out(form, lambda: _set_fee(request, row, kind, form.cleaned_data))
        if plan_set:
            return done(request, back, f"The fee is set: {kind.label.lower()}.")
    context = {
        "crumbs": [*crumbs(AREA), Crumb(row.name if row else "Default fees", back), Crumb(kind.label)],
        "form": form, "product": kind, "merchant": row, "back": back,
    }
    bad = form.is_bound and not form.is_valid()
    return render(request, "panel/merchants/fee.html", context, status=422 if bad else 200)


def _plan(plan: FeePlan) -> dict[str, Any]:
    return {
        "fixed": str(Money(plan.fixed_minor, "INR")) if plan.fixed_minor else "",
        "percent": f"{Decimal(plan.basis_points) / 100:f}", "gst": f"{Decimal(plan.gst_basis_points) / 100:f}",
        "refunds_fee": plan.refunds_fee,
    }


def _set_fee(request: PanelRequest, row: Merchant | None, kind: FeePlan.Product, data: dict[str, Any]) -> FeePlan:
    fixed = data.get("fixed")
    return set_fee_plan(
        actor=request.actor, merchant=row, product=kind, fixed_minor=fixed.minor if fixed else 0,
        basis_points=int(data["percent"] * 100), gst_basis_points=int(data["gst"] * 100),
        refunds_fee=data.get("refunds_fee", False), effective_from=data["start"],
    )
