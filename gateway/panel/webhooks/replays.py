"""Sending again: one delivery, some that were ticked, or all that was given up for an endpoint between two days; and
how far that is. Whoever may see a delivery may have it sent again: to the address it was for, which can tell it from
a new one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from gateway.lib.errors import InvalidFields, NotFound
from gateway.panel.access import FORM, POST, PanelRequest, page
from gateway.panel.confirming import Step, confirm
from gateway.panel.forms import PanelForm
from gateway.panel.ledger.narrowing import midnight
from gateway.panel.rendering import crumbs, done, page_or_part
from gateway.panel.webhooks.deliveries import delivery_of
from gateway.panel.webhooks.endpoints import AREA, SEEN_BY, address_of, endpoint_of, facts_of
from gateway.panel.words import count_text
from webhooks import queries, services
from webhooks.models import Delivery
from webhooks.replaying import MAX_AT_ONCE, given_up

_MOST_TICKED = 100
_SAME = "With the same event ids and payloads as before: a receiver that has seen one can tell."
Status = Delivery.Status


@page(SEEN_BY, POST)
def retry(request: PanelRequest, delivery_id: UUID) -> HttpResponse:
    row = delivery_of(request.viewer, delivery_id)
    services.retry_delivery(actor=request.actor, delivery=row)
    return done(request, reverse("panel:delivery", args=[row.pk]), "It is being sent again.")


# Ticked ones ------------------------------------------------------------------------------------------------
@page(SEEN_BY, FORM)
def retry_selected(request: PanelRequest) -> HttpResponse:
    """`?d=…&d=…`: the address names what is asked for, so that the question can be reloaded."""
    rows = queries.deliveries(request.viewer).filter(pk__in=_ticked(request), endpoint__enabled=True)
    count = rows.filter(endpoint__deleted_at=None).count()
    if not count:
        return done(request, reverse("panel:deliveries"), "Nothing was chosen that could be sent again.")
    endpoints = rows.values("endpoint_id").order_by().distinct().count()
    step = Step(
        title=f"Send {_deliveries(count)} again?", action="Send again", back=reverse("panel:deliveries"), text=_SAME,
        facts=[("Deliveries", count), ("To", f"{endpoints} endpoint{'' if endpoints == 1 else 's'}")],
    )
    to = f"{reverse('panel:deliveries-sending')}?{urlencode([('d', str(pk)) for pk in _ticked(request)])}"
    return confirm(
        request, step, lambda _: services.retry_deliveries(actor=request.actor, deliveries=rows),
        message="They are being sent again.", to=to,
    )


def _ticked(request: PanelRequest) -> list[UUID]:
    found = []
    for text in request.GET.getlist("d")[:_MOST_TICKED]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


# All that was given up --------------------------------------------------------------------------------------
class PeriodForm(PanelForm):
    """Days of the reader's zone, both of them included; either may be left open."""

    start = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(label="Through", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("start", "end"):
            if data.get(name) is not None and not 2000 <= data[name].year <= 2100:
                self.add_error(name, "Enter a day as 2026-11-20.")
        if data.get("start") and data.get("end") and data["start"] > data["end"]:
            self.add_error("end", "Must not be before the first day.")
        return data


@page(SEEN_BY, FORM)
def retry_failed(request: PanelRequest, endpoint_id: UUID) -> HttpResponse:
    """The question names how many there are; with days in the address (`?start=…&end=…`) those made on them."""
    row = endpoint_of(request.viewer, endpoint_id)
    since, until = _period(request)
    count = given_up(row, since, until)[: MAX_AT_ONCE + 1].count()
    step = Step(
        title=f"Send {_failed(count)} again?", action="Send again", back=address_of(row), text=_SAME + _bound(count),
        facts=[*facts_of(row), ("Merchant", row.merchant.name), *_between(since, until)],
    )
    begun = urlencode({"endpoint": row.pk, "since": timezone.now().isoformat()})
    return confirm(
        request, step,
        lambda _: services.retry_failed(actor=request.actor, endpoint=row, since=since, until=until),
        message="They are being sent again.", to=f"{reverse('panel:deliveries-sending')}?{begun}",
    )


def _period(request: PanelRequest) -> tuple[datetime | None, datetime | None]:
    form = PeriodForm(request.GET)
    if not form.is_valid():
        raise InvalidFields(**{name: str(texts[0]) for name, texts in form.errors.items()})
    start, end = form.cleaned_data["start"], form.cleaned_data["end"]
    return (midnight(start) if start else None), (midnight(end + timedelta(days=1)) if end else None)


def _between(since: datetime | None, until: datetime | None) -> list[tuple[str, object]]:
    first = [("From", f"{since:%d %b %Y}")] if since else []
    last = [("Through", f"{until - timedelta(days=1):%d %b %Y}")] if until else []
    return [*first, *last]


def _deliveries(count: int) -> str:
    return f"{count_text(count)} deliver{'y' if count == 1 else 'ies'}"


def _failed(count: int) -> str:
    return f"{count_text(count)} failed deliver{'y' if count == 1 else 'ies'}" if count <= MAX_AT_ONCE else (
        f"the first {count_text(MAX_AT_ONCE)} failed deliveries"
    )


def _bound(count: int) -> str:
    if count <= MAX_AT_ONCE:
        return ""
    return f" At most {count_text(MAX_AT_ONCE)} are sent at once, oldest first; ask again for the rest."


# How far it is ----------------------------------------------------------------------------------------------
@page(SEEN_BY)
def progress(request: PanelRequest) -> HttpResponse:
    """Of the ticked ones (`?d=…`), or of those of an endpoint that were made due since a moment."""
    rows = _being_sent(request)
    counts = {status: rows.filter(status=status).count() for status in Status.values}
    total = sum(counts.values())
    context = {
        "crumbs": crumbs(AREA, ("Deliveries", "panel:deliveries"), "Sending again"), "rows": rows[:25], "total": total,
        "arrived": counts[Status.SUCCEEDED], "waiting": counts[Status.PENDING], "later": counts[Status.RETRYING],
        "failed": counts[Status.FAILED], "done": total - counts[Status.PENDING],
    }
    return page_or_part(request, "panel/webhooks/sending.html", "panel/webhooks/_sending.html", context)


def _being_sent(request: PanelRequest) -> QuerySet[Delivery]:
    rows = queries.deliveries(request.viewer)
    if request.GET.get("d"):
        return rows.filter(pk__in=_ticked(request))
    try:
        endpoint = endpoint_of(request.viewer, UUID(request.GET.get("endpoint", "")))
        since = parse_datetime(request.GET.get("since", ""))
    except ValueError as error:
        raise NotFound() from error
    if since is None or timezone.is_naive(since) or not 2000 <= since.year <= 2100:
        raise NotFound()
    return rows.filter(endpoint=endpoint, created_at__lt=since, updated_at__gte=since)
