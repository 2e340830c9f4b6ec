"""API keys: the signed-in user's own portal keys, and the merchant's pairs for the other contracts in this mode.

A new secret is shown once; the one it replaces is dead that moment. Only the merchant sees and changes its pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.actors import get_or_404
from accounts.errors import KeyReplaced
from accounts.issuing import (
    IssuedCredential,
    change_credential,
    issue_credential,
    regenerate_credential,
    revoke_credential,
    version_of,
)
from accounts.models import Credential, Merchant, PortalKey, Role, User
from accounts.queries import credentials_of
from accounts.services import regenerate_portal_key
from gateway.lib.errors import GatewayError
from gateway.lib.modes import Mode
from gateway.panel.access import EVERYONE, FORM, MERCHANTS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import EditForm, PanelForm, carry_out
from gateway.panel.once import show_once
from gateway.panel.rendering import crumbs, dialog
from gateway.panel.return_secret import return_secret_card


@dataclass(frozen=True, slots=True)
class KeyRow:
    mode: str
    label: str
    key: PortalKey | None
    is_current: bool


class RegenerateForm(PanelForm):
    """`replaces` is the key that the dialog named: sending the same form again replaces nothing more."""

    replaces = forms.CharField(widget=forms.HiddenInput, required=False)


@page(EVERYONE)
def keys(request: PanelRequest) -> HttpResponse:
    context = {
        "crumbs": crumbs("API keys"), "rows": key_rows(request.viewer.user, request.viewer.mode),
        "contracts": contract_cards(request), "return_secret": return_secret_card(request),
    }
    return render(request, "panel/keys/list.html", context)


def key_rows(user: User, current: str) -> list[KeyRow]:
    """The current mode's key first."""
    found = {key.mode: key for key in PortalKey.objects.filter(user=user)}
    rows = [KeyRow(mode.value, str(mode.label), found.get(mode.value), mode.value == current) for mode in Mode]
    return sorted(rows, key=lambda row: not row.is_current)


@sensitive_variables("key")
@page(EVERYONE, FORM, proof=True)
def regenerate(request: PanelRequest, mode: str) -> HttpResponse:
    if mode not in Mode.values:
        raise Http404
    user, back = request.viewer.user, reverse("panel:keys")
    old = PortalKey.objects.filter(user=user, mode=mode).first()
    if request.method != "POST":
        context = {"title": f"Regenerate the {mode} key?", "mode": mode, "old": old, "back": back}
        form = RegenerateForm(initial={"replaces": _mark(old)})
        return dialog(request, "panel/keys/regenerate.html", context | {"form": form})
    if request.POST.get("replaces", "") != _mark(old):
        messages.error(request, "That key had been replaced already. Nothing was changed.")
        return HttpResponseRedirect(back)
    try:
        key = regenerate_portal_key(actor=request.actor, user=user, mode=mode, replaces=old.digest if old else None)
    except KeyReplaced as error:  # by somebody else, since this request began
        messages.error(request, f"{error.message} Nothing was changed.")
        return HttpResponseRedirect(back)
    return show_once(
        request, title=f"Your new {mode} key", back=back, crumbs=crumbs(("API keys", "panel:keys"), "New key"),
        text="It works from now on. The old key is refused since a moment ago, everywhere.",
        secrets=[(f"{mode.capitalize()} key", key)],
    )


def _mark(key: PortalKey | None) -> str:
    return f"{key.created_at.timestamp():.6f}" if key else ""


# The merchant's pairs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContractCard:
    contract: str
    title: str
    text: str
    headers: str
    pairs: list[Credential]

    @property
    def limits_addresses(self) -> bool:
        return self.contract != Credential.Contract.DASHBOARD


_CARDS = (
    ("signed", "Signed API", "Payin links and payouts; every request is signed with the secret key.",
     "Access-Key, Timestamp, Signature"),
    ("checkout", "Checkout API", "Orders, cards and UPI, captures and refunds.",
     "X-Api-Key, X-Api-Secret"),
    ("dashboard", "Dashboard API", "Crypto sessions, addresses and withdrawals; the key is one secret word.",
     "X-API-Key or Authorization: Bearer"),
)
_SECRETS = {"signed": ("Access Key", "Secret Key"), "checkout": ("Key", "Secret"), "dashboard": ("", "API key")}
_TITLES = {contract: title for contract, title, *_ in _CARDS}


def contract_cards(request: PanelRequest) -> list[ContractCard]:
    """What the merchant itself may see and change; nobody else sees any."""
    if request.viewer.user.role != Role.MERCHANT:
        return []
    found = list(credentials_of(request.viewer))
    return [ContractCard(*words, [row for row in found if row.contract == words[0]]) for words in _CARDS]


class AddressesField(forms.CharField):
    """Addresses and networks, one a line or with commas between; cleans to a list. What is one is the domain's rule."""

    def __init__(self) -> None:
        super().__init__(
            label="Allowed addresses", required=False, max_length=4000,
            widget=forms.Textarea(
                attrs={"rows": 3, "spellcheck": "false", "placeholder": "203.0.113.7\n2001:db8::/32"}
            ),
            help_text="Where requests may come from: addresses or networks, one a line.",
        )

    def clean(self, value: Any) -> list[str]:
        return [word for word in super().clean(value).replace(",", "\n").split("\n") if word.strip()]


_LAST_YEAR = 2100  # beyond the calendar's own end a day has no next one


class PairForm(PanelForm):
    name = forms.CharField(
        max_length=60, help_text="For you: which server or program uses it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Shop server"}),
    )
    allowed_addresses = AddressesField()
    expires_at = forms.DateField(
        label="Last day", required=False,
        help_text="It stops working at the end of that day. Empty: it does not expire.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def clean_expires_at(self) -> datetime | None:
        day = self.cleaned_data["expires_at"]
        if day is not None and day.year > _LAST_YEAR:
            raise forms.ValidationError("Enter a day as 2026-11-20, or none.")
        return _end_of(day) if day else None


class ChangePairForm(EditForm, PairForm):
    pass


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=timezone.get_current_timezone())


def _last_day(pair: Credential) -> date | None:
    """The day in the reader's zone at whose end `pair` stops working."""
    return timezone.localtime(pair.expires_at - timedelta(microseconds=1)).date() if pair.expires_at else None


def _merchant(request: PanelRequest) -> Merchant:
    merchant = request.viewer.user.merchant
    assert merchant is not None  # MERCHANTS have one
    return merchant


def _pair(request: PanelRequest, pk: int) -> Credential:
    return get_or_404(credentials_of(request.viewer), pk=pk)


@sensitive_variables("issued")
@page(MERCHANTS, FORM, proof=True)
def new_pair(request: PanelRequest, contract: str) -> HttpResponse:
    if contract not in _TITLES:
        raise Http404
    form = PairForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        issued = carry_out(form, lambda: issue_credential(
            actor=request.actor, merchant=_merchant(request), contract=contract, mode=request.viewer.mode,
            **form.cleaned_data,
        ))
        if issued is not None:
            title = f"Your new {request.viewer.mode} key"
            return _show(request, contract, issued, title, f"For the {_TITLES[contract]}. It works from now on.")
    context = {
        "title": f"New {request.viewer.mode} key: {_TITLES[contract]}", "form": form, "contract": contract,
        "back": reverse("panel:keys"), "live_signed": _is_live_signed(contract, request.viewer.mode),
    }
    return dialog(request, "panel/keys/new.html", context, bad=form.is_bound)


def _is_live_signed(contract: str, mode: str) -> bool:
    return contract == Credential.Contract.SIGNED and mode == Mode.LIVE


@page(MERCHANTS, FORM, proof=True)
def change_pair(request: PanelRequest, pk: int) -> HttpResponse:
    pair = _pair(request, pk)
    text = "Changes take effect with the next request."
    if _is_live_signed(pair.contract, pair.mode):
        text += " Without an allowed address, this live key can only read its balance."
    step = Step("Edit key", text, "Save", reverse("panel:keys"), facts=[("Key", pair.hint)])
    last_day = _last_day(pair)
    initial = {
        "name": pair.name, "allowed_addresses": "\n".join(pair.allowed_addresses), "expires_at": last_day,
    }

    def act(data: dict[str, Any]) -> object:
        if last_day and data["expires_at"] == _end_of(last_day):  # as it was, wherever its day ended
            data = data | {"expires_at": pair.expires_at}
        return change_credential(actor=request.actor, credential=pair, **data)

    return confirm(request, step, act, form=ChangePairForm, initial=initial, message=f"{pair.name} is changed.")


@sensitive_variables("issued")
@page(MERCHANTS, FORM, proof=True)
def renew_pair(request: PanelRequest, pk: int) -> HttpResponse:
    pair, back = _pair(request, pk), reverse("panel:keys")
    if request.method != "POST":
        context = {"title": f"Regenerate the secret of {pair.name}?", "pair": pair, "back": back}
        form = RegenerateForm(initial={"replaces": version_of(pair)})
        return dialog(request, "panel/keys/renew.html", context | {"form": form})
    try:
        issued = regenerate_credential(
            actor=request.actor, credential=pair, replaces=request.POST.get("replaces", "")
        )
    except GatewayError as error:  # replaced or revoked meanwhile
        messages.error(request, f"{error.message} Nothing was changed.")
        return HttpResponseRedirect(back)
    text = "It works from now on. The old secret is refused since a moment ago, everywhere."
    return _show(request, pair.contract, issued, f"New secret of {pair.name}", text)


@page(MERCHANTS, FORM, proof=True)
def revoke_pair(request: PanelRequest, pk: int) -> HttpResponse:
    pair = _pair(request, pk)
    step = Step(
        f"Revoke {pair.name}?", "Every request with it is refused from that moment, for good.", "Revoke",
        reverse("panel:keys"), danger=True,
        facts=[("Key", pair.hint), ("For", _TITLES[pair.contract])],
    )
    return confirm(
        request, step, lambda _: revoke_credential(actor=request.actor, credential=pair),
        message=f"{pair.name} is revoked. Requests with it are refused from now on.",
    )


@sensitive_variables("issued", "secrets")
def _show(request: PanelRequest, contract: str, issued: IssuedCredential, title: str, text: str) -> HttpResponse:
    labels = _SECRETS[contract]
    secrets = [pair for pair in zip(labels, (issued.identifier, issued.secret), strict=True) if pair[0]]
    return show_once(
        request, title=title, text=text, secrets=secrets, back=reverse("panel:keys"),
        crumbs=crumbs(("API keys", "panel:keys"), "New key"),
    )
