"""A merchant's statement for a period: on screen, as PDF and as XLSX, all three of the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.models import Merchant
from gateway.lib.documents import Column as Printed
from gateway.lib.documents import Document, write_pdf
from gateway.lib.money import Money
from gateway.lib.spreadsheets import Column, write_xlsx
from gateway.panel.access import PanelRequest, page
from gateway.panel.forms import PanelForm, carry_out
from gateway.panel.ledger.downloads import PDF, XLSX, download
from gateway.panel.ledger.narrowing import merchants_of, midnight
from gateway.panel.ledger.postings import AREA, SEEN_BY
from gateway.panel.ledger.subjects import Subject, subjects
from gateway.panel.lists import Page, cut
from gateway.panel.rendering import crumbs, page_or_part
from gateway.panel.words import plain_amount, posting_words
from ledger.models import LedgerAccount
from ledger.statements import Movement, Statement, statement

_KINDS = LedgerAccount.Kind
_PARTS = (("", "Whole balance"), (_KINDS.AVAILABLE, "Available"), (_KINDS.PENDING, "Pending settlement"),
          (_KINDS.RESERVED, "Reserved"))
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class StatementForm(PanelForm):
    """`merchant` is asked of operators only; `end` is the last day, and belongs to the period."""

    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), to_field_name="public_id", empty_label="Choose a merchant"
    )
    currency = forms.ChoiceField(choices=[(code, code) for code in ("INR", "USDT", "USDC")])
    kind = forms.ChoiceField(label="Balance", choices=_PARTS, required=False)
    start = forms.DateField(label="From", widget=_DAY)
    end = forms.DateField(label="Through", widget=_DAY)

    def __init__(self, *args: Any, request: PanelRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if request.viewer.user.is_operator:
            self.fields["merchant"].queryset = merchants_of(request)  # type: ignore[attr-defined]
        else:
            del self.fields["merchant"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("start", "end"):
            day = data.get(name)
            if day is not None and not 2000 <= day.year <= 2100:
                self.add_error(name, "Enter a day as 2026-11-20.")
        return data


@dataclass(frozen=True, slots=True)
class Line:
    """A movement and what it is about."""

    movement: Movement
    subject: Subject

    @property
    def words(self) -> str:
        return posting_words(self.movement.kind)


@page(SEEN_BY)
def statement_page(request: PanelRequest) -> HttpResponse:
    form, found = _asked(request)
    rows = cut(request, found.movements if found else [], per_page=50)
    context = {
        "crumbs": crumbs(AREA, "Statement"), "form": form, "statement": found, "page": rows, "lines": _lines(rows),
        "query": urlencode({name: request.GET.get(name) or form[name].value() or "" for name in form.fields}),
        "last_day": found.end - timedelta(microseconds=1) if found else None,
    }
    return page_or_part(request, "panel/ledger/statement.html", "panel/ledger/_statement.html", context)


def _asked(request: PanelRequest) -> tuple[StatementForm, Statement | None]:
    """The statement that the address asks for; this month's of a merchant that has just opened the page."""
    form = StatementForm(_with_defaults(request), request=request)
    if request.viewer.user.is_operator and not request.GET.get("merchant"):
        return StatementForm(initial=_with_defaults(request), request=request), None
    if not form.is_valid():
        return form, None
    return form, carry_out(form, lambda: _read(request, form.cleaned_data))


def _with_defaults(request: PanelRequest) -> dict[str, str]:
    today = timezone.localdate()
    defaults = {"currency": "INR", "start": f"{today:%Y-%m-01}", "end": f"{today:%Y-%m-%d}"}
    return defaults | {name: str(value) for name, value in request.GET.items() if value}


def _read(request: PanelRequest, data: dict[str, Any]) -> Statement:
    merchant = data.get("merchant") or request.viewer.user.merchant
    assert isinstance(merchant, Merchant), "whoever is no operator has a merchant"
    return statement(
        merchant=merchant, mode=request.viewer.mode, currency=data["currency"], kind=data["kind"],
        start=midnight(data["start"]), end=midnight(data["end"] + timedelta(days=1)),
    )


def _lines(movements: Page[Movement] | list[Movement]) -> list[Line]:
    about = subjects(row.reference for row in movements)
    return [Line(row, about[row.reference]) for row in movements]


# Files ------------------------------------------------------------------------------------------------------
def _file(request: PanelRequest) -> Statement | None:
    return _asked(request)[1]


def _back(request: PanelRequest) -> HttpResponse:
    """What cannot be made is explained on the page."""
    return redirect(f"{reverse('panel:account-statement')}?{request.GET.urlencode()}")


def _name(found: Statement, ending: str) -> str:
    first, last = _days(found)
    return f"statement-{found.merchant.public_id}-{found.mode}-{found.currency}-{first}-{last}.{ending}"


def _days(found: Statement) -> tuple[date, date]:
    return timezone.localdate(found.start), timezone.localdate(found.end - timedelta(microseconds=1))


_PRINTED = (
    Printed("Date", 80), Printed("What", 106), Printed("Record", 116), Printed("Your reference", 92),
    Printed("Fee", 60, end=True), Printed("GST", 54, end=True), Printed("Debit", 84, end=True),
    Printed("Credit", 84, end=True), Printed("Balance", 94, end=True),
)


@page(SEEN_BY)
def as_pdf(request: PanelRequest) -> HttpResponse:
    found = _file(request)
    if found is None:
        return _back(request)
    content = BytesIO()
    write_pdf(document_of(found), printed_rows(found), len(found.movements) + 1, content)
    return download(content, _name(found, "pdf"), PDF)


def document_of(found: Statement) -> Document:
    first, last = _days(found)
    zone = timezone.get_current_timezone_name()
    test = " (test mode: no real money)" if found.mode == "test" else ""
    part = next(str(label) for kind, label in _PARTS if kind == found.kind)
    return Document(
        title=f"Statement of account{test}", columns=_PRINTED, totals=_printed_totals(found),
        facts=[
            ("Merchant", f"{found.merchant.name} ({found.merchant.public_id})"),
            ("Period", f"{first:%d %b %Y} to {last:%d %b %Y}, times in {zone}"),
            ("Balance", f"{part}, in {found.currency}"),
            ("Opening", plain_amount(Money(found.opening, found.currency))),
            ("Closing", plain_amount(Money(found.closing, found.currency))),
        ],
        foot=f"{found.merchant.name} · {first} to {last} · all amounts in {found.currency} · "
             f"made {timezone.localtime():%d %b %Y, %H:%M}",
    )


def printed_rows(found: Statement) -> Iterator[tuple[str, ...]]:
    def amount(minor: int) -> str:
        return plain_amount(Money(minor, found.currency)) if minor else ""

    opening = plain_amount(Money(found.opening, found.currency))
    yield (f"{timezone.localtime(found.start):%d %b %Y, %H:%M}", "Opening balance", "", "", "", "", "", "", opening)
    for line in _lines(found.movements):
        row = line.movement
        yield (f"{timezone.localtime(row.at):%d %b %Y, %H:%M}", line.words, line.subject.name, line.subject.own,
               amount(row.fee_minor), amount(row.tax_minor), amount(row.debit), amount(row.credit),
               plain_amount(Money(row.balance, found.currency)))


def _printed_totals(found: Statement) -> list[tuple[str, ...]]:
    sums = (found.fee_minor, found.tax_minor, found.debit, found.credit, found.closing)
    return [("", "Total, closing balance", "", "", *(plain_amount(Money(minor, found.currency)) for minor in sums))]


@page(SEEN_BY)
def as_xlsx(request: PanelRequest) -> HttpResponse:
    found = _file(request)
    if found is None:
        return _back(request)
    content = BytesIO()
    write_xlsx(sheet_columns(found.currency), sheet_rows(found), content)
    return download(content, _name(found, "xlsx"), XLSX)


def sheet_columns(currency: str) -> list[Column]:
    money = [Column(title, "money", currency) for title in ("Fee", "GST", "Debit", "Credit", "Balance")]
    words = [Column("What", width=26), Column("Record", width=26), Column("Your reference", width=24)]
    return [Column("Time (UTC)", "time", width=20), *words, *money, Column("Currency", width=10)]


def sheet_rows(found: Statement) -> Iterator[tuple[Any, ...]]:
    code = found.currency
    yield (found.start, "Opening balance", None, None, None, None, None, None, found.opening, code)
    for line in _lines(found.movements):
        row = line.movement
        yield (row.at, line.words, line.subject.name, line.subject.own or None, row.fee_minor or None,
               row.tax_minor or None, row.debit or None, row.credit or None, row.balance, code)
    yield (found.end, "Total, closing balance", None, None, found.fee_minor, found.tax_minor, found.debit,
           found.credit, found.closing, code)
