"""Payments: the list with its filters, one payment with everything about it, and what may be done to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Viewer, get_or_404, team_merchants
from accounts.models import Merchant, Role, User
from accounts.operators import MAY_DECIDE_OWN, is_own
from gateway.lib.money import Money
from gateway.panel.access import EVERYONE, FORM, MERCHANTS, OPERATORS, PanelRequest, page
from gateway.panel.confirming import OnceForm, Step, confirm, confirm_looked_at, only_once
from gateway.panel.filters import DayFilter, FlagFilter, MoneyFilter, PanelFilters, SearchFilter
from gateway.panel.forms import MoneyField, PanelForm, carry_out
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, done, page_or_part
from gateway.panel.words import money_text
from ledger.models import Entry
from ledger.queries import entries_about
from payments import queries, services
from payments.corrections.queries import visible_corrections
from payments.models import Contract, Payment, Refund
from payments.receiving.queries import account_of
from payments.services.operators import can_be_captured_by_hand, needs_second_operator
from payments.services.refunds import can_be_resolved
from payments.services.steps import page_address
from payments.statements.queries import proposal_of
from webhooks.models import Delivery
from webhooks.queries import deliveries

Status = Payment.Status
REFERENCE = RegexValidator(r"^[A-Za-z0-9._-]{1,64}\Z", "Use 1 to 64 letters, digits, dots, hyphens and underscores.")


class PaymentFilters(PanelFilters):
    more = "Dates, amounts and more"
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any status")
    method = django_filters.ChoiceFilter(choices=Payment.Method.choices, empty_label="Any method")
    from_day = DayFilter("From")
    to_day = DayFilter("To", through=True)
    min_amount = MoneyFilter(field_name="gross_minor", lookup_expr="gte", label="Amount from")
    max_amount = MoneyFilter(field_name="gross_minor", lookup_expr="lte", label="Amount to")
    odd = FlagFilter()

    def search(self, rows: QuerySet[Payment], name: str, value: str) -> QuerySet[Payment]:
        return queries.search(rows, value)


@page(EVERYONE)
def payments(request: PanelRequest) -> HttpResponse:
    filters = PaymentFilters.narrow(request, queries.with_gross(queries.visible_payments(request.viewer)))
    context = {
        "crumbs": crumbs("Payments"),
        "filters": filters,
        "page": paginate(request, filters.rows),
        "may_create": _may_create(request.viewer),
    }
    return page_or_part(request, "panel/payments/list.html", "panel/payments/_results.html", context)


def _may_create(viewer: Viewer) -> bool:
    """Whoever has a merchant to create for; an operator names one of the team."""
    return not viewer.user.is_operator or team_merchants(viewer.user).exists()


@page(EVERYONE)
def payment(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    user = request.viewer.user
    refunds = list(queries.visible_refunds(request.viewer).filter(payment=row))
    refundable = row.refundable()
    context = {
        "crumbs": crumbs(("Payments", "panel:payments"), row.order.reference or row.public_id),
        "payment": row,
        "refunds": refunds,
        "timeline": queries.timeline(row),
        "entries": _entries(request.viewer, row, refunds),
        "deliveries": _deliveries(request.viewer, row, refunds),
        "pay_link": _link_to_send(row),
        "is_moving": row.status == Status.PROCESSING or any(r.status == Refund.Status.PENDING for r in refunds),
        "may_succeed": _may_decide(user, row) and row.status != Status.SUCCEEDED,
        "may_capture": _may_decide(user, row) and can_be_captured_by_hand(row),
        "may_fail": _may_decide(user, row) and row.status in (Status.CREATED, Status.PROCESSING),
        "may_refund": user.role != Role.API_USER and refundable > 0,
        "charged_back": row.charged_back(),
        "corrections": visible_corrections(request.viewer).filter(payment=row),
        "disputes": row.disputes.exclude(problem="") if user.is_operator else [],
        "refundable": Money(refundable, row.currency),
        "proposal": proposal_of(row) if user.is_operator else None,
        "account": account_of(row) if user.is_operator else None,
        "may_look_at": _may_decide(user, row),
        "refunds_to_resolve": _to_resolve(user, refunds),
    }
    return page_or_part(request, "panel/payments/detail.html", "panel/payments/_record.html", context)


def _waits_for_payer(row: Payment) -> bool:
    return row.status == Status.CREATED and (row.expires_at is None or row.expires_at > timezone.now())


def _link_to_send(row: Payment) -> str:
    """Empty once there is nothing left for the payer to do."""
    if row.awaits_bank_step:
        return page_address(row)
    return pay_link(row) if _waits_for_payer(row) else ""


def pay_link(payment: Payment) -> str:
    return f"{settings.PUBLIC_URL}/pay/{payment.page_token}"


def _visible(viewer: Viewer, public_id: str) -> Payment:
    return get_or_404(queries.visible_payments(viewer), public_id=public_id)


def _may_decide(user: User, row: Payment | Refund) -> bool:
    """What the buttons go by; `payments.services` keeps the rule."""
    return user.is_operator and not is_own(user, row, MAY_DECIDE_OWN)


def _to_resolve(user: User, refunds: Sequence[Refund]) -> list[Refund]:
    """Those of which this one may say whether they were sent."""
    return [refund for refund in refunds if can_be_resolved(refund) and _may_decide(user, refund)]


def _entries(viewer: Viewer, row: Payment, refunds: Sequence[Refund]) -> list[Entry]:
    """Booked lines of this payment and its refunds. An api_user has no ledger."""
    if viewer.user.role == Role.API_USER:
        return []
    return [entry for subject in _subjects(row, refunds) for entry in entries_about(subject)]


def _deliveries(viewer: Viewer, row: Payment, refunds: Sequence[Refund]) -> QuerySet[Delivery]:
    return deliveries(viewer).filter(event__subject__in=_subjects(row, refunds))[:20]


def _subjects(row: Payment, refunds: Sequence[Refund]) -> list[str]:
    """What postings and events about this payment are about."""
    return [row.public_id, *(refund.public_id for refund in refunds)]


# Creating -----------------------------------------------------------------------------------------------
class NewPaymentForm(PanelForm):
    """`merchant` is asked of operators only."""

    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), empty_label="Choose a merchant", to_field_name="public_id"
    )
    amount = MoneyField(help_text="Rupees, such as 500 or 499.50.")
    order_id = forms.CharField(
        label="Order ID", max_length=64, validators=[REFERENCE], help_text="Your own number of this sale; used once."
    )
    method = forms.ChoiceField(choices=Payment.Method.choices)
    payer = forms.CharField(max_length=120, required=False)
    email = forms.EmailField(max_length=254, required=False)
    phone = forms.CharField(max_length=20, required=False)
    redirect_url = forms.URLField(
        label="Return address", required=False, max_length=2000, assume_scheme="https",
        help_text="Where the payer's browser goes after paying.",
    )

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        narrow_merchants(self, viewer)


def narrow_merchants(form: forms.Form, viewer: Viewer) -> None:
    """An operator chooses among the merchants in reach; nobody else is asked."""
    if not viewer.user.is_operator:
        del form.fields["merchant"]
        return
    choice = form.fields["merchant"]
    assert isinstance(choice, forms.ModelChoiceField)
    choice.queryset = team_merchants(viewer.user).order_by("name")


def merchant_for(viewer: Viewer, data: dict[str, Any]) -> Merchant:
    """The one chosen by an operator, or the user's own."""
    merchant = data.get("merchant") or viewer.user.merchant
    assert isinstance(merchant, Merchant)
    return merchant


@page(EVERYONE, FORM)
def new(request: PanelRequest) -> HttpResponse:
    form = NewPaymentForm(request.POST or None, viewer=request.viewer)
    if request.method == "POST" and form.is_valid():
        made = carry_out(form, lambda: _create(request, form.cleaned_data))
        if made:
            link = "Share its link with the payer."
            return done(request, reverse("panel:payment", args=[made.public_id]), f"Payment created. {link}")
    context = {"crumbs": crumbs(("Payments", "panel:payments"), "New payment"), "form": form}
    return render(request, "panel/payments/new.html", context, status=422 if form.is_bound else 200)


def _create(request: PanelRequest, data: dict[str, Any]) -> Payment:
    return services.create_payment(
        actor=request.actor, merchant=merchant_for(request.viewer, data), mode=request.viewer.mode,
        contract=Contract.PORTAL, amount=data["amount"], reference=data["order_id"], method=data["method"],
        payer_name=data["payer"], payer_email=data["email"], payer_phone=data["phone"],
        redirect_url=data["redirect_url"], created_by=request.viewer.user,
    )


# Deciding -----------------------------------------------------------------------------------------------
class SucceededForm(PanelForm):
    utr = forms.CharField(label="UTR", max_length=40, help_text="The bank's reference of the money you have seen.")
    received = MoneyField(
        label="Amount received", required=False, help_text="Only if it is not the amount that was asked for."
    )


class ReasonForm(PanelForm):
    reason = forms.CharField(max_length=200, widget=forms.Textarea(attrs={"rows": 3}))


class RefundForm(OnceForm):
    amount = MoneyField()
    reason = forms.CharField(max_length=200, required=False)


@page(OPERATORS, FORM, proof=True)
def succeeded(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title=f"Mark {money_text(row.amount)} as received?", action="Mark as succeeded", back=_address(row),
        text="The merchant is credited at once. Do this only when you have seen the money on the statement.",
        facts=_facts(row),
    )

    def proposes(data: dict[str, Any]) -> bool:
        """Above a limit one operator's word is a proposal."""
        return needs_second_operator(row, data["received"].minor if data["received"] else row.amount_minor)

    def act(data: dict[str, Any]) -> None:
        do = services.propose_match if proposes(data) else services.mark_succeeded
        do(actor=request.actor, payment=row, utr=data["utr"], received=data["received"])

    def message(data: dict[str, Any]) -> str:
        return f"{row.public_id} {'waits for a second operator' if proposes(data) else 'is marked as succeeded'}."

    return confirm(request, step, act, form=SucceededForm, message=message)


@page(OPERATORS, FORM, proof=True)
def failed(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title=f"Mark {money_text(row.amount)} as failed?", action="Mark as failed", back=_address(row), danger=True,
        text="The payment ends, and the merchant is told your reason.", facts=_facts(row),
    )

    def act(data: dict[str, Any]) -> Payment:
        return services.mark_failed(actor=request.actor, payment=row, reason=data["reason"])

    return confirm(request, step, act, form=ReasonForm, message=f"{row.public_id} is marked as failed.")


@page(OPERATORS, FORM, proof=True)
def capture(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title=f"Book {money_text(row.gross)}?", action="Book it", back=_address(row),
        text="The merchant is credited at once, less the fee. Look first whether the money still lies in the account: "
             "its payer may have had it back by hand.",
        facts=_facts(row),
    )

    def act(data: dict[str, Any]) -> Payment:
        return services.capture_proven(actor=request.actor, payment=row)

    return confirm(request, step, act, message=f"{row.public_id} is booked.")


@page((*MERCHANTS, *OPERATORS), FORM, proof=True)
def refund(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    left = Money(row.refundable(), row.currency)
    step = Step(
        title=f"Refund {row.payer_name or 'the payer'}?", action="Refund", back=_address(row), danger=True,
        text=f"Up to {money_text(left)} can go back. It leaves the merchant's available balance at once.",
        facts=_facts(row),
    )

    def act(data: dict[str, Any]) -> Refund:
        with only_once(data["once"]):
            return services.create_refund(
                actor=request.actor, payment=row, amount=data["amount"], reason=data["reason"],
                created_by=request.viewer.user,
            )

    initial = {"amount": str(left)}
    return confirm(request, step, act, form=RefundForm, initial=initial, message="The refund is on its way.")


@page(OPERATORS, FORM)
def flag(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)

    def clear(note: str) -> None:
        services.clear_flag(actor=request.actor, record=row, note=note)

    text = f"{row.get_flag_display()}."
    return confirm_looked_at(request, clear, text=text, back=_address(row), facts=_facts(row), what="payment")


def _address(row: Payment) -> str:
    return reverse("panel:payment", args=[row.public_id])


def _facts(row: Payment) -> list[tuple[str, object]]:
    """What a dialog names: amount, who pays whom, and the number both sides know it by."""
    return [
        ("Amount", money_text(row.amount)),
        ("Payer", row.payer_name or row.vpa or "not given"),
        ("Merchant", row.merchant.name),
        ("Order ID", row.order.reference or row.order.public_id),
    ]
