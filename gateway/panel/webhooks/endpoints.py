"""A merchant's endpoints: their events, their secrets, a test at once. Operators look at those of their merchants,
failing ones first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Viewer, get_or_404
from accounts.models import Merchant
from gateway.panel.access import FORM, MERCHANTS, OPERATORS, POST, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.filters import PanelFilters, SearchFilter
from gateway.panel.forms import EditForm, PanelForm, carry_out
from gateway.panel.ledger.narrowing import merchants_of
from gateway.panel.lists import Page, paginate
from gateway.panel.rendering import crumbs, dialog, done, page_or_part
from webhooks import queries, services
from webhooks.models import Delivery, Endpoint
from webhooks.schedule import MAX_INTERVAL, MAX_RETRIES, MIN_INTERVAL
from webhooks.signing import standard_form

SEEN_BY = (*MERCHANTS, *OPERATORS)
AREA = ("Webhooks", "panel:webhooks")
# Contracts whose events the gateway can send by now, in the order of the choice.
Contract = Endpoint.Contract


def _contracts() -> list[tuple[str, str]]:
    return [(contract.value, str(contract.label)) for contract in Contract if queries.event_names(contract)]


def event_choices(contracts: Iterable[str]) -> list[tuple[str, str]]:
    names = dict.fromkeys(name for contract in contracts for name in queries.event_names(contract))
    return [(name, name) for name in names]


# Endpoints ------------------------------------------------------------------------------------------------
_STATES = (("failing", "Failing"), ("off", "Switched off"), ("well", "Well"))


class EndpointFilters(PanelFilters):
    q = SearchFilter(method="search")
    merchant = django_filters.ModelChoiceFilter(
        queryset=merchants_of,  # type: ignore[arg-type]
        to_field_name="public_id", empty_label="Any merchant", label="Merchant",
    )
    contract = django_filters.ChoiceFilter(choices=Contract.choices, empty_label="Any contract", label="Speaks")
    state = django_filters.ChoiceFilter(choices=_STATES, method="in_state", empty_label="Any state", label="State")

    def search(self, rows: QuerySet[Endpoint], name: str, value: str) -> QuerySet[Endpoint]:
        text = value.strip()
        if "\0" in text:
            return rows.none()
        return rows.filter(Q(url__icontains=text) | Q(merchant__name__icontains=text))

    def in_state(self, rows: QuerySet[Endpoint], name: str, value: str) -> QuerySet[Endpoint]:
        states = {
            "failing": Q(enabled=True, failing_since__isnull=False), "off": Q(enabled=False),
            "well": Q(enabled=True, failing_since__isnull=True),
        }
        return rows.filter(states[value])


@page(SEEN_BY)
def endpoints(request: PanelRequest) -> HttpResponse:
    """Those that fail, longest first, then those that the gateway switched off, then the others."""
    trouble = F("failing_since").asc(nulls_last=True)
    rows = queries.endpoints(request.viewer).order_by(trouble, "enabled", "-created_at", "-id")
    filters = EndpointFilters(data=request.GET, queryset=rows, request=request)
    if not request.viewer.user.is_operator:
        del filters.form.fields["merchant"]
    shown = paginate(request, filters.rows)
    context = {
        "crumbs": crumbs("Webhooks"), "filters": filters, "page": shown, "given_up": _given_up(shown),
        "may_manage": _may_manage(request.viewer), "shows_filters": filters.is_used or shown.total > 1,
    }
    return page_or_part(request, "panel/webhooks/endpoints.html", "panel/webhooks/_endpoints.html", context)


def _given_up(shown: Page[Endpoint]) -> list[tuple[Endpoint, int]]:
    """Only of the endpoints on this page: all of their deliveries would be read otherwise."""
    failed = Delivery.objects.filter(endpoint__in=shown.rows, status=Delivery.Status.FAILED).order_by()
    counts = dict(failed.values_list("endpoint_id").annotate(count=Count("pk")))
    return [(row, counts.get(row.pk, 0)) for row in shown]


def _may_manage(viewer: Viewer) -> bool:
    return viewer.user.role in MERCHANTS


@page(SEEN_BY)
def endpoint(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    row = endpoint_of(request.viewer, endpoint_id)
    recent = queries.deliveries(request.viewer).filter(endpoint=row)
    rotating = row.previous_secret_until is not None and row.previous_secret_until > timezone.now()
    context = {
        "crumbs": crumbs(AREA, "Endpoint"),
        "endpoint": row,
        "deliveries": recent[:10],
        "failed_count": recent.filter(status=Delivery.Status.FAILED).count(),
        "honoured_until": row.previous_secret_until if rotating else None,
        "all_events": queries.usual_event_names(row.contract),
        "may_manage": _may_manage(request.viewer),
    }
    return render(request, "panel/webhooks/endpoint.html", context)


def endpoint_of(viewer: Viewer, endpoint_id: UUID) -> Endpoint:
    return get_or_404(queries.endpoints(viewer), pk=endpoint_id)


def _events_field(contract: str) -> forms.MultipleChoiceField:
    on_request = set(queries.event_names(contract)) - set(queries.usual_event_names(contract))
    all_but = f" but {' and '.join(sorted(on_request))}" if on_request else ""
    return forms.MultipleChoiceField(
        label="Only these events", choices=event_choices([contract]), required=False,
        widget=forms.CheckboxSelectMultiple, help_text=f"None chosen: all of them{all_but}, new ones too.",
    )


class _RetryForm(PanelForm):
    """How often a failed delivery is tried again: an endpoint's own rule, or the standard one."""

    max_retries = forms.IntegerField(
        label="Tries after the first", required=False, min_value=0, max_value=MAX_RETRIES,
        help_text="Both empty: nine more tries within 75 hours, with growing pauses.",
    )
    retry_interval = forms.IntegerField(
        label="Seconds between them", required=False, min_value=MIN_INTERVAL, max_value=MAX_INTERVAL,
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        names = ("max_retries", "retry_interval")
        given = {name: data.pop(name) for name in names if data.get(name) is not None}
        for name in names:
            if given and name not in given and name not in self.errors:
                self.add_error(name, "Fill in both, or neither.")
        return data | {"retry_config": given}


class EndpointForm(EditForm, _RetryForm):
    """An endpoint keeps its contract: payloads of another shape are for another address."""

    url = forms.CharField(
        label="Address (URL)", max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://shop.example/webhooks", "spellcheck": "false"}),
    )
    events = forms.MultipleChoiceField()
    enabled = forms.BooleanField(
        label="Enabled", required=False, initial=True, help_text="Switched off, nothing is sent to it.",
    )

    def __init__(self, *args: Any, contract: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["events"] = _events_field(contract)


class NewEndpointForm(_RetryForm):
    """Every contract has its own list of events; that of the chosen one counts."""

    url = EndpointForm.base_fields["url"]
    contract = forms.ChoiceField(
        label="Speaks", help_text="Whose event names and payloads it gets: those of the API that you call.",
    )
    enabled = EndpointForm.base_fields["enabled"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice, self.offered = self.fields["contract"], _contracts()
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = self.offered
        for contract, _ in self.offered:
            self.fields[f"events_{contract}"] = _events_field(contract)

    def event_fields(self) -> list[tuple[str, forms.BoundField]]:
        return [(contract, self[f"events_{contract}"]) for contract, _ in self.offered]


@page(MERCHANTS, FORM, proof=True)
def new(request: PanelRequest) -> HttpResponse:
    form = NewEndpointForm(request.POST or None, initial={"contract": Contract.PORTAL})
    if request.method == "POST" and form.is_valid():
        made = carry_out(form, lambda: _create(request, form.cleaned_data))
        if made:
            return done(request, address_of(made), "Endpoint added. Send it a test to see that it answers.")
    context = {"crumbs": crumbs(AREA, "New endpoint"), "form": form}
    return render(request, "panel/webhooks/new.html", context, status=422 if form.is_bound else 200)


def _create(request: PanelRequest, data: dict[str, Any]) -> Endpoint:
    merchant = request.viewer.user.merchant
    assert isinstance(merchant, Merchant)
    made, _ = services.create_endpoint(
        actor=request.actor, merchant=merchant, mode=request.viewer.mode, url=data["url"], contract=data["contract"],
        events=data[f"events_{data['contract']}"], enabled=data["enabled"], retry_config=data["retry_config"],
    )
    return made


@page(MERCHANTS, FORM, proof=True)
def edit(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    row = endpoint_of(request.viewer, endpoint_id)
    shown = {"url": row.url, "events": row.events, "enabled": row.enabled} | row.retry_config
    form = EndpointForm(request.POST or None, initial=shown, contract=row.contract)
    if request.method == "POST" and form.is_valid():
        data = {name: form.cleaned_data[name] for name in ("url", "events", "enabled", "retry_config")}
        if carry_out(form, lambda: services.update_endpoint(actor=request.actor, endpoint=row, **data)):
            return done(request, address_of(row), "Endpoint saved.")
    context = {"crumbs": crumbs(AREA, "Edit endpoint"), "form": form, "endpoint": row}
    return render(request, "panel/webhooks/edit.html", context, status=422 if form.is_bound else 200)


@page(MERCHANTS, FORM, proof=True)
def delete(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    row = endpoint_of(request.viewer, endpoint_id)
    step = Step(
        title="Delete this endpoint?", action="Delete", back=address_of(row), danger=True, facts=facts_of(row),
        text="Nothing more is sent to it, what is waiting included. Its deliveries stay on record.",
    )
    return confirm(
        request, step, lambda _: services.delete_endpoint(actor=request.actor, endpoint=row),
        message="Endpoint deleted.", to=reverse("panel:webhooks"),
    )


@page(MERCHANTS, FORM, proof=True)
def rotate(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    row = endpoint_of(request.viewer, endpoint_id)
    step = Step(
        title="Rotate the signing secret?", action="Rotate", back=address_of(row), facts=facts_of(row),
        text="A new secret signs from now on, and for a while the old one signs beside it, so that you can change "
        "your server without missing a delivery.",
    )
    return confirm(
        request, step, lambda _: services.rotate_secret(actor=request.actor, endpoint=row),
        message="The secret is rotated. Reveal the new one and put it into your server.",
    )


@page(MERCHANTS, POST, proof=True)
def reveal(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    """The secret in the answer to a POST, to its owner."""
    row = endpoint_of(request.viewer, endpoint_id)
    secret = services.show_secret(actor=request.actor, endpoint=row)
    standard = standard_form(secret)
    context = {
        "title": "Signing secret", "endpoint": row, "secret": secret, "back": address_of(row),
        "standard": standard if standard != secret else "",
    }
    response = dialog(request, "panel/webhooks/secret.html", context)
    response["Cache-Control"] = "no-store, private"
    return response


@page(MERCHANTS, POST)
def send_test(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    """Sends a sample now, waits for the answer, and shows it as it was."""
    row = endpoint_of(request.viewer, endpoint_id)
    attempt = services.send_test(actor=request.actor, endpoint=row)
    context = {"title": "Test delivery", "endpoint": row, "attempt": attempt, "back": address_of(row)}
    return dialog(request, "panel/webhooks/test.html", context)


def address_of(row: Endpoint) -> str:
    return reverse("panel:endpoint", args=[row.pk])


def facts_of(row: Endpoint) -> list[tuple[str, object]]:
    return [("Address", row.url), ("Speaks", row.get_contract_display())]
