"""Exports of crypto records: asked for with the API's filters, made by the same service, given out for 24 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import FileResponse, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.actors import get_or_404, team_merchants
from accounts.models import Merchant, Role
from crypto.exports.links import visible_exports
from crypto.exports.pdf import MOST_ROWS
from crypto.exports.services import create_export, open_file
from crypto.models import ChainTransaction, DepositAddress, Export, Network, Session
from crypto.rates import CURRENCIES
from gateway.lib.errors import NotFound
from gateway.panel.access import FORM, MERCHANTS, OPERATORS, PanelRequest, page
from gateway.panel.confirming import OnceForm, only_once
from gateway.panel.forms import carry_out
from gateway.panel.lists import paginate
from gateway.panel.payments import merchant_for, narrow_merchants
from gateway.panel.rendering import crumbs, done, page_or_part
from gateway.panel.words import count_text

AREA = ("Exports", "panel:exports")
WHO = (*MERCHANTS, *OPERATORS)
_CHUNK = 256 * 1024
_STATUSES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    Export.Type.SESSIONS: ("status", [(str(value), str(text)) for value, text in Session.Status.choices]),
    Export.Type.TRANSACTIONS: ("type", [(str(value), str(text)) for value, text in ChainTransaction.Type.choices]),
    Export.Type.ADDRESSES: (
        "sweep_status", [(str(value), str(text)) for value, text in DepositAddress.SweepStatus.choices]
    ),
}


class NewExportForm(OnceForm):
    """`only` narrows by what the chosen records have: sessions a status, transactions a type, addresses a sweep."""

    merchant = forms.ModelChoiceField(
        Merchant.objects.none(), empty_label="Choose a merchant", to_field_name="public_id"
    )
    type = forms.ChoiceField(
        label="Records", choices=Export.Type.choices, widget=forms.RadioSelect, initial=Export.Type.SESSIONS
    )
    format = forms.ChoiceField(
        label="File", choices=Export.Format.choices, initial=Export.Format.XLSX,
        help_text=f"A PDF has at most {count_text(MOST_ROWS)} rows.",
    )
    from_day = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}), help_text="Days of UTC, both included."
    )
    to_day = forms.DateField(label="To", widget=forms.DateInput(attrs={"type": "date"}))
    network = forms.ChoiceField(required=False)
    currency = forms.ChoiceField(
        label="Token", required=False, choices=[("", "Any token"), *((code, code) for code in CURRENCIES)]
    )
    only = forms.ChoiceField(label="Only", required=False)
    field_order = ["merchant", "type", "format", "from_day", "to_day", "network", "currency", "only"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        viewer = kwargs.pop("viewer")
        super().__init__(*args, **kwargs)
        narrow_merchants(self, viewer)
        self._offer("network", [("", "Any network"), *Network.objects.values_list("code", "name")])
        self._offer("only", [("", "Everything"), *(
            (Export.Type(kind).label, [(f"{kind}:{value}", text) for value, text in words])
            for kind, (_, words) in _STATUSES.items()
        )])

    def _offer(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        kind, _, word = str(data.get("only") or "").partition(":")
        if kind and data.get("type") and kind != data["type"]:
            chosen = Export.Type(data["type"]).label.lower()
            self.add_error("only", f"This is none of {chosen}: choose one of theirs, or everything.")
        if data.get("from_day") and data.get("to_day") and data["from_day"] > data["to_day"]:
            self.add_error("from_day", "Must not be after the last day.")
        data["criteria"] = {name: data[name] for name in ("network", "currency") if data.get(name)}
        if word:
            data["criteria"][_STATUSES[kind][0]] = word
        return data


@page(WHO)
def exports(request: PanelRequest) -> HttpResponse:
    found = paginate(request, visible_exports(request.viewer))
    context = {
        "crumbs": crumbs("Exports"),
        "page": found,
        "is_moving": any(row.is_open for row in found),
        "may_create": _may_create(request),
    }
    return page_or_part(request, "panel/exports/list.html", "panel/exports/_results.html", context)


def _may_create(request: PanelRequest) -> bool:
    user = request.viewer.user
    return user.role == Role.MERCHANT or team_merchants(user).exists()


@page(WHO, FORM)
def new(request: PanelRequest) -> HttpResponse:
    form = NewExportForm(request.POST or None, viewer=request.viewer, initial=_this_month())
    if request.method == "POST" and form.is_valid():
        made = carry_out(form, lambda: _create(request, form.cleaned_data))
        if made:
            return done(request, reverse("panel:exports"), _said(made))
    context = {"crumbs": crumbs(AREA, "New export"), "form": form}
    bad = form.is_bound and not form.is_valid()
    return render(request, "panel/exports/new.html", context, status=422 if bad else 200)


def _this_month() -> dict[str, date]:
    today = timezone.now().astimezone(UTC).date()
    return {"from_day": today.replace(day=1), "to_day": today}


def _said(made: Export) -> str:
    if made.is_ready:
        return "The file is ready."
    return "The file is being made. You may leave this page; it stays here for 24 hours once it is ready."


def _create(request: PanelRequest, data: dict[str, Any]) -> Export:
    with only_once(data["once"]):
        return create_export(
            actor=request.actor, merchant=merchant_for(request.viewer, data), mode=request.viewer.mode,
            format=data["format"], type=data["type"], starts_at=_midnight(data["from_day"]),
            ends_at=_midnight(data["to_day"]) + timedelta(days=1, microseconds=-1), criteria=data["criteria"],
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


@page(WHO)
def download(request: PanelRequest, public_id: str) -> HttpResponse:
    """The file in pieces; 404 once its day is over."""
    row = get_or_404(visible_exports(request.viewer), public_id=public_id)
    file = open_file(row) if row.is_ready else None
    if file is None:
        raise NotFound()
    response = FileResponse(file, as_attachment=True, filename=row.file_name, content_type=row.media_type)
    response.block_size = _CHUNK
    return response  # type: ignore[return-value]
