"""The list of batches with what waits for one, choosing payouts for a new one, and one batch with all its lines."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Left
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from accounts.models import Merchant
from gateway.lib.money import Money
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.filters import MoneyFilter, PanelFilters, SearchFilter
from gateway.panel.forms import PanelForm, carry_out
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, done, page_or_part
from payouts import queries as payout_queries
from payouts.banks import bank_of
from payouts.batches import open_batch, queries
from payouts.batches.formats import columns_of, result_mapping_of
from payouts.models import BankFormat, BatchLine, Payout, PayoutBatch
from payouts.providers import registry
from payouts.providers.bank_file import BANK_FILE

AREA = ("Bank files", "panel:batches")
Status = PayoutBatch.Status
_UNCLEAR_SHOWN = 20
# A form's boxes are counted by the framework, and nobody ticks more; the second button takes all that match.
_BOXES = 500


def visible(viewer: Viewer, public_id: str) -> PayoutBatch:
    return get_or_404(queries.visible_batches(viewer), public_id=public_id)


@page(OPERATORS)
def batches(request: PanelRequest) -> HttpResponse:
    viewer = request.viewer
    waiting = queries.batchable(viewer).order_by()
    context = {
        "crumbs": crumbs("Bank files"),
        "page": paginate(request, queries.visible_batches(viewer)),
        "waiting": waiting.count(),
        "waiting_sum": _sum(waiting),
        "unclear": queries.unclear(viewer).select_related("beneficiary")[:_UNCLEAR_SHOWN],
        "is_used": registry.is_used(BANK_FILE.name),
    }
    return render(request, "panel/batches/list.html", context)


def _sum(rows: QuerySet[Payout]) -> Money:
    return Money(rows.aggregate(total=Sum("amount_minor", default=0))["total"], "INR")


# A new one ----------------------------------------------------------------------------------------------
def _bank_choices(rows: QuerySet[Payout]) -> list[tuple[str, str]]:
    codes = rows.order_by().annotate(code=Left("ifsc", 4)).values_list("code", flat=True).distinct()
    return sorted(((code, bank_of(code) or code) for code in codes), key=lambda choice: choice[1])


class BatchableFilters(PanelFilters):
    q = SearchFilter(method="search")
    bank = django_filters.ChoiceFilter(method="of_bank", empty_label="Any bank", label="Bank")
    method = django_filters.ChoiceFilter(choices=Payout.Method.choices, empty_label="Any method")
    merchant = django_filters.ModelChoiceFilter(
        queryset=Merchant.objects.none(), to_field_name="public_id", empty_label="Any merchant"
    )
    min_amount = MoneyFilter(field_name="amount_minor", lookup_expr="gte", label="Amount from")
    max_amount = MoneyFilter(field_name="amount_minor", lookup_expr="lte", label="Amount to")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert self.queryset is not None
        self.filters["bank"].extra["choices"] = _bank_choices(self.queryset)
        # Only merchants that have something to choose; the rows are in the viewer's reach already.
        owners = self.queryset.order_by().values("merchant")
        self.filters["merchant"].extra["queryset"] = Merchant.objects.filter(pk__in=owners)

    def search(self, rows: QuerySet[Payout], name: str, value: str) -> QuerySet[Payout]:
        return payout_queries.search(rows, value)

    def of_bank(self, rows: QuerySet[Payout], name: str, value: str) -> QuerySet[Payout]:
        return rows.filter(ifsc__startswith=value)


class NewBatchForm(PanelForm):
    bank_format = forms.ModelChoiceField(
        BankFormat.objects.filter(retired=False).order_by("name"), to_field_name="public_id", required=False,
        label="Format of the file", empty_label="Plain",
    )
    note = forms.CharField(max_length=200, required=False, help_text="For your own people, such as “Friday, noon”.")


@page(OPERATORS, FORM)
def new(request: PanelRequest) -> HttpResponse:
    """The filters stand in the address, also when the form is sent: one of its buttons takes all that match."""
    filters = BatchableFilters.narrow(request, queries.batchable(request.viewer))
    form = NewBatchForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        made = carry_out(form, lambda: _open(request, filters.rows, form.cleaned_data))
        if made:
            return done(request, reverse("panel:batch", args=[made.public_id]), "The batch is open. Check its lines.")
    rows = filters.rows
    context = {
        "crumbs": crumbs(AREA, "New batch"), "filters": filters, "form": form, "rows": rows[:_BOXES],
        "count": rows.count(), "total": _sum(rows.order_by()), "boxes": _BOXES,
        "most": settings.PAYOUT_BATCH_MAX_LINES,
    }
    bad = form.is_bound
    return render(request, "panel/batches/new.html", context, status=422 if bad else 200)


def _open(request: PanelRequest, matching: QuerySet[Payout], data: dict[str, Any]) -> PayoutBatch:
    chosen: list[str] = request.POST.getlist("payout")
    if "all" in request.POST:
        chosen = list(matching.values_list("public_id", flat=True)[: settings.PAYOUT_BATCH_MAX_LINES])
    return open_batch(
        actor=request.actor, mode=request.viewer.mode, bank_format=data["bank_format"], note=data["note"],
        payout_ids=[public_id for public_id in chosen if "\0" not in public_id],
    )


# One batch ----------------------------------------------------------------------------------------------
_STATES = {
    "unclear": Q(payout__status=Payout.Status.PROCESSING, payout__provider_state="unknown"),
    "waiting": Q(payout__status__in=[Payout.Status.APPROVED, Payout.Status.PROCESSING]),
    "paid": Q(payout__status=Payout.Status.PROCESSED),
    "rejected": Q(payout__status=Payout.Status.FAILED),
}


@page(OPERATORS)
def batch(request: PanelRequest, public_id: str) -> HttpResponse:
    row = visible(request.viewer, public_id)
    state = request.GET.get("state", "")
    lines = queries.lines_of(row)
    context = {
        "crumbs": crumbs(AREA, "Batch"),
        "batch": row,
        "total": Money(row.total_minor, "INR"),  # type: ignore[attr-defined]
        "page": paginate(request, lines.filter(_STATES[state], live=True) if state in _STATES else lines, 50),
        "state": state if state in _STATES else "",
        "counts": _counts(row),
        "exports": row.exports.select_related("created_by").defer("content").order_by("-id"),
        "results": row.results.select_related("uploaded_by").defer("content", "rows", "report").order_by("-id"),
        "timeline": queries.batch_timeline(row),
        "columns": columns_of(row),
        "mapping": result_mapping_of(row),
        "is_open": row.status == Status.OPEN,
        "may_export": row.status in (Status.OPEN, Status.EXPORTED),
        "may_send": row.status == Status.EXPORTED,
        "is_sent": row.status == Status.SENT,
    }
    return page_or_part(request, "panel/batches/detail.html", "panel/batches/_lines.html", context)


def _counts(row: PayoutBatch) -> list[tuple[str, str, int]]:
    """(state, word, count) for the tabs above the lines."""
    live = BatchLine.objects.filter(batch=row, live=True)
    words = (("unclear", "Unclear"), ("waiting", "Waiting"), ("paid", "Paid"), ("rejected", "Rejected"))
    return [(state, word, live.filter(_STATES[state]).count()) for state, word in words]
