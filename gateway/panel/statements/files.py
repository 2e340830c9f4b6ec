"""One statement: uploaded, read by a mapping, seen as what it would do, imported with its progress shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import Viewer
from gateway.lib.errors import GatewayError
from gateway.lib.money import Money
from gateway.lib.tables import find_header
from gateway.panel.access import FORM, OPERATORS, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import PanelForm, carry_out
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, done, page_or_part
from gateway.panel.statements.lists import AREA, visible
from gateway.panel.words import count_text, money_text
from payments import queries as payment_queries
from payments.models import ReceivingAccount, Statement, StatementFormat, StatementLine
from payments.receiving.queries import visible_accounts
from payments.statements import queries
from payments.statements.importing import discard_statement, map_statement, rows_of, start_import, upload_statement
from payments.statements.mapping import DAY_FORMATS, DEFAULT_PATTERN, Mapping
from payments.statements.preview import Preview, preview

Status = Statement.Status
_NONE = ("", "None")
_COLUMNS = ("day", "credit", "debit", "amount", "kind", "utr", "narration", "payer")


class UploadForm(PanelForm):
    account = forms.ModelChoiceField(
        ReceivingAccount.objects.none(), label="Receiving account", empty_label=None, to_field_name="public_id",
        help_text="Whose statement this is. Credits are only matched with payments to this UPI ID.",
    )
    file = forms.FileField(
        help_text="CSV or XLSX, as the bank gives it.", widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"})
    )
    form = forms.ModelChoiceField(
        StatementFormat.objects.none(), label="Read it as", required=False, to_field_name="name",
        empty_label="As this account's last one, or a guess",
    )

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows in (("account", visible_accounts(viewer)), ("form", queries.formats())):
            choice = self.fields[name]
            assert isinstance(choice, forms.ModelChoiceField)
            choice.queryset = rows


class MappingForm(PanelForm):
    """`titles` are the header's of this very file."""

    day = forms.ChoiceField(label="Date")
    credit = forms.ChoiceField(label="Credits", required=False)
    debit = forms.ChoiceField(label="Debits", required=False)
    amount = forms.ChoiceField(label="Amounts, both ways", required=False, help_text="Where one column has both.")
    kind = forms.ChoiceField(label="Dr or Cr", required=False, help_text="Beside amounts without a sign.")
    utr = forms.ChoiceField(label="UTR or reference", required=False)
    narration = forms.ChoiceField(required=False)
    payer = forms.ChoiceField(label="Payer's UPI ID", required=False, help_text="Else looked for in the narration.")
    day_format = forms.ChoiceField(label="Dates are written", choices=[(name, name) for name in DAY_FORMATS])
    decimals = forms.ChoiceField(label="Paise follow", choices=[(".", "a point: 1,234.50"), (",", "a comma: 1.234,50")])
    utr_pattern = forms.CharField(
        label="Pattern of the UTR", required=False, max_length=120,
        help_text=f"A regular expression with one group. Empty: the whole cell, else twelve digits: {DEFAULT_PATTERN}",
    )
    save_as = forms.CharField(
        label="Keep this mapping as", required=False, max_length=60, help_text="Such as the bank's name."
    )

    def __init__(self, *args: Any, titles: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in _COLUMNS:
            said = kwargs.get("initial", {}).get(name, "")
            known = titles if said in ("", *titles) else [*titles, said]
            choice = self.fields[name]
            assert isinstance(choice, forms.ChoiceField)
            choice.choices = [_NONE, *((title, title) for title in known)]


@page(OPERATORS, FORM)
def upload(request: PanelRequest) -> HttpResponse:
    initial = {"account": request.GET.get("account", "")}
    values = (request.POST, request.FILES) if request.method == "POST" else ()
    form = UploadForm(*values, viewer=request.viewer, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = carry_out(form, lambda: upload_statement(
            actor=request.actor, account=data["account"], form=data["form"],
            name=data["file"].name.replace("\0", ""), content=data["file"].read(),
        ))
        if made:
            return done(request, _address(made))
    has_accounts = visible_accounts(request.viewer).exists()
    context = {"crumbs": crumbs(AREA, "New statement"), "form": form, "has_accounts": has_accounts}
    return render(request, "panel/statements/upload.html", context, status=422 if form.is_bound else 200)


@page(OPERATORS, FORM)
def statement(request: PanelRequest, public_id: str) -> HttpResponse:
    row = visible(request.viewer, public_id)
    if row.status == Status.UPLOADED:
        return _draft(request, row)
    lines = queries.visible_lines(request.viewer).filter(statement=row).order_by("number")
    status = request.GET.get("status", "")
    shown = paginate(request, lines.filter(status=status) if status in StatementLine.Status.values else lines, 50)
    context = {
        "crumbs": crumbs(AREA, row.name), "statement": row, "page": shown, "is_moving": row.status == Status.IMPORTING,
        "figures": _figures_of(row), "shown_status": status, "statuses": StatementLine.Status.choices,
        "reachable": reachable(request.viewer, [line.payment_id for line in shown]),
    }
    return page_or_part(request, "panel/statements/detail.html", "panel/statements/_record.html", context)


def _draft(request: PanelRequest, row: Statement) -> HttpResponse:
    """The mapping, and what the file would do by it. A mapping that does not fit is kept on the page, not stored."""
    titles = _titles(row)
    initial = (row.mapping or {}) | {"save_as": row.format_name}
    form = MappingForm(request.POST or None, titles=titles, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        save_as = data.pop("save_as")
        if carry_out(form, lambda: map_statement(
            actor=request.actor, statement=row, mapping=Mapping(**data), save_as=save_as
        )):
            return done(request, _address(row), "Read anew. Check the lines below.")
    seen, problem = (None, "") if form.is_bound else _preview(row)
    paid = [one.payment.pk for one in seen.credits if one.payment] if seen else []
    context = {
        "crumbs": crumbs(AREA, row.name), "statement": row, "form": form, "preview": seen, "problem": problem,
        "figures": _figures(seen) if seen else [],
        "reachable": reachable(request.viewer, paid),
    }
    return render(request, "panel/statements/draft.html", context, status=422 if form.is_bound else 200)


def _titles(row: Statement) -> list[str]:
    rows = rows_of(row)
    header = find_header(rows)
    found = [" ".join(cell.split()) for cell in rows[header]] if header is not None else []
    return list(dict.fromkeys(title for title in found if title))


def _preview(row: Statement) -> tuple[Preview | None, str]:
    try:
        return preview(row), ""
    except GatewayError as error:
        fields = error.details.get("fields", {})
        return None, "; ".join(str(text) for text in fields.values()) or error.message


def _figures(seen: Preview) -> list[dict[str, str]]:
    total = money_text(Money(seen.credited_minor, "INR"))
    return [
        {"label": "Credits", "value": count_text(seen.total), "note": total},
        {"label": "New", "value": count_text(seen.new), "note": f"{count_text(seen.duplicates)} known already"},
        {"label": "Would match", "value": count_text(seen.would_match), "note": "by UTR and amount"},
        {"label": "Unclear rows", "value": count_text(seen.problem_count), "note": "left out"},
        {"label": "Debits", "value": count_text(seen.debits), "note": "left out"},
    ]


def _figures_of(row: Statement) -> list[dict[str, str]]:
    counts = {status: row.lines.filter(status=status).count() for status in StatementLine.Status.values}
    aside = counts["refundable"] + counts["ignored"]
    return [
        {"label": "New credits", "value": count_text(row.new), "note": f"{count_text(row.duplicates)} known already"},
        {"label": "Matched", "value": count_text(counts["matched"]), "note": "to payments"},
        {"label": "Unmatched", "value": count_text(counts["unmatched"]), "note": "wait for you"},
        {"label": "Put aside", "value": count_text(aside), "note": "to be returned, or ignored"},
        {"label": "Debits", "value": count_text(row.debits), "note": f"{count_text(row.problems)} rows unclear"},
    ]


def reachable(viewer: Viewer, payments: Sequence[int | None]) -> set[int]:
    """Of these payments, those that the viewer may open: one account serves merchants of several teams."""
    rows = payment_queries.visible_payments(viewer).filter(pk__in=[pk for pk in payments if pk])
    return set(rows.order_by().values_list("pk", flat=True))


@page(OPERATORS, FORM, proof=True)
def start(request: PanelRequest, public_id: str) -> HttpResponse:
    row = visible(request.viewer, public_id)
    seen, problem = _preview(row) if row.status == Status.UPLOADED else (None, "")
    step = Step(
        title="Import this statement?", action="Import", back=_address(row), facts=_facts(row, seen),
        text=problem or "Payments that match by UTR and amount are credited to their merchants; the rest waits.",
    )

    def act(data: dict[str, Any]) -> None:
        start_import(actor=request.actor, statement=row)

    return confirm(request, step, act, message="The import has begun.")


@page(OPERATORS, FORM)
def discard(request: PanelRequest, public_id: str) -> HttpResponse:
    row = visible(request.viewer, public_id)
    step = Step(
        title="Discard this file?", text="Nothing of it was imported, and nothing will be.", action="Discard",
        back=_address(row), facts=_facts(row, None), danger=True,
    )

    def act(data: dict[str, Any]) -> None:
        discard_statement(actor=request.actor, statement=row)

    return confirm(request, step, act, message="The file is discarded.", to=reverse("panel:statements"))


def _facts(row: Statement, seen: Preview | None) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [("File", row.name), ("Account", f"{row.account.vpa}, {row.account.bank_name}")]
    if seen:
        facts += [
            ("New credits", count_text(seen.new)), ("Would match", count_text(seen.would_match)),
            ("Unclear rows, left out", count_text(seen.problem_count)),
        ]
    return facts


def _address(row: Statement) -> str:
    return reverse("panel:statement", args=[row.public_id])
