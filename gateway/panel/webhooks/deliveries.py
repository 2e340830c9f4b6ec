"""Every delivery with what was sent, what came back, and a way to send it again."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Viewer, get_or_404
from gateway.panel.access import PanelRequest, page
from gateway.panel.filters import DayFilter, PanelFilters, SearchFilter
from gateway.panel.ledger.narrowing import merchants_of
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, page_or_part
from gateway.panel.webhooks.endpoints import AREA, SEEN_BY, event_choices
from webhooks import queries
from webhooks.models import Delivery, Endpoint


class DeliveryFilters(PanelFilters):
    q = SearchFilter(method="search")
    merchant = django_filters.ModelChoiceFilter(
        queryset=merchants_of,  # type: ignore[arg-type]
        to_field_name="public_id", empty_label="Any merchant", label="Merchant",
    )
    status = django_filters.ChoiceFilter(choices=Delivery.Status.choices, empty_label="Any status", label="Status")
    contract = django_filters.ChoiceFilter(
        field_name="endpoint__contract", choices=Endpoint.Contract.choices, empty_label="Any contract", label="Speaks"
    )
    event = django_filters.ChoiceFilter(field_name="event_name", empty_label="Any event", label="Event")
    endpoint = django_filters.ChoiceFilter(field_name="endpoint_id", empty_label="Any endpoint", label="Endpoint")
    from_day = DayFilter("From")
    to_day = DayFilter("To", through=True)

    def __init__(self, *args: Any, viewer: Viewer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["event"].extra["choices"] = event_choices(Endpoint.Contract.values)
        self.filters["endpoint"].extra["choices"] = [(str(row.pk), row.url) for row in queries.endpoints(viewer)]

    def search(self, rows: QuerySet[Delivery], name: str, value: str) -> QuerySet[Delivery]:
        text = value.strip()
        if "\0" in text:
            return rows.none()
        return rows.filter(Q(event__subject=text) | Q(event__public_id=text))


@page(SEEN_BY)
def deliveries(request: PanelRequest) -> HttpResponse:
    rows = queries.deliveries(request.viewer)
    filters = DeliveryFilters(data=request.GET, queryset=rows, request=request, viewer=request.viewer)
    if not request.viewer.user.is_operator:
        del filters.form.fields["merchant"]
    shown = paginate(request, filters.rows)
    context = {
        "crumbs": crumbs(AREA, "Deliveries"), "filters": filters, "page": shown,
        "may_select": any(row.endpoint.is_open for row in shown),
    }
    return page_or_part(request, "panel/webhooks/deliveries.html", "panel/webhooks/_deliveries.html", context)


@page(SEEN_BY)
def delivery(request: PanelRequest, delivery_id: UUID) -> HttpResponse:
    row = delivery_of(request.viewer, delivery_id)
    context = {
        "crumbs": crumbs(AREA, ("Deliveries", "panel:deliveries"), row.event_name),
        "delivery": row,
        "attempts": list(row.attempts.all()),
        "pretty_body": _pretty(row.body),
        "subject_href": _subject_address(row.event.subject),
        "is_moving": row.due_at is not None and row.due_at <= timezone.now(),
        "may_retry": row.endpoint.is_open,
    }
    return page_or_part(request, "panel/webhooks/delivery.html", "panel/webhooks/_record.html", context)


def delivery_of(viewer: Viewer, delivery_id: UUID) -> Delivery:
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
