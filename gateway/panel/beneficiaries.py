"""Whom merchants pay: the list with what has reached each, one beneficiary with its payouts, and blocking."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from accounts.models import Role
from gateway.lib.money import Money
from gateway.panel.access import FORM, MERCHANTS, OPERATORS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.filters import PanelFilters, SearchFilter
from gateway.panel.lists import paginate
from gateway.panel.payments import ReasonForm
from gateway.panel.rendering import crumbs, page_or_part
from gateway.panel.words import count_text, money_text
from payouts import queries, services
from payouts.models import Beneficiary

_READERS = (*OPERATORS, *MERCHANTS)
_AREA = ("Beneficiaries", "panel:beneficiaries")
Status = Beneficiary.Status


class BeneficiaryFilters(PanelFilters):
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any status")
    known = django_filters.ChoiceFilter(
        choices=[("new", "Never paid"), ("paid", "Paid before")], method="of_known", empty_label="Paid or not",
        label="Paid before",
    )

    def search(self, rows: QuerySet[Beneficiary], name: str, value: str) -> QuerySet[Beneficiary]:
        return queries.search_beneficiaries(rows, value)

    def of_known(self, rows: QuerySet[Beneficiary], name: str, value: str) -> QuerySet[Beneficiary]:
        return rows.filter(last_paid_at__isnull=value == "new")


@page(_READERS)
def beneficiaries(request: PanelRequest) -> HttpResponse:
    filters = BeneficiaryFilters.narrow(request, queries.visible_beneficiaries(request.viewer))
    context = {"crumbs": crumbs("Beneficiaries"), "filters": filters, "page": paginate(request, filters.rows)}
    return page_or_part(request, "panel/beneficiaries/list.html", "panel/beneficiaries/_results.html", context)


@page(_READERS)
def beneficiary(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    user, blocked = request.viewer.user, row.status == Status.BLOCKED
    payouts = queries.visible_payouts(request.viewer).filter(beneficiary=row)
    context = {
        "crumbs": crumbs(_AREA, row.name),
        "beneficiary": row,
        "page": paginate(request, payouts),
        "figures": _figures(row),
        "timeline": queries.beneficiary_timeline(row),
        "may_block": not blocked,
        "may_unblock": blocked and user.is_operator,
        "is_blocked": blocked,
        "is_merchant": user.role == Role.MERCHANT,
    }
    return render(request, "panel/beneficiaries/detail.html", context)


def _figures(row: Beneficiary) -> list[dict[str, str]]:
    asked, paid, total = row.asked_count, row.paid_count, row.paid_minor  # type: ignore[attr-defined]
    return [
        {"label": "Paid in all", "value": money_text(Money(total, "INR"))},
        {"label": "Payouts paid", "value": count_text(paid), "note": f"of {count_text(asked)} asked for"},
    ]


def _visible(viewer: Viewer, public_id: str) -> Beneficiary:
    return get_or_404(queries.visible_beneficiaries(viewer), public_id=public_id)


@page(_READERS, FORM)
def block(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title=f"Block {row.name}?", action="Block", danger=True, back=_address(row), facts=_facts(row),
        text="No new payout to this account is taken, none that waits is approved, and none goes into a batch.",
    )

    def act(data: dict[str, Any]) -> Beneficiary:
        return services.block_beneficiary(actor=request.actor, beneficiary=row, reason=data["reason"])

    return confirm(request, step, act, form=ReasonForm, message=f"{row.name} is blocked.")


@page(OPERATORS, FORM, proof=True)
def unblock(request: PanelRequest, public_id: str) -> HttpResponse:
    row = _visible(request.viewer, public_id)
    step = Step(
        title=f"Unblock {row.name}?", action="Unblock", back=_address(row), facts=_facts(row),
        text="Payouts to this account are taken again.",
    )

    def act(data: dict[str, Any]) -> Beneficiary:
        return services.unblock_beneficiary(actor=request.actor, beneficiary=row, reason=data["reason"])

    return confirm(request, step, act, form=ReasonForm, message=f"{row.name} is unblocked.")


def _address(row: Beneficiary) -> str:
    return reverse("panel:beneficiary", args=[row.public_id])


def _facts(row: Beneficiary) -> list[tuple[str, object]]:
    return [("Account", f"{row.account_number}, {row.ifsc}"), ("Merchant", row.merchant.name)]
