"""The banks' formats: how a file is written and how the answer is read. Super admins keep them, operators see them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import get_or_404
from accounts.models import Role
from gateway.panel.access import FORM, OPERATORS, SUPER_ADMINS, PanelRequest, page
from gateway.panel.batches.lists import AREA
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import EditForm, PanelForm, carry_out
from gateway.panel.rendering import Crumb, crumbs, done
from payouts.batches import create_format, retire_format, update_format
from payouts.batches.formats import FIELD_NAMES, PLAIN_COLUMNS, PLAIN_RESULT, parse_columns
from payouts.models import BankFormat

_WORD_HELP = "Words of the status column, separated by commas."


class FormatForm(PanelForm):
    name = forms.CharField(max_length=60, help_text="Such as “HDFC, bulk upload”.")
    columns = forms.CharField(
        max_length=5000, widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "class": "textarea mono"}),
        label="Columns of the file", help_text="One a line: Title = template.",
    )
    reference_column = forms.CharField(max_length=80, help_text="The column with our reference or payout ID.")
    status_column = forms.CharField(max_length=80)
    utr_column = forms.CharField(max_length=80, label="UTR column")
    reason_column = forms.CharField(max_length=80, required=False)
    amount_column = forms.CharField(
        max_length=80, required=False, help_text="If the file has one: it must then equal the payout's amount."
    )
    processed = forms.CharField(max_length=500, label="Words for paid", help_text=_WORD_HELP)
    rejected = forms.CharField(max_length=500, label="Words for rejected", help_text=_WORD_HELP)
    pending = forms.CharField(
        max_length=500, label="Words for still under way", required=False, help_text="Any other word is unclear."
    )

    def result(self) -> dict[str, Any]:
        data = self.cleaned_data
        titles = {key: data[f"{key}_column"] for key in ("reference", "status", "utr", "reason", "amount")}
        return titles | {key: data[key].split(",") for key in ("processed", "rejected", "pending")}


class ChangeFormatForm(EditForm, FormatForm):
    pass


def _initial(columns: str, result: dict[str, Any], name: str = "") -> dict[str, Any]:
    titles = {f"{key}_column": result[key] for key in ("reference", "status", "utr", "reason", "amount")}
    words = {key: ", ".join(result[key]) for key in ("processed", "rejected", "pending")}
    return {"name": name, "columns": columns} | titles | words


@page(OPERATORS)
def formats(request: PanelRequest) -> HttpResponse:
    rows = BankFormat.objects.select_related("created_by").order_by("retired", "name")
    context = {
        "crumbs": crumbs(AREA, "Formats"), "may_keep": request.viewer.user.role == Role.SUPER_ADMIN,
        "formats": [(row, parse_columns(row.columns)) for row in rows], "plain": parse_columns(PLAIN_COLUMNS),
    }
    return render(request, "panel/batches/formats.html", context)


@page(SUPER_ADMINS, FORM, proof=True)
def new(request: PanelRequest) -> HttpResponse:
    form = FormatForm(request.POST or None, initial=_initial(PLAIN_COLUMNS, PLAIN_RESULT))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = carry_out(form, lambda: create_format(
            actor=request.actor, name=data["name"], columns=data["columns"], result=form.result()
        ))
        if made:
            return done(request, reverse("panel:bank-formats"), f"{made.name} can be used for batches now.")
    return _form_page(request, form, "New format")


@page(SUPER_ADMINS, FORM, proof=True)
def edit(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(BankFormat.objects.all(), public_id=public_id)
    form = ChangeFormatForm(request.POST or None, initial=_initial(row.columns, row.result, row.name))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        saved = carry_out(form, lambda: update_format(
            actor=request.actor, bank_format=row, name=data["name"], columns=data["columns"], result=form.result()
        ))
        if saved:
            return done(request, reverse("panel:bank-formats"), f"{saved.name} is changed.")
    return _form_page(request, form, row.name, row)


def _form_page(request: PanelRequest, form: FormatForm, title: str, row: BankFormat | None = None) -> HttpResponse:
    context = {
        "crumbs": [*crumbs(AREA), Crumb("Formats", reverse("panel:bank-formats")), Crumb(title)],
        "form": form, "title": title, "row": row, "field_names": [f"{{{name}}}" for name in FIELD_NAMES],
        "action": request.path,
    }
    bad = form.is_bound and not form.is_valid()
    return render(request, "panel/batches/format.html", context, status=422 if bad else 200)


@page(SUPER_ADMINS, FORM, proof=True)
def retire(request: PanelRequest, public_id: str) -> HttpResponse:
    row = get_or_404(BankFormat.objects.all(), public_id=public_id)
    step = Step(
        title=f"Retire {row.name}?", action="Retire", back=reverse("panel:bank-formats"),
        text="New batches are not offered it any more. Batches that have it keep it.",
    )

    def act(_: dict[str, Any]) -> None:
        retire_format(actor=request.actor, bank_format=row)

    return confirm(request, step, act, message=f"{row.name} is retired.")
