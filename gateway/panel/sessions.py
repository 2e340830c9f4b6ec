"""Crypto payments: the list of checkout sessions, one session with all that happened to it, and what may be done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from accounts.history import TimelineItem
from accounts.models import Role
from crypto.models import ChainTransaction, Session
from crypto.queries.reversals import entries_of_transfers
from crypto.queries.sessions import search_sessions, timeline_of, visible_sessions
from crypto.queries.transactions import confirmations, heads
from crypto.services.attention import clear_flags, needing_attention, needs_attention
from crypto.services.claims import claim_transaction
from gateway.lib.money import Money
from gateway.panel.access import EVERYONE, FORM, MERCHANTS, OPERATORS, POST, PanelRequest, page
from gateway.panel.confirming import Step, confirm, confirm_looked_at
from gateway.panel.filters import DayFilter, PanelFilters, SearchFilter
from gateway.panel.forms import PanelForm
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, dialog, page_or_part
from gateway.panel.words import money_text
from ledger.models import Entry
from webhooks.models import Endpoint
from webhooks.one_off import show_callback_secret
from webhooks.queries import deliveries

_NETWORKS = [(code, code) for code in ("BSC", "ETH", "POL", "TRX", "SOL")]
_TOKENS = [("USDT", "USDT"), ("USDC", "USDC")]


class SessionFilters(PanelFilters):
    more = "Network, token and dates"
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=Session.Status.choices, empty_label="Any status")
    network = django_filters.ChoiceFilter(field_name="network_id", choices=_NETWORKS, empty_label="Any network")
    currency = django_filters.ChoiceFilter(choices=_TOKENS, empty_label="Any token")
    attention = django_filters.ChoiceFilter(
        method="only_odd", choices=[("yes", "Must be looked at")], empty_label="All", label="Attention"
    )
    from_day = DayFilter("From")
    to_day = DayFilter("To", through=True)

    def search(self, rows: QuerySet[Session], name: str, value: str) -> QuerySet[Session]:
        return rows.none() if "\0" in value else search_sessions(rows, value)

    def only_odd(self, rows: QuerySet[Session], name: str, value: str) -> QuerySet[Session]:
        return needing_attention(rows) if value else rows


@page(EVERYONE)
def sessions(request: PanelRequest) -> HttpResponse:
    filters = SessionFilters.narrow(request, visible_sessions(request.viewer).select_related("merchant", "network"))
    found = paginate(request, filters.rows)
    context = {
        "crumbs": crumbs("Crypto payments"),
        "filters": filters,
        "page": found,
        "rows": [(row, needs_attention(row)) for row in found],
    }
    return page_or_part(request, "panel/sessions/list.html", "panel/sessions/_results.html", context)


@page(EVERYONE)
def session(request: PanelRequest, session_id: UUID) -> HttpResponse:
    row, user = _visible(request.viewer, session_id), request.viewer.user
    transfers = _transfers(row)
    context = {
        "crumbs": crumbs(("Crypto payments", "panel:sessions"), row.reference),
        "session": row,
        "transfers": transfers,
        "claims": row.claims.select_related("claimed_by").order_by("id"),
        "net": Money(row.received_minor - row.fee_minor, row.currency),
        "flags": [Session.Flag(flag).label for flag in row.flags],
        "odd": needs_attention(row),
        "timeline": _timeline(row),
        "entries": _entries(request.viewer, row),
        "deliveries": deliveries(request.viewer).filter(event__subject=row.public_id)[:20],
        "pay_link": f"{settings.PUBLIC_URL}/pay/{row.pk}" if row.status == Session.Status.PENDING else "",
        "is_moving": row.status == Session.Status.PENDING or any(depth for _, depth in transfers),
        "may_claim": user.role != Role.API_USER,
        "may_reveal": user.role == Role.MERCHANT and bool(row.callback_url),
    }
    return page_or_part(request, "panel/sessions/detail.html", "panel/sessions/_record.html", context)


def _visible(viewer: Viewer, session_id: UUID) -> Session:
    rows = visible_sessions(viewer).select_related("merchant", "network", "address", "created_by")
    return get_or_404(rows, pk=session_id)


def _transfers(row: Session) -> list[tuple[ChainTransaction, str]]:
    """Each with its depth in words while it still counts."""
    known = heads(row.mode)
    return [
        (one, f"{confirmations(one, known)} of {row.required_confirmations}" if one.status == "pending" else "")
        for one in row.transactions.order_by("id")
    ]


def _timeline(row: Session) -> list[TimelineItem]:
    return [
        TimelineItem(at=one.at, title=one.event.replace("_", " ").capitalize(), detail=one.details, actor="")
        for one in timeline_of(row)
    ]


def _entries(viewer: Viewer, row: Session) -> list[Entry]:
    """Booked lines of its transfers. An api_user has no ledger."""
    if viewer.user.role == Role.API_USER:
        return []
    return list(entries_of_transfers(list(row.transactions.values_list("pk", flat=True))))


def _address(row: Session) -> str:
    return reverse("panel:session", args=[row.pk])


def _facts(row: Session) -> list[tuple[str, object]]:
    return [
        ("Amount", money_text(row.amount)), ("Network", row.network.name), ("Merchant", row.merchant.name),
        ("Reference", row.reference),
    ]


# What may be done ------------------------------------------------------------------------------------------
class ClaimForm(PanelForm):
    transaction_hash = forms.CharField(
        label="Transaction hash", max_length=100, help_text="As the payer's wallet or an explorer shows it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )


@page((*MERCHANTS, *OPERATORS), FORM)
def claim(request: PanelRequest, session_id: UUID) -> HttpResponse:
    row = _visible(request.viewer, session_id)
    step = Step(
        title="Look up a transaction?", action="Look it up", back=_address(row), facts=_facts(row),
        text="The watcher reads it on the chain. What it paid to this session's address counts by the usual rules; "
        "nothing else does.",
    )

    def act(data: dict[str, Any]) -> object:
        return claim_transaction(
            actor=request.actor, session=row, transaction_hash=data["transaction_hash"], claimed_by=request.viewer.user
        )

    return confirm(request, step, act, form=ClaimForm, message="The transaction is being looked up.")


@page(OPERATORS, FORM)
def clear(request: PanelRequest, session_id: UUID) -> HttpResponse:
    row = _visible(request.viewer, session_id)

    def clear_all(note: str) -> None:
        clear_flags(actor=request.actor, session=row, note=note)

    text = "; ".join(Session.Flag(flag).label for flag in row.flags) + "."
    return confirm_looked_at(request, clear_all, text=text, back=_address(row), facts=_facts(row), what="session")


@page(MERCHANTS, POST, proof=True)
def callback_secret(request: PanelRequest, session_id: UUID) -> HttpResponse:
    """What verifies deliveries to a session's own callback, in the answer to a POST, to its owner."""
    row = _visible(request.viewer, session_id)
    secret = show_callback_secret(
        actor=request.actor, merchant=row.merchant, mode=row.mode, contract=Endpoint.Contract.DASHBOARD,
        subject=row.public_id,
    )
    context = {
        "title": "Signing secret of callbacks", "endpoint": {"url": row.callback_url}, "secret": secret,
        "back": _address(row), "standard": "",
    }
    response = dialog(request, "panel/webhooks/secret.html", context)
    response["Cache-Control"] = "no-store, private"
    return response
