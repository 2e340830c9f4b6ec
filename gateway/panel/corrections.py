"""Corrections of merchants' balances: the list, a new one, one with all about it, and what operators decide about it.

A merchant opens those that were booked, from its ledger and statement.
"""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from accounts.models import Merchant
from accounts.operators import others_who_may_decide
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.panel.access import FORM, MERCHANTS, OPERATORS, PanelRequest, page
from gateway.panel.confirming import OnceForm, PlainNoteForm, Step, confirm, only_once
from gateway.panel.filters import DayFilter, PanelFilters, SearchFilter
from gateway.panel.forms import MoneyField, carry_out
from gateway.panel.lists import paginate
from gateway.panel.payments import merchant_for, narrow_merchants
from gateway.panel.rendering import crumbs, done, page_or_part
from gateway.panel.words import money_text
from ledger.queries import entries_about
from payments.corrections import queries
from payments.corrections.services import (
    confirm_correction,
    propose_correction,
    reject_correction,
    withdraw_correction,
)
from payments.models import Correction, Payment
from payments.queries import visible_payments

Kind, Status = Correction.Kind, Correction.Status
AREA = ("Corrections", "panel:corrections")
_KINDS = [
    (Kind.TOP_UP, "Top-up: the merchant’s money arrived in our bank account"),
    (Kind.CHARGEBACK, "Chargeback: the bank or provider took a payment back"),
    (Kind.CREDIT, "Correction in favour of the merchant: goodwill, or too little was booked"),
    (Kind.DEBIT, "Correction against the merchant: too much was booked"),
]


class CorrectionFilters(PanelFilters):
    more = "Dates"
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any status")
    method = django_filters.ChoiceFilter(field_name="kind", choices=Kind.choices, empty_label="Any kind", label="Kind")
    from_day = DayFilter("From")
    to_day = DayFilter("To", through=True)

    def search(self, rows: QuerySet[Correction], name: str, value: str) -> QuerySet[Correction]:
        return queries.search_corrections(rows, value)


class NewCorrectionForm(OnceForm):
    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), empty_label="Choose a merchant", to_field_name="public_id"
    )
    kind = forms.ChoiceField(label="What it is", choices=_KINDS, widget=forms.RadioSelect)
    amount = MoneyField(label="Amount in rupees")
    bank_reference = forms.CharField(
        label="Bank reference", max_length=40, required=False,
        help_text="Needed for a top-up (its UTR) and a chargeback (its case number). Each is entered once.",
    )
    payment = forms.CharField(
        label="Payment", max_length=40, required=False,
        help_text="Of a chargeback, or one given back, where it is known: the payment’s ID, pay_… It caps the amount.",
    )
    reason = forms.CharField(max_length=200, help_text="The merchant reads it once it is booked.")

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        narrow_merchants(self, viewer)

    def clean_payment(self) -> Payment | None:
        text = str(self.cleaned_data["payment"])
        row = visible_payments(self.viewer).filter(public_id=text).first() if text and "\0" not in text else None
        if text and row is None:
            raise forms.ValidationError("There is no such payment in this mode.")
        return row


@page(OPERATORS)
def corrections(request: PanelRequest) -> HttpResponse:
    filters = CorrectionFilters.narrow(request, queries.visible_corrections(request.viewer))
    context = {"crumbs": crumbs("Corrections"), "filters": filters, "page": paginate(request, filters.rows)}
    return page_or_part(request, "panel/corrections/list.html", "panel/corrections/_results.html", context)


@page((*OPERATORS, *MERCHANTS))
def correction(request: PanelRequest, public_id: str) -> HttpResponse:
    row, user = _visible(request.viewer, public_id), request.viewer.user
    waits, own = row.status == Status.OPEN, row.created_by_id == user.pk
    area = AREA if user.is_operator else ("Ledger", "panel:ledger")
    context = {
        "crumbs": crumbs(area, row.public_id), "correction": row, "entries": list(entries_about(row.public_id)),
        "timeline": queries.correction_history(row) if user.is_operator else [],
        "waits": waits, "is_own": own, "may_confirm": waits and (not own or row.mode == Mode.TEST),
        "may_reject": waits and not own, "may_withdraw": waits and own,
        "nobody_else": waits and row.mode == Mode.LIVE and not others_who_may_decide(row),
    }
    return render(request, "panel/corrections/detail.html", context)


@page(OPERATORS, FORM, proof=True)
def new(request: PanelRequest) -> HttpResponse:
    form = NewCorrectionForm(request.POST or None, viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        made = carry_out(form, lambda: _propose(request, form.cleaned_data))
        if made:
            said = f"{made.get_kind_display()} of {money_text(made.amount)} is written down. Nothing is booked yet."
            return done(request, _address(made), said)
    context = {"crumbs": crumbs(AREA, "New correction"), "form": form, "is_live": request.viewer.mode == Mode.LIVE}
    bad = form.is_bound and not form.is_valid()
    return render(request, "panel/corrections/new.html", context, status=422 if bad else 200)


def _propose(request: PanelRequest, data: dict[str, Any]) -> Correction:
    with only_once(data["once"]):
        return propose_correction(
            actor=request.actor, merchant=merchant_for(request.viewer, data), mode=request.viewer.mode,
            kind=data["kind"], amount=data["amount"], reason=data["reason"], bank_reference=data["bank_reference"],
            payment=data["payment"],
        )


@page(OPERATORS, FORM, proof=True)
def confirm_it(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    way = "given to" if row.signed_minor > 0 else "taken from"
    banked = row.kind in Correction.BANKED or row.payment is not None
    look = "the bank’s or provider’s own record" if banked else "what was booked, and why,"
    step = Step(
        title=f"Book this {row.get_kind_display().lower()}?", action=f"Book {money_text(row.amount)}",
        text=f"{money_text(row.amount)} is {way} {row.merchant.name} at once. Look at {look} first.",
        back=_address(row), facts=_facts(row),
    )

    def act(_: dict[str, Any]) -> Correction:
        return confirm_correction(actor=request.actor, correction=row)

    return confirm(request, step, act, message=f"{row.get_kind_display()} of {money_text(row.amount)} is booked.")


@page(OPERATORS, FORM)
def reject(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = _ending(row, "Reject", "Nothing is booked. Whoever proposed it reads your note, the merchant does not.")

    def act(data: dict[str, Any]) -> Correction:
        return reject_correction(actor=request.actor, correction=row, note=data["note"])

    return confirm(request, step, act, form=PlainNoteForm, message="The correction is rejected.")


@page(OPERATORS, FORM)
def withdraw(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = _ending(row, "Withdraw", "Nothing is booked. Only whoever proposed it can withdraw it.")

    def act(data: dict[str, Any]) -> Correction:
        return withdraw_correction(actor=request.actor, correction=row, note=data["note"])

    return confirm(request, step, act, form=PlainNoteForm, message="The correction is withdrawn.")


def _ending(row: Correction, verb: str, text: str) -> Step:
    title = f"{verb} this {row.get_kind_display().lower()}?"
    return Step(title=title, action=verb, text=text, back=_address(row), facts=_facts(row), danger=True)


def _visible(viewer: Viewer, public_id: str) -> Correction:
    return get_or_404(queries.visible_corrections(viewer), public_id=public_id)


def _address(row: Correction) -> str:
    return reverse("panel:correction", args=[row.public_id])


def _facts(row: Correction) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [
        ("Amount", money_text(row.amount)), ("Merchant", row.merchant.name), ("Reason", row.reason),
        ("Bank reference", row.bank_reference or "none"), ("Proposed by", row.proposer),
    ]
    if row.payment is not None:
        back = Money(row.payment.refunded_minor + row.payment.refunding_minor, row.currency)
        refunded = f", {money_text(back)} of it refunded" if back.minor else ""
        facts.insert(2, ("Payment", f"{row.payment.public_id}, {money_text(row.payment.amount)}{refunded}"))
    return facts
