"""Webhooks: the endpoints of a merchant, their secrets, a test at once; and every delivery with what was sent, what
came back, and a way to send it again.

The merchant manages its own; operators look at those of their team. An api_user has no such pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Viewer, get_or_404
from accounts.models import Merchant
from gateway.panel.access import FORM, MERCHANTS, OPERATORS, POST, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.filters import PanelFilters, SearchFilter
from gateway.panel.forms import PanelForm, carry_out
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, dialog, done, page_or_part
from webhooks import queries, services
from webhooks.models import Delivery, Endpoint
from webhooks.signing import standard_form

SEEN_BY = (*MERCHANTS, *OPERATORS)
_AREA = ("Webhooks", "panel:webhooks")
# Contracts whose events the gateway can send by now, in the order of the choice.
Contract = Endpoint.Contract


def _contracts() -> list[tuple[str, str]]:
    return [(contract.value, str(contract.label)) for contract in Contract if queries.event_names(contract)]


def _event_choices(contracts: Iterable[str]) -> list[tuple[str, str]]:
    names = dict.fromkeys(name for contract in contracts for name in queries.event_names(contract))
    return [(name, name) for name in names]


# Endpoints ------------------------------------------------------------------------------------------------
@page(SEEN_BY)
def endpoints(request: PanelRequest) -> HttpResponse:
    failed = Count("deliveries", filter=Q(deliveries__status=Delivery.Status.FAILED))
    rows = queries.endpoints(request.viewer).annotate(failed_count=failed)
    context = {"crumbs": crumbs("Webhooks"), "page": paginate(request, rows), "may_manage": _may_manage(request.viewer)}
    return render(request, "panel/webhooks/endpoints.html", context)


def _may_manage(viewer: Viewer) -> bool:
    return viewer.user.role in MERCHANTS


@page(SEEN_BY)
def endpoint(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    row = _endpoint(request.viewer, endpoint_id)
    recent = queries.deliveries(request.viewer).filter(endpoint=row)
    rotating = row.previous_secret_until is not None and row.previous_secret_until > timezone.now()
    context = {
        "crumbs": crumbs(_AREA, "Endpoint"),
        "endpoint": row,
        "deliveries": recent[:10],
        "failed_count": recent.filter(status=Delivery.Status.FAILED).count(),
        "honoured_until": row.previous_secret_until if rotating else None,
        "all_events": queries.event_names(row.contract),
        "may_manage": _may_manage(request.viewer),
    }
    return render(request, "panel/webhooks/endpoint.html", context)


def _endpoint(viewer: Viewer, endpoint_id: UUID) -> Endpoint:
    return get_or_404(queries.endpoints(viewer), pk=endpoint_id)


def _events_field(contract: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label="Only these events", choices=_event_choices([contract]), required=False,
        widget=forms.CheckboxSelectMultiple, help_text="None chosen: all of them, new ones too.",
    )


class EndpointForm(PanelForm):
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


class NewEndpointForm(PanelForm):
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


@page(MERCHANTS, FORM)
def new(request: PanelRequest) -> HttpResponse:
    form = NewEndpointForm(request.POST or None, initial={"contract": Contract.PORTAL})
    if request.method == "POST" and form.is_valid():
        made = carry_out(form, lambda: _create(request, form.cleaned_data))
        if made:
            return done(request, _address(made), "Endpoint added. Send it a test to see that it answers.")
    context = {"crumbs": crumbs(_AREA, "New endpoint"), "form": form}
    return render(request, "panel/webhooks/new.html", context, status=422 if form.is_bound else 200)


def _create(request: PanelRequest, data: dict[str, Any]) -> Endpoint:
    merchant = request.viewer.user.merchant
    assert isinstance(merchant, Merchant)
    made, _ = services.create_endpoint(
        actor=request.actor, merchant=merchant, mode=request.viewer.mode, url=data["url"], contract=data["contract"],
        events=data[f"events_{data['contract']}"], enabled=data["enabled"],
    )
    return made


@page(MERCHANTS, FORM, proof=True)
def edit(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    row = _endpoint(request.viewer, endpoint_id)
    shown = {"url": row.url, "events": row.events, "enabled": row.enabled}
    form = EndpointForm(request.POST or None, initial=shown, contract=row.contract)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if carry_out(form, lambda: services.update_endpoint(actor=request.actor, endpoint=row, **data)):
            return done(request, _address(row), "Endpoint saved.")
    context = {"crumbs": crumbs(_AREA, "Edit endpoint"), "form": form, "endpoint": row}
    return render(request, "panel/webhooks/edit.html", context, status=422 if form.is_bound else 200)


@page(MERCHANTS, FORM, proof=True)
def delete(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    row = _endpoint(request.viewer, endpoint_id)
    step = Step(
        title="Delete this endpoint?", action="Delete", back=_address(row), danger=True, facts=_facts(row),
        text="Nothing more is sent to it, what is waiting included. Its deliveries stay on record.",
    )
    return confirm(
        request, step, lambda _: services.delete_endpoint(actor=request.actor, endpoint=row),
        message="Endpoint deleted.", to=reverse("panel:webhooks"),
    )


@page(MERCHANTS, FORM, proof=True)
def rotate(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    row = _endpoint(request.viewer, endpoint_id)
    step = Step(
        title="Rotate the signing secret?", action="Rotate", back=_address(row), facts=_facts(row),
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
    row = _endpoint(request.viewer, endpoint_id)
    secret = services.reveal_secret(row)
    standard = standard_form(secret)
    context = {
        "title": "Signing secret", "endpoint": row, "secret": secret, "back": _address(row),
        "standard": standard if standard != secret else "",
    }
    response = dialog(request, "panel/webhooks/secret.html", context)
    response["Cache-Control"] = "no-store, private"
    return response


@page(MERCHANTS, POST)
def send_test(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    """Sends a sample now, waits for the answer, and shows it as it was."""
    row = _endpoint(request.viewer, endpoint_id)
    attempt = services.send_test(actor=request.actor, endpoint=row)
    context = {"title": "Test delivery", "endpoint": row, "attempt": attempt, "back": _address(row)}
    return dialog(request, "panel/webhooks/test.html", context)


@page(MERCHANTS, FORM)
def retry_failed(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    row = _endpoint(request.viewer, endpoint_id)
    failed = queries.deliveries(request.viewer).filter(endpoint=row, status=Delivery.Status.FAILED).count()
    step = Step(
        title=f"Send {failed} failed deliver{'y' if failed == 1 else 'ies'} again?", action="Send again",
        back=_address(row), facts=_facts(row),
        text="With the same event ids and payloads as before: a receiver that has seen one can tell.",
    )
    return confirm(
        request, step, lambda _: services.retry_failed(actor=request.actor, endpoint=row),
        message="They are being sent again.",
    )


def _address(row: Endpoint) -> str:
    return reverse("panel:endpoint", args=[row.pk])


def _facts(row: Endpoint) -> list[tuple[str, object]]:
    return [("Address", row.url), ("Speaks", row.get_contract_display())]


# Deliveries -----------------------------------------------------------------------------------------------
class DeliveryFilters(PanelFilters):
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=Delivery.Status.choices, empty_label="Any status")
    event = django_filters.ChoiceFilter(field_name="event_name", empty_label="Any event")
    endpoint = django_filters.ChoiceFilter(field_name="endpoint_id", empty_label="Any endpoint")

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["event"].extra["choices"] = _event_choices(Contract.values)
        self.filters["endpoint"].extra["choices"] = [(str(row.pk), row.url) for row in queries.endpoints(viewer)]

    def search(self, rows: QuerySet[Delivery], name: str, value: str) -> QuerySet[Delivery]:
        return rows.filter(Q(event__subject=value.strip()) | Q(event__public_id=value.strip()))


@page(SEEN_BY)
def deliveries(request: PanelRequest) -> HttpResponse:
    filters = DeliveryFilters(data=request.GET, queryset=queries.deliveries(request.viewer), viewer=request.viewer)
    context = {"crumbs": crumbs(_AREA, "Deliveries"), "filters": filters, "page": paginate(request, filters.rows)}
    return page_or_part(request, "panel/webhooks/deliveries.html", "panel/webhooks/_deliveries.html", context)


@page(SEEN_BY)
def delivery(request: PanelRequest, delivery_id: UUID) -> HttpResponse:
    row = _delivery(request.viewer, delivery_id)
    context = {
        "crumbs": crumbs(_AREA, ("Deliveries", "panel:deliveries"), row.event_name),
        "delivery": row,
        "attempts": list(row.attempts.all()),
        "pretty_body": _pretty(row.body),
        "subject_href": _subject_address(row.event.subject),
        "is_moving": row.due_at is not None and row.due_at <= timezone.now(),
        "may_retry": _may_manage(request.viewer) and row.endpoint.is_open,
    }
    return page_or_part(request, "panel/webhooks/delivery.html", "panel/webhooks/_record.html", context)


def _delivery(viewer: Viewer, delivery_id: UUID) -> Delivery:
    return get_or_404(queries.deliveries(viewer), pk=delivery_id)


def _pretty(body: str) -> str:
    """For reading; what was sent, and signed, is the text as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


_PAGES = {"pay_": "panel:payment", "pout_": "panel:payout", "usr_": "panel:user"}


def _subject_address(subject: str) -> str:
    """The page of what a delivery tells about, where there is one."""
    name = next((name for prefix, name in _PAGES.items() if subject.startswith(prefix)), "")
    return reverse(name, args=[subject]) if name else ""


@page(MERCHANTS, POST)
def retry(request: PanelRequest, delivery_id: UUID) -> HttpResponse:
    row = _delivery(request.viewer, delivery_id)
    services.retry_delivery(actor=request.actor, delivery=row)
    return done(request, reverse("panel:delivery", args=[row.pk]), "It is being sent again.")
