"""Businesses, for their operators: what is set, what they have and where it goes, and what was changed."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.conf import settings as config
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.actors import get_or_404, team_merchants
from accounts.merchants import activate_merchant, suspend_merchant
from accounts.models import AccountStatus, Merchant, Role
from crypto.queries.sending import visible_addresses, visible_settlement_account
from crypto.services.withdrawal_limits import daily_limit_of
from gateway.lib.money import Money
from gateway.panel import trail
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.fees import shown_fees, would_cost
from gateway.panel.filters import PanelFilters, SearchFilter
from gateway.panel.forms import EditForm, MoneyField, carry_out
from gateway.panel.lists import paginate
from gateway.panel.payments import ReasonForm
from gateway.panel.rendering import Crumb, crumbs, done, page_or_part
from gateway.panel.words import money_text
from ledger.fees import fee_table
from ledger.queries import wallets
from payments.providers import registry as payment_providers
from payouts.models import Payout
from payouts.providers import registry as payout_providers
from webhooks.queries import endpoints

AREA = ("Merchants", "panel:merchants")
_OPEN = [Payout.Status.PENDING, Payout.Status.APPROVED, Payout.Status.PROCESSING]


class MerchantFilters(PanelFilters):
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=AccountStatus.choices, empty_label="Any status")

    def search(self, rows: QuerySet[Merchant], name: str, value: str) -> QuerySet[Merchant]:
        text = value.strip()
        if "\0" in text:
            return rows.none()
        return rows.filter(Q(name__icontains=text) | Q(public_id__icontains=text))


def team_of(request: PanelRequest) -> QuerySet[Merchant]:
    return team_merchants(request.viewer.user).order_by("name", "pk")


@page(OPERATORS)
def merchants(request: PanelRequest) -> HttpResponse:
    people = Count("users", distinct=True)
    filters = MerchantFilters.narrow(request, team_of(request).annotate(people=people))
    context = {
        "crumbs": crumbs("Merchants"), "filters": filters, "page": paginate(request, filters.rows),
        "may_default": request.viewer.user.role == Role.SUPER_ADMIN,
    }
    return page_or_part(request, "panel/merchants/list.html", "panel/merchants/_results.html", context)


# One merchant -----------------------------------------------------------------------------------------------
class SettingsForm(EditForm):
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
    payment_provider = forms.ChoiceField(required=False, label="Live payments go through")
    payout_provider = forms.ChoiceField(required=False, label="Live payouts go through")

    def __init__(self, *args: Any, merchant: Merchant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, installed, usual in (
            ("payment_provider", payment_providers.live_names(), config.LIVE_PAYMENT_PROVIDER),
            ("payout_provider", payout_providers.live_names(), config.LIVE_PAYOUT_PROVIDER),
        ):
            self.fields[name].choices = _providers(installed, usual, getattr(merchant, name))  # type: ignore[attr-defined]


def _providers(installed: list[str], usual: str, own: str) -> list[tuple[str, str]]:
    """One that is gone stays to be seen, and moves nothing."""
    gone = [(own, f"{own} (not installed)")] if own and own not in installed else []
    return [("", f"The installation's ({usual or 'none yet'})"), *((name, name) for name in installed), *gone]


@page(OPERATORS)
def merchant(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(team_of(request), public_id=public_id)
    viewer = request.viewer
    amount, cost, problem = would_cost(request, row.pk)
    context = {
        "crumbs": crumbs(AREA, row.name), "merchant": row, "fees": shown_fees(fee_table(row.pk)),
        "may_set": True, "cost": cost, "cost_amount": amount, "cost_problem": problem,
        "trail": trail.about_merchant(row), "people": row.users.order_by("role", "name")[:50],
        "wallets": wallets(merchant_ids=[row.pk], mode=viewer.mode), "now": timezone.now(),
        "account": visible_settlement_account(viewer, row), "daily_limit": _in_tokens(daily_limit_of(row)),
        "destinations": visible_addresses(viewer).filter(merchant=row),
        "failing": endpoints(viewer).filter(merchant=row, enabled=True, failing_since__isnull=False).count(),
    }
    return render(request, "panel/merchants/detail.html", context)


def _in_tokens(minor: int | None) -> str:
    return "No limit" if minor is None else f"{Money(minor, 'USDT').decimal:,.2f} tokens a day"


@page(OPERATORS, FORM, proof=True)
def settings(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(team_of(request), public_id=public_id)
    form = SettingsForm(request.POST or None, initial=_settings(row), merchant=row)
    if request.method == "POST" and form.is_valid() and _save(request, row, form):
        return done(request, address_of(row), "The settings are changed.")
    back = address_of(row)
    context = {
        "crumbs": [*crumbs(AREA), Crumb(row.name, back), Crumb("Settings")], "form": form, "merchant": row,
        "back": back,
    }
    return render(request, "panel/merchants/settings.html", context, status=422 if form.is_bound else 200)


def _settings(row: Merchant) -> dict[str, Any]:
    limit = row.payout_auto_approve_minor
    return {
        "name": row.name, "auto_approve": None if limit is None else str(Money(limit, "INR")),
        "settlement_delay_days": row.settlement_delay_days, "public_checkout": row.public_checkout,
        "payment_provider": row.payment_provider, "payout_provider": row.payout_provider,
    }


def _save(request: PanelRequest, row: Merchant, form: SettingsForm) -> bool:
    data = form.cleaned_data
    limit = data["auto_approve"].minor if data["auto_approve"] else -1
    saved = carry_out(form, lambda: services.update_merchant(
        actor=request.actor, merchant=row, name=data["name"], payout_auto_approve_minor=limit,
        settlement_delay_days=data["settlement_delay_days"], public_checkout=data["public_checkout"],
        payment_provider=data["payment_provider"], payout_provider=data["payout_provider"],
    ))
    return saved is not None


def address_of(row: Merchant) -> str:
    return reverse("panel:merchant", args=[row.public_id])


@page(OPERATORS, FORM, proof=True)
def suspend(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(team_of(request), public_id=public_id)
    step = Step(
        title=f"Suspend {row.name}?", action="Suspend", danger=True, back=address_of(row),
        text="Its people are signed out, its keys are refused and its pages for payers are closed, at once. What is "
        "under way goes on, money that still arrives is booked, and nothing is paid back by itself.",
        facts=_at_stake(request, row),
    )

    def act(data: dict[str, Any]) -> Merchant:
        return suspend_merchant(actor=request.actor, merchant=row, reason=data["reason"])

    return confirm(request, step, act, form=ReasonForm, message=f"{row.name} is suspended.")


def _at_stake(request: PanelRequest, row: Merchant) -> list[tuple[str, object]]:
    """What a suspension holds up, in the mode that is looked at."""
    open_payouts = Payout.objects.filter(merchant=row, mode=request.viewer.mode, status__in=_OPEN).count()
    held = [
        (f"Balance in {' on '.join(filter(None, (wallet.currency, wallet.network)))}",
         money_text(Money(wallet.available_minor, wallet.currency)))
        for wallet in wallets(merchant_ids=[row.pk], mode=request.viewer.mode) if wallet.available_minor
    ]
    return [("Users", row.users.count()), ("Payouts under way", open_payouts), *held]


@page(OPERATORS, FORM, proof=True)
def activate(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(team_of(request), public_id=public_id)
    step = Step(
        title=f"Activate {row.name}?", action="Activate", back=address_of(row),
        text="Its people may sign in and its keys work again.",
    )

    def act(_: dict[str, Any]) -> Merchant:
        return activate_merchant(actor=request.actor, merchant=row)

    return confirm(request, step, act, message=f"{row.name} is active again.")
