"""Four eyes: proposals that wait for a second operator; and refunds that were sent by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.confirming import PlainNoteForm, Step, confirm
from gateway.panel.words import money_text
from payments import queries as payment_queries
from payments import services
from payments.models import MatchProposal, Payment, Refund
from payments.statements import queries


class SentForm(PlainNoteForm):
    paid = forms.ChoiceField(
        label="What became of it", choices=[("yes", "The money was sent"), ("no", "It was not sent, and will not be")],
        widget=forms.RadioSelect,
    )
    field_order = ("paid", "note")


@page(OPERATORS, FORM, proof=True)
def confirm_proposal(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title=f"Confirm that {money_text(row.received)} arrived?", action="Confirm", back=_address(row.payment),
        facts=_facts(row),
        text="You are the second operator. Confirm it only if you have seen the money on the statement yourself.",
    )

    def act(data: dict[str, Any]) -> None:
        services.confirm_match(actor=request.actor, proposal=row)

    return confirm(request, step, act, message=f"{row.payment.public_id} is marked as succeeded.")


@page(OPERATORS, FORM)
def withdraw(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title="Withdraw this proposal?", action="Withdraw", back=_address(row.payment), facts=_facts(row), danger=True,
        text="Nothing is booked, and the payment goes on waiting.",
    )

    def act(data: dict[str, Any]) -> None:
        services.withdraw_match(actor=request.actor, proposal=row, note=data["note"])

    return confirm(request, step, act, form=PlainNoteForm, message="The proposal is withdrawn.")


@page(OPERATORS, FORM, proof=True)
def resolve_refund(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(payment_queries.visible_refunds(request.viewer), public_id=public_id)
    amount = money_text(row.amount)
    step = Step(
        title=f"Was the refund of {amount} sent?", action="Say so", back=_address(row.payment),
        facts=_refund_facts(row),
        text="The money is held. It leaves the books if it was sent, and goes back to the merchant if it was not. "
             "The merchant can read your note.",
    )

    def act(data: dict[str, Any]) -> None:
        services.resolve_refund(actor=request.actor, refund=row, paid=data["paid"] == "yes", note=data["note"])

    return confirm(request, step, act, form=SentForm, message=f"The refund of {amount} has ended.")


def _visible(viewer: Viewer, public_id: str) -> MatchProposal:
    return get_or_404(queries.open_proposals(viewer), public_id=public_id)


def _address(payment: Payment) -> str:
    return reverse("panel:payment", args=[payment.public_id])


def _facts(row: MatchProposal) -> list[tuple[str, object]]:
    payment = row.payment
    return [
        ("Received", money_text(row.received)), ("Asked for", money_text(payment.amount)), ("UTR", row.utr or "none"),
        ("Merchant", payment.merchant.name), ("Order ID", payment.order.reference or payment.order.public_id),
        ("Proposed by", row.proposed_by.name),
    ]


def _refund_facts(row: Refund) -> list[tuple[str, object]]:
    payment = row.payment
    return [
        ("Amount", money_text(row.amount)), ("To", payment.vpa or payment.payer_name or "the payer of the UTR"),
        ("UTR of the payment", payment.utr or "none"), ("Order ID", payment.order.reference or payment.order.public_id),
    ]
