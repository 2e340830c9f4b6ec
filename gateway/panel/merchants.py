"""Businesses, for their operators: settings, fees with their dates, what a payment would cost, and what was changed."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.actors import get_or_404, team_merchants
from accounts.merchants import activate_merchant, suspend_merchant
from accounts.models import AccountStatus, Merchant, Role
from gateway.lib.money import Money
from gateway.panel import trail
from gateway.panel.access import FORM, OPERATORS, SUPER_ADMINS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.fees import shown_fees, would_cost
from gateway.panel.filters import PanelFilters, SearchFilter
from gateway.panel.forms import MoneyField, PanelForm, carry_out
from gateway.panel.lists import paginate
from gateway.panel.payments import ReasonForm
from gateway.panel.rendering import Crumb, crumbs, done, page_or_part
from ledger.fees import fee_table, set_fee_plan
from ledger.models import FeePlan

_AREA = ("Merchants", "panel:merchants")
_IN_RUPEES = (FeePlan.Product.PAYIN_UPI, FeePlan.Product.PAYIN_CARD, FeePlan.Product.PAYOUT)
_REFUNDABLE = (FeePlan.Product.PAYIN_UPI, FeePlan.Product.PAYIN_CARD)


class MerchantFilters(PanelFilters):
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=AccountStatus.choices, empty_label="Any status")

    def search(self, rows: QuerySet[Merchant], name: str, value: str) -> QuerySet[Merchant]:
        text = value.strip()
        if "\0" in text:
            return rows.none()
        return rows.filter(Q(name__icontains=text) | Q(public_id__icontains=text))


def _team(request: PanelRequest) -> QuerySet[Merchant]:
    return team_merchants(request.viewer.user).order_by("name", "pk")


@page(OPERATORS)
def merchants(request: PanelRequest) -> HttpResponse:
    people = Count("users", distinct=True)
    filters = MerchantFilters.narrow(request, _team(request).annotate(people=people))
    context = {
        "crumbs": crumbs("Merchants"), "filters": filters, "page": paginate(request, filters.rows),
        "may_default": request.viewer.user.role == Role.SUPER_ADMIN,
    }
    return page_or_part(request, "panel/merchants/list.html", "panel/merchants/_results.html", context)


# One merchant -----------------------------------------------------------------------------------------------
class SettingsForm(PanelForm):
    name = forms.CharField(max_length=120)
    auto_approve = MoneyField(
        required=False, label="Approve payouts by themselves up to",
        help_text="Empty: an operator decides about each.",
    )
    settlement_delay_days = forms.IntegerField(
        min_value=0, max_value=90, label="Days until a payment is available", help_text="0: at once.",
    )
    public_checkout = forms.BooleanField(
        required=False, label="Public orders", help_text="Its page may create orders without a secret."
    )


@page(OPERATORS, FORM)
def merchant(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(_team(request), public_id=public_id)
    form = SettingsForm(request.POST or None, initial=_settings(row))
    if request.method == "POST" and form.is_valid() and _save(request, row, form):
        return done(request, _address(row), "The settings are changed.")
    amount, cost, problem = would_cost(request, row.pk)
    context = {
        "crumbs": crumbs(_AREA, row.name), "merchant": row, "form": form, "fees": shown_fees(fee_table(row.pk)),
        "may_set": True, "cost": cost, "cost_amount": amount, "cost_problem": problem,
        "trail": trail.about_merchant(row), "people": row.users.order_by("role", "name")[:50],
    }
    bad = form.is_bound and not form.is_valid()
    return render(request, "panel/merchants/detail.html", context, status=422 if bad else 200)


def _settings(row: Merchant) -> dict[str, Any]:
    limit = row.payout_auto_approve_minor
    return {
        "name": row.name, "auto_approve": None if limit is None else str(Money(limit, "INR")),
        "settlement_delay_days": row.settlement_delay_days, "public_checkout": row.public_checkout,
    }


def _save(request: PanelRequest, row: Merchant, form: SettingsForm) -> bool:
    data = form.cleaned_data
    limit = data["auto_approve"].minor if data["auto_approve"] else -1
    saved = carry_out(form, lambda: services.update_merchant(
        actor=request.actor, merchant=row, name=data["name"], payout_auto_approve_minor=limit,
        settlement_delay_days=data["settlement_delay_days"], public_checkout=data["public_checkout"],
    ))
    return saved is not None


def _address(row: Merchant) -> str:
    return reverse("panel:merchant", args=[row.public_id])


@page(OPERATORS, FORM, proof=True)
def suspend(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(_team(request), public_id=public_id)
    step = Step(
        title=f"Suspend {row.name}?", action="Suspend", danger=True, back=_address(row),
        text="Its people are signed out, its keys are refused. What is under way goes on; its money stays.",
    )

    def act(data: dict[str, Any]) -> Merchant:
        return suspend_merchant(actor=request.actor, merchant=row, reason=data["reason"])

    return confirm(request, step, act, form=ReasonForm, message=f"{row.name} is suspended.")


@page(OPERATORS, FORM, proof=True)
def activate(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(_team(request), public_id=public_id)
    step = Step(
        title=f"Activate {row.name}?", action="Activate", back=_address(row),
        text="Its people may sign in and its keys work again.",
    )

    def act(_: dict[str, Any]) -> Merchant:
        return activate_merchant(actor=request.actor, merchant=row)

    return confirm(request, step, act, message=f"{row.name} is active again.")


# Fees -------------------------------------------------------------------------------------------------------
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
    return _fee_page(request, product, get_or_404(_team(request), public_id=public_id))


@page(SUPER_ADMINS)
def default_fees(request: PanelRequest) -> HttpResponse:
    context = {"crumbs": crumbs(_AREA, "Default fees"), "fees": shown_fees(fee_table(None)), "may_set": True}
    return render(request, "panel/merchants/default_fees.html", context)


@page(SUPER_ADMINS, FORM, proof=True)
def default_fee(request: PanelRequest, product: str) -> HttpResponse:
    return _fee_page(request, product, None)


def _fee_page(request: PanelRequest, product: str, row: Merchant | None) -> HttpResponse:
    if product not in FeePlan.Product.values:
        raise Http404
    kind = FeePlan.Product(product)
    back = _address(row) if row else reverse("panel:default-fees")
    plan = next(line for line in fee_table(row.pk if row else None) if line.product == kind).in_force
    form = FeeForm(request.POST or None, product=kind, initial=_plan(plan))
    if request.method == "POST" and form.is_valid():
        plan_set = carry_out(form, lambda: _set_fee(request, row, kind, form.cleaned_data))
        if plan_set:
            return done(request, back, f"The fee is set: {kind.label.lower()}.")
    context = {
        "crumbs": [*crumbs(_AREA), Crumb(row.name if row else "Default fees", back), Crumb(kind.label)],
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
