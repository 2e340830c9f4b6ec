"""What operators decide about a withdrawal. Nobody is offered it for one of their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse

from accounts.actors import get_or_404, team_merchants
from crypto.models import Withdrawal
from crypto.services.withdrawal_deciding import approve_withdrawal, reject_withdrawal
from crypto.services.withdrawal_limits import daily_limit_of, set_daily_limit
from gateway.lib.money import Money
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import MoneyField, PanelForm
from gateway.panel.payments import ReasonForm
from gateway.panel.withdrawals.listing import visible
from gateway.panel.words import money_text


@page(OPERATORS, FORM, proof=True)
def approve(request: PanelRequest, pk: int) -> HttpResponse:
    row = visible(request.viewer, pk)
    step = Step(
        title=f"Approve {money_text(row.amount)} of {row.merchant.name}?", action=f"Approve {money_text(row.amount)}",
        text="It is sent at once. What is on a chain cannot be taken back.", back=_address(row), facts=_facts(row),
    )

    def act(_: dict[str, Any]) -> Withdrawal:
        return approve_withdrawal(actor=request.actor, withdrawal=row)

    return confirm(request, step, act, message=f"Withdrawal {row.pk} of {money_text(row.amount)} is approved.")


@page(OPERATORS, FORM, proof=True)
def reject(request: PanelRequest, pk: int) -> HttpResponse:
    row = visible(request.viewer, pk)
    step = Step(
        title=f"Reject {money_text(row.amount)} of {row.merchant.name}?", action="Reject withdrawal", danger=True,
        text=f"{money_text(row.amount)} goes back to the available balance. The merchant sees your reason.",
        back=_address(row), facts=_facts(row),
    )

    def act(data: dict[str, Any]) -> Withdrawal:
        return reject_withdrawal(actor=request.actor, withdrawal=row, reason=data["reason"])

    return confirm(request, step, act, form=ReasonForm, message=f"Withdrawal {row.pk} is rejected.")


class LimitForm(PanelForm):
    limit = MoneyField(currency="USDT", label="Tokens a day", required=False, help_text="Empty: the usual limit.")
    stop = forms.BooleanField(label="Allow no withdrawals at all", required=False)


@page(OPERATORS, FORM, proof=True)
def limit(request: PanelRequest, public_id: str) -> HttpResponse:
    """A merchant's own limit for a day."""
    merchant = get_or_404(team_merchants(request.viewer.user), public_id=public_id)
    present = daily_limit_of(merchant)
    own = merchant.withdrawal_daily_limit_minor
    step = Step(
        title=f"How much may {merchant.name} withdraw in a day?", action="Save limit",
        text="USDT and USDC together, in both modes, from midnight to midnight UTC.", back=reverse("panel:withdrawals"),
        facts=[("Now", f"{Money(present, 'USDT').decimal:,.2f} tokens" if present is not None else "No limit")],
    )

    def act(data: dict[str, Any]) -> None:
        minor = 0 if data["stop"] else data["limit"].minor if data["limit"] else None
        set_daily_limit(actor=request.actor, merchant=merchant, minor=minor)

    initial = {"limit": f"{Money(own, 'USDT').decimal.normalize():f}" if own else "", "stop": own == 0}
    return confirm(request, step, act, form=LimitForm, message="The limit is saved.", initial=initial)


def _address(row: Withdrawal) -> str:
    return reverse("panel:withdrawal", args=[row.pk])


def _facts(row: Withdrawal) -> list[tuple[str, object]]:
    rupees = money_text(Money(row.inr_minor, "INR"))
    where: list[tuple[str, object]] = [("Rupees", rupees), ("To", "Settlement account")]
    if row.network is not None and row.address:
        where = [("Network", row.network.name), ("To", row.address)]
    return [
        ("Amount", money_text(row.amount)), ("Fee", money_text(Money(row.fee_minor, row.currency))),
        ("Sent", money_text(row.net)), *where, ("Merchant", row.merchant.name),
        ("Asked for by", row.created_by.name if row.created_by else "–"),
    ]
