"""Credits that matched nothing: the queue, one credit with what it may belong to, and what an operator decides."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from gateway.lib.errors import InvalidFields
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.confirming import PlainNoteForm, Step, confirm
from gateway.panel.filters import MoneyFilter, PanelFilters, SearchFilter
from gateway.panel.forms import PanelForm
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, page_or_part
from gateway.panel.statements.files import reachable
from gateway.panel.statements.lists import AREA
from gateway.panel.words import money_text
from payments import queries as payment_queries
from payments.models import Payment, ReceivingAccount, StatementLine
from payments.receiving.queries import visible_accounts
from payments.statements import deciding, queries
from payments.statements.near import suggestions

Status = StatementLine.Status
QUEUE = ("Credits", "panel:statement-lines")


class LineFilters(PanelFilters):
    more = "Amounts"
    stays = ("status", "account")
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any status")
    account = django_filters.ModelChoiceFilter(
        queryset=ReceivingAccount.objects.none(), to_field_name="public_id", empty_label="Any account", label="Account"
    )
    min_amount = MoneyFilter(field_name="amount_minor", lookup_expr="gte", label="Amount from")
    max_amount = MoneyFilter(field_name="amount_minor", lookup_expr="lte", label="Amount to")

    def __init__(self, *args: Any, accounts: QuerySet[ReceivingAccount], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["account"].extra["queryset"] = accounts

    def search(self, rows: QuerySet[StatementLine], name: str, value: str) -> QuerySet[StatementLine]:
        text = value.strip()
        if "\0" in text:
            return rows.none()
        fields = ("utr", "payer_vpa", "narration", "payment__public_id", "public_id")
        found = Q()
        for field in fields:
            found |= Q(**{f"{field}__icontains": text})
        return rows.filter(found)


@page(OPERATORS)
def lines(request: PanelRequest) -> HttpResponse:
    """Unmatched ones unless the address asks for others."""
    asked = request.GET.copy()
    asked.setdefault("status", Status.UNMATCHED)
    accounts = visible_accounts(request.viewer)
    filters = LineFilters(data=asked, queryset=queries.visible_lines(request.viewer), accounts=accounts)
    shown = paginate(request, filters.rows)
    context = {
        "crumbs": crumbs(AREA, "Credits"), "filters": filters, "page": shown,
        "reachable": reachable(request.viewer, [line.payment_id for line in shown]),
    }
    return page_or_part(request, "panel/statements/lines.html", "panel/statements/_lines.html", context)


@page(OPERATORS)
def line(request: PanelRequest, public_id: str) -> HttpResponse:
    row = visible_line(request.viewer, public_id)
    is_open = row.status == Status.UNMATCHED
    proposals = queries.open_proposals(request.viewer).filter(line=row)
    context = {
        "crumbs": crumbs(AREA, QUEUE, row.utr or row.public_id), "line": row, "is_open": is_open,
        "suggestions": suggestions(row, request.viewer) if is_open else [],
        "proposal": proposals.first() if is_open else None,
        "reachable": reachable(request.viewer, [row.payment_id]),
    }
    return page_or_part(request, "panel/statements/line.html", "panel/statements/_line.html", context)


class AssignForm(PanelForm):
    payment = forms.CharField(
        label="Payment ID or order ID", max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    note = forms.CharField(max_length=200, required=False, widget=forms.Textarea(attrs={"rows": 2}))


@page(OPERATORS, FORM, proof=True)
def assign(request: PanelRequest, public_id: str) -> HttpResponse:
    row = visible_line(request.viewer, public_id)
    step = Step(
        title=f"Assign {money_text(row.amount)} to a payment?", action="Assign", back=_address(row), facts=_facts(row),
        text="The merchant is credited with this amount at once; above the limit when a second operator confirms it.",
    )

    def act(data: dict[str, Any]) -> None:
        payment = _payment(request.viewer, row, data["payment"].strip())
        deciding.assign_line(actor=request.actor, line=row, payment=payment, note=data["note"])

    initial = {"payment": request.GET.get("payment", "")}
    return confirm(request, step, act, form=AssignForm, initial=initial, message="The credit is assigned, or proposed.")


def _payment(viewer: Viewer, row: StatementLine, text: str) -> Payment:
    """Of payments to this very account, the one with that id, or of that order if it has one alone."""
    rows = payment_queries.visible_payments(viewer).filter(receiving_account=row.account.vpa)
    found = list(rows.filter(Q(public_id=text) | Q(order__reference=text) | Q(order__public_id=text))[:2])
    if len(found) != 1:
        raise InvalidFields(payment="is no payment to this account, or more than one: give the payment ID")
    return found[0]


@page(OPERATORS, FORM)
def give_back(request: PanelRequest, public_id: str) -> HttpResponse:
    return _put_aside(
        request, public_id, deciding.mark_refundable, "Return {} to its payer?", "To be returned",
        "It leaves the queue and is listed as to be returned. Send the money from the bank yourself.",
    )


@page(OPERATORS, FORM)
def ignore(request: PanelRequest, public_id: str) -> HttpResponse:
    return _put_aside(
        request, public_id, deciding.ignore_line, "Ignore {}?", "Ignore",
        "It is none of the payments' business, such as interest or a transfer of your own.",
    )


@page(OPERATORS, FORM)
def reopen(request: PanelRequest, public_id: str) -> HttpResponse:
    return _put_aside(
        request, public_id, deciding.reopen_line, "Put {} back into the queue?", "Put back",
        "It can be assigned again, and matches by itself if its payment turns up.",
    )


def _put_aside(
    request: PanelRequest, public_id: str, decide: Any, title: str, action: str, text: str
) -> HttpResponse:
    row = visible_line(request.viewer, public_id)
    step = Step(
        title=title.format(money_text(row.amount)), action=action, text=text, back=_address(row), facts=_facts(row)
    )

    def act(data: dict[str, Any]) -> None:
        decide(actor=request.actor, line=row, note=data["note"])

    return confirm(request, step, act, form=PlainNoteForm, message="Your note is kept with the credit.")


def visible_line(viewer: Viewer, public_id: str) -> StatementLine:
    return get_or_404(queries.visible_lines(viewer), public_id=public_id)


def _address(row: StatementLine) -> str:
    return reverse("panel:statement-line", args=[row.public_id])


def _facts(row: StatementLine) -> list[tuple[str, object]]:
    return [
        ("Amount", money_text(row.amount)), ("Day", f"{row.day:%d %b %Y}"), ("UTR", row.utr or "none"),
        ("Account", row.account.vpa), ("Narration", row.narration[:80] or "none"),
    ]
