"""A new business with its first user and its settings, in one form and one transaction; and, for operators, its
settlement account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables

from accounts import services
from accounts.actors import get_or_404, team_users
from accounts.invitations import password_link
from accounts.models import Merchant, Role, SettlementAccount, User
from accounts.settlement import set_settlement_account
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import MoneyField, PanelForm, carry_out
from gateway.panel.merchants.records import AREA, SettingsForm, address_of, team_of
from gateway.panel.once import show_once
from gateway.panel.rendering import crumbs
from gateway.panel.withdrawals.destinations import AccountForm, delay_words
from payouts.banks import bank_of
from webhooks import people


class NewMerchantForm(PanelForm):
    """`operator` is asked of super admins only: an admin's merchant is its own."""

    business_name = forms.CharField(
        label="Business name", max_length=120, help_text="What payers see.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    operator = forms.ModelChoiceField(
        User.objects.none(), label="Looked after by", required=False, to_field_name="public_id", empty_label="Me"
    )
    name = forms.CharField(label="First user", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(
        label="E-mail address", max_length=254, help_text="An invitation to set a password goes there.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    auto_approve = MoneyField(
        required=False, label=SettingsForm.base_fields["auto_approve"].label,
        help_text=SettingsForm.base_fields["auto_approve"].help_text,
    )
    settlement_delay_days = forms.IntegerField(
        min_value=0, max_value=90, initial=0, label="Days until a payment is available", help_text="0: at once.",
    )

    def __init__(self, *args: Any, me: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if me.role == Role.SUPER_ADMIN:
            admins = team_users(me).filter(role=Role.ADMIN).order_by("name", "pk")
            self.fields["operator"].queryset = admins  # type: ignore[attr-defined]
        else:
            del self.fields["operator"]


@sensitive_variables("made", "keys")
@page(OPERATORS, FORM, proof=True)
def new(request: PanelRequest) -> HttpResponse:
    """The answer to the POST shows the first user's keys and invitation, this once."""
    form = NewMerchantForm(request.POST or None, me=request.viewer.user)
    if request.method == "POST" and form.is_valid():
        made = carry_out(form, lambda: _create(request, form.cleaned_data))
        if made:
            return _welcome(request, *made)
    context = {"crumbs": crumbs(AREA, "New merchant"), "form": form}
    return render(request, "panel/merchants/new.html", context, status=422 if form.is_bound else 200)


@transaction.atomic
def _create(request: PanelRequest, data: dict[str, Any]) -> tuple[User, dict[str, str]]:
    """Both or neither: a business whose settings are refused is not made."""
    user, keys = people.create_user(
        actor=request.actor, email=data["email"], name=data["name"], role=Role.MERCHANT, parent=data.get("operator"),
        business_name=data["business_name"],
    )
    assert user.merchant is not None, "a merchant's user has a merchant"
    services.update_merchant(
        actor=request.actor, merchant=user.merchant, settlement_delay_days=data["settlement_delay_days"],
        payout_auto_approve_minor=data["auto_approve"].minor if data["auto_approve"] else -1,
    )
    return user, keys


@sensitive_variables("keys")
def _welcome(request: PanelRequest, made: User, keys: dict[str, str]) -> HttpResponse:
    business = made.merchant
    assert business is not None, "a merchant's user has a merchant"
    return show_once(
        request, title=f"{business.name} is added", crumbs=crumbs(AREA, business.name),
        text=f"An invitation to set a password goes to {made.email}. These are the API keys of {made.name}.",
        secrets=[("Test key", keys["test"]), ("Live key", keys["live"])],
        link=password_link(made), back=address_of(business),
    )


@page(OPERATORS, FORM, proof=True)
def account(request: PanelRequest, public_id: str) -> HttpResponse:
    """As the merchant's own page of it: the change waits, and the owner is told by mail."""
    row: Merchant = get_or_404(team_of(request), public_id=public_id)
    step = Step(
        title=f"Set the settlement account of {row.name}", action="Save account", back=address_of(row),
        text=f"Withdrawals in rupees go there and nowhere else. {delay_words(request.viewer.mode, 'the owner is')}",
    )

    def act(data: dict[str, Any]) -> SettlementAccount:
        return set_settlement_account(
            actor=request.actor, merchant=row, mode=request.viewer.mode, bank_name=bank_of(data["ifsc"]), **data
        )

    return confirm(request, step, act, form=AccountForm, message="The settlement account is saved.")
