"""Payouts: the queue of those that wait, the list, one payout with everything about it, and the decisions.

Approving and rejecting name amount and beneficiary first, and nobody is offered it for a payout of their own.
"""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from accounts.models import Merchant, Role
from gateway.lib.money import Money
from gateway.panel.access import EVERYONE, FORM, MERCHANT_SIDE, OPERATORS, PanelRequest, page
from gateway.panel.confirming import NoteForm, Step, confirm, confirm_looked_at
from gateway.panel.filters import DayFilter, FlagFilter, MoneyFilter, PanelFilters, SearchFilter
from gateway.panel.forms import MoneyField, PanelForm, carry_out
from gateway.panel.lists import paginate
from gateway.panel.payments import REFERENCE, ReasonForm, merchant_for, narrow_merchants
from gateway.panel.rendering import crumbs, done, page_or_part
from gateway.panel.words import money_text
from ledger.fees import quote
from ledger.models import FeePlan
from ledger.queries import entries_about
from payments.models import Contract
from payouts import queries, services
from payouts.batches.queries import line_of
from payouts.models import Payout
from payouts.providers.registry import waits_for_batch
from payouts.services.deciding import can_be_rejected, can_be_resolved
from payouts.services.returning import LONGEST_NOTE, can_be_returned
from webhooks.queries import deliveries

Status = Payout.Status
_QUEUE = 20
_MAKERS = (*MERCHANT_SIDE, Role.SUPER_ADMIN.value)


class PayoutFilters(PanelFilters):
    more = "Dates, amounts and more"
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any status")
    method = django_filters.ChoiceFilter(choices=Payout.Method.choices, empty_label="Any method")
    from_day = DayFilter("From")
    to_day = DayFilter("To", through=True)
    min_amount = MoneyFilter(field_name="amount_minor", lookup_expr="gte", label="Amount from")
    max_amount = MoneyFilter(field_name="amount_minor", lookup_expr="lte", label="Amount to")
    odd = FlagFilter()

    def search(self, rows: QuerySet[Payout], name: str, value: str) -> QuerySet[Payout]:
        return queries.search(rows, value)


@page(EVERYONE)
def payouts(request: PanelRequest) -> HttpResponse:
    viewer = request.viewer
    filters = PayoutFilters.narrow(request, queries.visible_payouts(viewer))
    waiting = queries.waiting_for_approval(viewer)
    context = {
        "crumbs": crumbs("Payouts"),
        "filters": filters,
        "page": paginate(request, filters.rows),
        "queue": waiting[:_QUEUE] if viewer.user.is_operator else [],
        "queue_rest": max(0, waiting.order_by()[:1000].count() - _QUEUE) if viewer.user.is_operator else 0,
        "may_create": viewer.user.role in _MAKERS,
    }
    return page_or_part(request, "panel/payouts/list.html", "panel/payouts/_results.html", context)


@page(EVERYONE)
def payout(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    user = request.viewer.user
    deciding = user.is_operator and row.status == Status.PENDING
    resolving = user.is_operator and row.created_by_id != user.pk
    by_file = waits_for_batch(row.provider)
    context = {
        "crumbs": crumbs(("Payouts", "panel:payouts"), row.reference),
        "payout": row,
        "timeline": queries.timeline(row),
        "entries": [] if user.role == Role.API_USER else entries_about(row.public_id),
        "deliveries": deliveries(request.viewer).filter(event__subject=row.public_id)[:20],
        "is_moving": row.status in (Status.APPROVED, Status.PROCESSING) and not row.flag and not by_file,
        "may_decide": deciding and user.pk not in (row.created_by_id, row.first_approved_by_id),
        "is_own": deciding and row.created_by_id == user.pk,
        "is_first": deciding and row.first_approved_by_id == user.pk,
        "may_reject": resolving and can_be_rejected(row),
        "may_clear": resolving and bool(row.flag) and row.status != Status.PROCESSING,
        "may_resolve": resolving and can_be_resolved(row),
        "may_return": resolving and can_be_returned(row),
        "line": line_of(row) if by_file and user.is_operator else None,
        "waits_for_batch": by_file and row.status == Status.APPROVED,
    }
    return page_or_part(request, "panel/payouts/detail.html", "panel/payouts/_record.html", context)


def _visible(viewer: Viewer, public_id: str) -> Payout:
    return get_or_404(queries.visible_payouts(viewer), public_id=public_id)


# Creating -----------------------------------------------------------------------------------------------
class NewPayoutForm(PanelForm):
    """The fields of the portal's `POST /payouts`; `merchant` is asked of operators only."""

    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), empty_label="Choose a merchant", to_field_name="public_id"
    )
    amount = MoneyField(help_text="Rupees, such as 500 or 499.50.")
    order_id = forms.CharField(
        label="Order ID", max_length=64, validators=[REFERENCE], help_text="Your own number of this payout; used once."
    )
    beneficiary_name = forms.CharField(max_length=120)
    account_number = forms.CharField(
        max_length=18, validators=[RegexValidator(r"^[0-9]{9,18}\Z", "Enter the 9 to 18 digits of the account.")],
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    ifsc = forms.CharField(
        label="IFSC", max_length=11, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Eleven characters, such as HDFC0001234.",
    )
    bank_name = forms.CharField(label="Bank", max_length=120, required=False)
    method = forms.ChoiceField(choices=Payout.Method.choices)
    remarks = forms.CharField(max_length=200, required=False)

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        narrow_merchants(self, viewer)

    def clean_ifsc(self) -> str:
        """People type it in lower case; the banks write it in upper case."""
        ifsc: str = self.cleaned_data["ifsc"].upper()
        RegexValidator(r"^[A-Z]{4}0[A-Z0-9]{6}\Z", "Enter an IFSC such as HDFC0001234.")(ifsc)
        return ifsc


@page(_MAKERS, FORM, proof=True)
def new(request: PanelRequest) -> HttpResponse:
    """Two steps: the form, and a confirmation that names amount, charge and beneficiary."""
    form = NewPayoutForm(request.POST or None, viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        if "confirmed" not in request.POST:
            return _confirmation(request, form) if "back" not in request.POST else _form_page(request, form)
        made = carry_out(form, lambda: _create(request, form.cleaned_data))
        if made:
            said = f"{money_text(made.amount)} for {made.beneficiary_name}: {made.get_status_display().lower()}."
            return done(request, reverse("panel:payout", args=[made.public_id]), said)
    return _form_page(request, form)


def _form_page(request: PanelRequest, form: NewPayoutForm) -> HttpResponse:
    context = {"crumbs": crumbs(("Payouts", "panel:payouts"), "New payout"), "form": form}
    bad = form.is_bound and not form.is_valid()
    return render(request, "panel/payouts/new.html", context, status=422 if bad else 200)


def _confirmation(request: PanelRequest, form: NewPayoutForm) -> HttpResponse:
    data = form.cleaned_data
    amount: Money = data["amount"]
    merchant = merchant_for(request.viewer, data)
    charge = quote(merchant_id=merchant.pk, product=FeePlan.Product.PAYOUT, amount=amount)
    context = {
        "crumbs": crumbs(("Payouts", "panel:payouts"), "New payout"), "form": form, "data": data,
        "merchant": merchant, "charge": Money(charge.fee_minor, amount.currency),
        "total": Money(amount.minor + charge.fee_minor, amount.currency),
        "sent": [(name, request.POST[name]) for name in form.fields if request.POST.get(name)],
    }
    return render(request, "panel/payouts/new_confirm.html", context)


def _create(request: PanelRequest, data: dict[str, Any]) -> Payout:
    return services.create_payout(
        actor=request.actor, merchant=merchant_for(request.viewer, data), mode=request.viewer.mode,
        contract=Contract.PORTAL, amount=data["amount"], reference=data["order_id"],
        beneficiary_name=data["beneficiary_name"], account_number=data["account_number"], ifsc=data["ifsc"],
        bank_name=data["bank_name"], method=data["method"], remarks=data["remarks"], created_by=request.viewer.user,
    )


# Deciding -----------------------------------------------------------------------------------------------
class ResolveForm(NoteForm):
    paid = forms.TypedChoiceField(
        label="What did the bank say?", choices=[("yes", "It paid in full"), ("no", "It did not pay")],
        coerce=lambda word: word == "yes", widget=forms.RadioSelect,
    )
    utr = forms.CharField(label="UTR", max_length=40, required=False, help_text="Needed if the bank has paid.")
    field_order = ["paid", "utr", "note"]


@page(OPERATORS, FORM, proof=True)
def approve(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title=f"Approve {money_text(row.amount)} to {row.beneficiary_name}?",
        action=f"Approve {money_text(row.amount)}",
        text=_after_approval(row), back=_address(row), facts=_facts(row),
    )

    def act(_: dict[str, Any]) -> Payout:
        return services.approve_payout(actor=request.actor, payout=row)

    first = row.approvals_needed > 1 and row.first_approved_by_id is None
    said = f"{money_text(row.amount)} to {row.beneficiary_name} is approved."
    said = said if not first else f"{said[:-1]} once. A second operator must approve it too."
    return confirm(request, step, act, message=said)


def _after_approval(row: Payout) -> str:
    if row.approvals_needed > 1 and row.first_approved_by is None:
        return "It is large, and nothing has reached this account yet: a second operator must approve it too."
    if waits_for_batch(row.provider):
        return "It then waits for the next bank file, and can be rejected until it stands in one."
    return "The bank is told at once. An approval cannot be taken back."


class RejectForm(ReasonForm):
    """Says what was seen: whoever rejects a payout that waits does not overturn an approval that came meanwhile."""

    approved = forms.BooleanField(required=False, widget=forms.HiddenInput)


@page(OPERATORS, FORM, proof=True)
def reject(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title=f"Reject {money_text(row.amount)} to {row.beneficiary_name}?", action="Reject payout", danger=True,
        text=f"{money_text(row.held)} goes back to {row.merchant.name}, who is told your reason.",
        back=_address(row), facts=_facts(row),
    )

    def act(data: dict[str, Any]) -> Payout:
        return services.reject_payout(
            actor=request.actor, payout=row, reason=data["reason"], approved=data["approved"]
        )

    said = f"{money_text(row.amount)} to {row.beneficiary_name} is rejected."
    seen = {"approved": row.status == Status.APPROVED}
    return confirm(request, step, act, form=RejectForm, message=said, initial=seen)


@page(OPERATORS, FORM, proof=True)
def resolve(request: PanelRequest, public_id: str) -> HttpResponse:
    """Ends a flagged or unclear payout that is still with the bank, after somebody has asked the bank."""
    row = _visible(request.viewer, public_id)
    line = line_of(row)
    odd = row.get_flag_display() or (line.problem.removesuffix(".") if line else "") or "The bank's word is unclear"
    step = Step(
        title=f"Resolve {money_text(row.amount)} to {row.beneficiary_name}", action="Resolve", back=_address(row),
        text=f"{odd}. Ask the bank first: this books what you say. {row.merchant.name} can read your note.",
        facts=_facts(row),
    )

    def act(data: dict[str, Any]) -> Payout:
        return services.resolve_payout(
            actor=request.actor, payout=row, paid=data["paid"], utr=data["utr"], note=data["note"]
        )

    return confirm(request, step, act, form=ResolveForm, message="The payout is resolved.")


class ReturnedForm(PanelForm):
    utr = forms.CharField(
        label="UTR of the return", max_length=40, help_text="As the bank's statement shows the credit."
    )
    note = forms.CharField(
        label="Why it came back", max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The merchant reads it.",
    )


@page(OPERATORS, FORM, proof=True)
def returned(request: PanelRequest, public_id: str) -> HttpResponse:
    """Books that the bank gave back what it had paid, after somebody has seen the credit."""
    row = _visible(request.viewer, public_id)
    told = queries.told_return(row)
    told["note"] = told["note"][:LONGEST_NOTE]
    step = Step(
        title=f"Has the bank returned {money_text(row.amount)}?", action="The bank returned it", danger=True,
        text=f"Look at the bank's statement first: the whole {money_text(row.amount)} must be there again. "
        f"{money_text(row.held)}, the charge included, goes back to {row.merchant.name}, who is told that the payout "
        "failed. This cannot be taken back.",
        back=_address(row), facts=[*_facts(row), ("Paid with UTR", row.utr or "–")],
    )

    def act(data: dict[str, Any]) -> Payout:
        return services.return_payout(actor=request.actor, payout=row, utr=data["utr"], note=data["note"])

    said = f"{money_text(row.held)} is back in the available balance of {row.merchant.name}."
    return confirm(request, step, act, form=ReturnedForm, message=said, initial=told)


@page(OPERATORS, FORM)
def flag(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)

    def clear(note: str) -> None:
        services.clear_flag(actor=request.actor, payout=row, note=note)

    text = f"{row.get_flag_display()}."
    return confirm_looked_at(request, clear, text=text, back=_address(row), facts=_facts(row), what="payout")


def _address(row: Payout) -> str:
    return reverse("panel:payout", args=[row.public_id])


def _facts(row: Payout) -> list[tuple[str, object]]:
    return [
        ("Amount", money_text(row.amount)),
        ("Beneficiary", row.beneficiary_name),
        ("Account", f"{row.account_number}, {row.ifsc}"),
        ("Merchant", row.merchant.name),
        ("Asked for by", row.created_by.name if row.created_by else "–"),
    ]
