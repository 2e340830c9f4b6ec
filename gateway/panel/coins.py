"""Coins that the house has sent to its hot wallets: recorded, listed, and mended where they were mistyped."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse

from accounts.actors import get_or_404
from accounts.models import Role
from crypto.models import HotWallet
from crypto.queries import house
from crypto.services.capital import coins_of, correct_capital, record_capital
from gateway.lib.errors import InvalidFields
from gateway.lib.money import InvalidAmount, Money, parse_amount
from gateway.panel.access import FORM, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import PanelForm
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, page_or_part
from gateway.panel.wallets import AREA
from gateway.panel.words import money_text

_HOUSE = (Role.SUPER_ADMIN.value,)
_AMOUNT = {"inputmode": "decimal", "autocomplete": "off"}
_ADDRESS = {"autocomplete": "off", "spellcheck": "false", "class": "input mono"}


def money_of(text: str, currency: str) -> Money:
    """Raises `InvalidFields`."""
    try:
        return parse_amount(text, currency)
    except InvalidAmount as error:
        raise InvalidFields(amount=str(error)) from error


class CoinForm(PanelForm):
    """Some amount of one of `known`."""

    known: tuple[str, ...] = ()
    currency = forms.ChoiceField()
    amount = forms.CharField(max_length=30, widget=forms.TextInput(attrs=_AMOUNT))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["currency"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(each, each) for each in self.known]


def of_coins(form: type[CoinForm], known: list[str]) -> type[CoinForm]:
    return type("Form", (form,), {"known": tuple(known)})


class CapitalForm(CoinForm):
    transaction_hash = forms.CharField(
        max_length=90, help_text="Of the transaction that brought it; each is booked once.",
        widget=forms.TextInput(attrs=_ADDRESS),
    )


@page(_HOUSE)
def records(request: PanelRequest) -> HttpResponse:
    found = paginate(request, house.visible_records(request.viewer))
    context = {
        "crumbs": crumbs(AREA, "Recorded coins"), "page": found,
        "records": [house.record_view(row) for row in found.rows],
    }
    return page_or_part(request, "panel/wallets/coins.html", "panel/wallets/_coins.html", context)


@page(_HOUSE, FORM, proof=True)
def capital(request: PanelRequest, code: str) -> HttpResponse:
    """Coins that the house has sent to a hot wallet, for gas or as a float."""
    mode = request.viewer.mode
    wallet = get_or_404(HotWallet.objects.filter(mode=mode).select_related("network"), network_id=code)
    network = wallet.network
    step = Step(
        title=f"Record coins brought to {network.name}", action="Record", back=reverse("panel:wallets"),
        text="Send them first. The next reconciliation tells whether chain and books agree.",
        facts=[("Hot wallet", wallet.address)],
    )

    def act(data: dict[str, Any]) -> None:
        record_capital(
            actor=request.actor, network=network, mode=mode, amount=money_of(data["amount"], data["currency"]),
            transaction_hash=data["transaction_hash"],
        )

    return confirm(request, step, act, form=of_coins(CapitalForm, coins_of(network, mode)), message="It is booked.")


class CorrectionForm(PanelForm):
    amount = forms.CharField(
        label="Right amount", max_length=30, required=False, widget=forms.TextInput(attrs=_AMOUNT),
        help_text="Of the same transaction. Empty: it brought nothing, or nothing of this coin.",
    )
    reason = forms.CharField(max_length=120, widget=forms.Textarea(attrs={"rows": 3}))


@page(_HOUSE, FORM, proof=True)
def correct(request: PanelRequest, pk: int) -> HttpResponse:
    """A record that was mistyped is taken back, and what is right is recorded in its place."""
    row = house.record_view(get_or_404(house.visible_records(request.viewer), pk=pk))
    step = Step(
        title=f"Correct {money_text(row.amount)} on {row.network.name}?", action="Correct", danger=True,
        text="The record is taken back in the books, once; nothing moves on the chain.",
        back=reverse("panel:wallet-coins"),
        facts=[("Recorded", money_text(row.amount)), ("Transaction", row.transaction_hash)],
    )

    def act(data: dict[str, Any]) -> None:
        right = money_of(data["amount"], row.amount.currency) if data["amount"].strip() else None
        correct_capital(actor=request.actor, record=row.posting, reason=data["reason"], amount=right)

    return confirm(request, step, act, form=CorrectionForm, message="It is corrected.")
