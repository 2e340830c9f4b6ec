"""Receiving accounts: the UPI ids that live payers send money to, what today has taken of each, on and off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import EditForm, MoneyField, PanelForm, carry_out
from gateway.panel.rendering import crumbs, done
from payments.models import ReceivingAccount
from payments.providers import registry
from payments.providers.manual_upi import MANUAL_UPI
from payments.receiving import add_account, change_account, switch_account
from payments.receiving.queries import todays_use, visible_accounts

AREA = ("Receiving accounts", "panel:receiving")


class AccountForm(PanelForm):
    bank_name = forms.CharField(label="Bank", max_length=80)
    holder = forms.CharField(
        label="Account holder", max_length=80, help_text="As the payer's app will show it. The payment page names it."
    )
    daily_limit = MoneyField(
        label="Daily limit", required=False, help_text="Asked for and received in a day of India. Empty: no limit."
    )


class ChangeAccountForm(EditForm, AccountForm):
    pass


class NewAccountForm(AccountForm):
    vpa = forms.CharField(
        label="UPI ID", max_length=120, help_text="Such as shop@okbank. It cannot be changed later.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )
    field_order = ("vpa", "bank_name", "holder", "daily_limit")


@page(OPERATORS)
def receiving(request: PanelRequest) -> HttpResponse:
    context = {
        "crumbs": crumbs("Receiving accounts"),
        "uses": todays_use(visible_accounts(request.viewer)),
        "is_used": registry.is_used(MANUAL_UPI.name),
        "sandbox_vpa": settings.PAYEE_VPA,
    }
    return render(request, "panel/receiving/list.html", context)


@page(OPERATORS, FORM, proof=True)
def new(request: PanelRequest) -> HttpResponse:
    form = NewAccountForm(request.POST or None)

    def act() -> ReceivingAccount:
        return add_account(actor=request.actor, mode=request.viewer.mode, **form.cleaned_data)

    return _form_page(request, form, act, "New receiving account", "Add account", "takes payments from now on.")


@page(OPERATORS, FORM, proof=True)
def edit(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    limit = "" if row.daily_limit_minor is None else f"{row.daily_limit_minor // 100}.{row.daily_limit_minor % 100:02d}"
    initial = {"bank_name": row.bank_name, "holder": row.holder, "daily_limit": limit}
    form = ChangeAccountForm(request.POST or None, initial=initial)

    def act() -> ReceivingAccount:
        return change_account(actor=request.actor, account=row, **form.cleaned_data)

    return _form_page(request, form, act, row.vpa, "Save", "is changed.")


def _form_page(
    request: PanelRequest, form: AccountForm, act: Any, title: str, action: str, message: str
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        made = carry_out(form, act)
        if made:
            return done(request, reverse("panel:receiving"), f"{made.vpa} {message}")
    context = {"crumbs": crumbs(AREA, title), "form": form, "title": title, "action": action}
    return render(request, "panel/receiving/form.html", context, status=422 if form.is_bound else 200)


class SwitchForm(PanelForm):
    """The dialog's own word: who confirms “off” after a colleague did means off, not the other way round."""

    on = forms.BooleanField(required=False, widget=forms.HiddenInput)


@page(OPERATORS, FORM, proof=True)
def switch(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    on = not row.active
    step = Step(
        title=f"Switch {row.vpa} {'on' if on else 'off'}?", action="Switch on" if on else "Switch off", danger=not on,
        back=reverse("panel:receiving"), facts=[("Bank", row.bank_name), ("Holder", row.holder)],
        text="New payments are shown it in its turn." if on else
        "No new payment is shown it. Those that were shown it already are matched as before.",
    )

    def act(data: dict[str, Any]) -> None:
        switch_account(actor=request.actor, account=row, on=data["on"])

    return confirm(
        request, step, act, form=SwitchForm, initial={"on": on},
        message=lambda data: f"{row.vpa} is {'on' if data['on'] else 'off'}.",
    )


def _visible(viewer: Viewer, public_id: str) -> ReceivingAccount:
    return get_or_404(visible_accounts(viewer), public_id=public_id)
