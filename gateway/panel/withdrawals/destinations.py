"""Where a merchant's withdrawals may go: its listed wallets and its settlement account. A change waits, and is told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.actors import get_or_404
from accounts.models import Merchant, SettlementAccount
from accounts.settlement import delay, set_settlement_account
from crypto.models import Network, WithdrawalAddress
from crypto.queries import sending
from crypto.services.allow_list import add_address, remove_address
from gateway.panel.access import FORM, MERCHANTS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import PanelForm
from gateway.panel.rendering import crumbs
from gateway.panel.withdrawals.listing import AREA
from payouts.banks import bank_of


@page(MERCHANTS)
def destinations(request: PanelRequest) -> HttpResponse:
    viewer = request.viewer
    context = {
        "crumbs": crumbs(AREA, "Where they go"),
        "addresses": sending.visible_addresses(viewer),
        "account": sending.visible_settlement_account(viewer, _merchant(request)),
        "now": timezone.now(),
        "delay": delay_words(viewer.mode),
        "is_live": viewer.mode == "live",
    }
    return render(request, "panel/withdrawals/destinations.html", context)


def _merchant(request: PanelRequest) -> Merchant:
    merchant = request.viewer.user.merchant
    assert merchant is not None, "a merchant's user has a merchant"
    return merchant


def delay_words(mode: str, told: str = "you are") -> str:
    hours = delay(mode).total_seconds() / 3600
    return f"It can be used in {hours:g} hours, and {told} told by e-mail." if hours else "It can be used at once."


class AddressForm(PanelForm):
    network = forms.ModelChoiceField(Network.objects.all(), empty_label="Choose a network")
    address = forms.CharField(
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "input mono"}),
    )
    label = forms.CharField(max_length=60, required=False, help_text="So that you know it again, such as Cold wallet.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        network = self.fields["network"]
        assert isinstance(network, forms.ModelChoiceField)
        network.label_from_instance = lambda row: row.name  # type: ignore[assignment,method-assign]


@page(MERCHANTS, FORM, proof=True)
def add(request: PanelRequest) -> HttpResponse:
    step = Step(
        title="Add a wallet", action="Add wallet", back=reverse("panel:withdrawal-destinations"),
        text=f"From the first one on, withdrawals go to listed wallets only. {delay_words(request.viewer.mode)}",
    )

    def act(data: dict[str, Any]) -> WithdrawalAddress:
        return add_address(
            actor=request.actor, merchant=_merchant(request), mode=request.viewer.mode, network=data["network"],
            address=data["address"], label=data["label"],
        )

    return confirm(request, step, act, form=AddressForm, message="The wallet is on the list.")


@page(MERCHANTS, FORM, proof=True)
def remove(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(sending.visible_addresses(request.viewer), pk=pk)
    step = Step(
        title="Remove this wallet?", action="Remove wallet", danger=True, back=reverse("panel:withdrawal-destinations"),
        text="Nothing is sent there any more, from now on. To use it again it must wait anew.",
        facts=[("Network", row.network.name), ("Address", row.address), ("Name", row.label or "–")],
    )

    def act(_: dict[str, Any]) -> None:
        remove_address(actor=request.actor, address=row)

    return confirm(request, step, act, message="The wallet is off the list.")


class AccountForm(PanelForm):
    holder = forms.CharField(label="Account holder", max_length=120)
    account_number = forms.CharField(
        max_length=18, validators=[RegexValidator(r"^[0-9]{9,18}\Z", "Enter the 9 to 18 digits of the account.")],
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    ifsc = forms.CharField(
        label="IFSC", max_length=11, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Eleven characters, such as HDFC0001234.",
    )

    def clean_ifsc(self) -> str:
        """People type it in lower case; the banks write it in upper case."""
        ifsc: str = self.cleaned_data["ifsc"].upper()
        RegexValidator(r"^[A-Z]{4}0[A-Z0-9]{6}\Z", "Enter an IFSC such as HDFC0001234.")(ifsc)
        return ifsc


@page(MERCHANTS, FORM, proof=True)
def account(request: PanelRequest) -> HttpResponse:
    step = Step(
        title="Set the settlement account", action="Save account", back=reverse("panel:withdrawal-destinations"),
        text=f"Withdrawals in rupees go there and nowhere else. {delay_words(request.viewer.mode)}",
    )

    def act(data: dict[str, Any]) -> SettlementAccount:
        return set_settlement_account(
            actor=request.actor, merchant=_merchant(request), mode=request.viewer.mode, bank_name=bank_of(data["ifsc"]),
            **data,
        )

    return confirm(request, step, act, form=AccountForm, message="The settlement account is saved.")
