"""Asking for a withdrawal: the form, and a confirmation that names the fee and what arrives where."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import Viewer
from accounts.models import Merchant, Role, SettlementAccount
from accounts.settlement import settlement_account
from crypto.chains.registry import enabled_networks, token_for
from crypto.models import Withdrawal
from crypto.queries import sending
from crypto.services.withdrawals import CURRENCIES, create_withdrawal, quote_withdrawal
from gateway.lib.money import Money
from gateway.panel.access import FORM, PanelRequest, page
from gateway.panel.confirming import OnceForm, only_once
from gateway.panel.forms import MoneyField, carry_out
from gateway.panel.payments import merchant_for, narrow_merchants
from gateway.panel.rendering import crumbs, done
from gateway.panel.withdrawals.listing import AREA, MAKERS
from gateway.panel.words import money_text
from ledger.queries import Wallet, wallets

Method = Withdrawal.Method


class NewWithdrawalForm(OnceForm):
    """The fields of the dashboard contract's call; `merchant` is asked of operators only."""

    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), empty_label="Choose a merchant", to_field_name="public_id"
    )
    method = forms.ChoiceField(
        label="Where to", choices=[("crypto", "To a wallet"), ("fiat", "To the settlement bank account")],
        widget=forms.RadioSelect, initial="crypto",
    )
    amount = MoneyField(currency="USDT", help_text="In tokens, such as 250 or 99.5. The fee is part of it.")
    currency = forms.ChoiceField(choices=[(code, code) for code in CURRENCIES])
    network = forms.ChoiceField(
        required=False, help_text="To a wallet: the network it is on. To the bank: leave it open to draw on all."
    )
    address = forms.CharField(
        required=False, max_length=64, help_text="For a wallet. What goes to a wrong address cannot be brought back.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "input mono", "list": "known"}
        ),
    )
    note = forms.CharField(max_length=200, required=False)
    field_order = ["merchant", "method", "amount", "currency", "network", "address", "note"]

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        narrow_merchants(self, viewer)
        network = self.fields["network"]
        assert isinstance(network, forms.ChoiceField)
        network.choices = [("", "Choose a network"), *((row.code, row.name) for row in enabled_networks(viewer.mode))]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("method") == Method.CRYPTO:
            for name in ("network", "address"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, "This field is required.")
        elif data.get("method") == Method.FIAT:
            data["address"] = ""
        return data


@page(MAKERS, FORM, proof=True)
def new(request: PanelRequest) -> HttpResponse:
    """Two steps; the second carries what the first has checked."""
    form = NewWithdrawalForm(request.POST or None, viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        if "back" in request.POST:
            return _form_page(request, form)
        if "confirmed" not in request.POST:
            return _confirmation(request, form)
        made = carry_out(form, lambda: _create(request, form.cleaned_data))
        if made:
            return done(request, reverse("panel:withdrawal", args=[made.pk]), _said(made))
    return _form_page(request, form)


def _said(made: Withdrawal) -> str:
    if made.needs_approval:
        return f"{money_text(made.amount)} are held. An operator must approve the withdrawal."
    return f"{money_text(made.amount)} are held, and on their way."


def _form_page(request: PanelRequest, form: NewWithdrawalForm) -> HttpResponse:
    viewer = request.viewer
    merchant = viewer.user.merchant
    context = {
        "crumbs": crumbs(AREA, "New withdrawal"), "form": form,
        "wallets": _balances(merchant, viewer.mode) if merchant else [],
        "known": sending.visible_addresses(viewer) if viewer.user.role == Role.MERCHANT else [],
        "account": _account(merchant, viewer.mode),
        "is_live": viewer.mode == "live",
    }
    bad = form.is_bound and not form.is_valid()
    return render(request, "panel/withdrawals/new.html", context, status=422 if bad else 200)


def _balances(merchant: Merchant, mode: str) -> list[Wallet]:
    return [row for row in wallets(merchant_ids=[merchant.pk], mode=mode) if row.network and row.available_minor]


def _account(merchant: Merchant | None, mode: str) -> SettlementAccount | None:
    return settlement_account(merchant, mode) if merchant is not None else None


def _confirmation(request: PanelRequest, form: NewWithdrawalForm) -> HttpResponse:
    data, mode = form.cleaned_data, request.viewer.mode
    merchant, amount = merchant_for(request.viewer, data), _amount(data)
    crypto = data["method"] == Method.CRYPTO
    token = token_for(data["network"], mode, amount.currency) if crypto else None
    charge = carry_out(form, lambda: quote_withdrawal(merchant=merchant, amount=amount, token=token))
    if charge is None:
        return _form_page(request, form)
    context = {
        "crumbs": crumbs(AREA, "New withdrawal"), "form": form, "data": data, "merchant": merchant, "amount": amount,
        "fee": Money(charge.fee_minor, amount.currency), "net": Money(amount.minor - charge.fee_minor, amount.currency),
        "is_crypto": crypto, "account": _account(merchant, mode),
        "sent": [(name, request.POST[name]) for name in form.fields if request.POST.get(name)],
    }
    return render(request, "panel/withdrawals/new_confirm.html", context)


def _amount(data: dict[str, Any]) -> Money:
    """Both currencies have the same places."""
    return Money(data["amount"].minor, data["currency"])


def _create(request: PanelRequest, data: dict[str, Any]) -> Withdrawal:
    with only_once(data["once"]):
        return create_withdrawal(
            actor=request.actor, merchant=merchant_for(request.viewer, data), mode=request.viewer.mode,
            amount=_amount(data), method=data["method"], network=data["network"], address=data["address"],
            note=data["note"], created_by=request.viewer.user,
        )
