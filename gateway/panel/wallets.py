"""The house's own side of crypto, for super admins: hot wallets, what is being sent, sweeps and their gas.

Figures come from the books; `manage.py reconcile_chain` proves them against the chains.
"""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import get_or_404
from accounts.models import Role
from crypto import formats
from crypto.models import Network, Outgoing, Sweep
from crypto.queries import sending
from crypto.services.gas import native_minor
from crypto.services.outgoing import OPEN
from crypto.services.outgoing_ends import give_up_outgoing, resume_sender
from crypto.services.outgoing_vanished import put_aside_vanished
from gateway.lib.money import Money
from gateway.panel.access import FORM, PanelRequest, page
from gateway.panel.confirming import NoteForm, Step, confirm
from gateway.panel.filters import PanelFilters, SearchFilter
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, page_or_part
from gateway.panel.words import money_text

_HOUSE = (Role.SUPER_ADMIN.value,)
AREA = ("Wallets", "panel:wallets")


@page(_HOUSE)
def wallets(request: PanelRequest) -> HttpResponse:
    viewer = request.viewer
    rows = sending.visible_outgoing(viewer)
    context = {
        "crumbs": crumbs("Wallets"),
        "wallets": sending.wallet_views(viewer),
        "stopped": sending.stopped_senders(viewer),
        "odd": [shown(row) for row in sending.odd_outgoing(viewer)[:20]],
        "outgoing": [shown(row) for row in rows[:8]],
        "sweeps": sending.visible_sweeps(viewer)[:8],
    }
    return render(request, "panel/wallets/wallets.html", context)


def shown(row: Outgoing) -> dict[str, Any]:
    """An intent with its amount and fee as money, and whose it is."""
    fee = Money(native_minor(row.network, int(row.fee_raw), up=True), row.network.native) if row.fee_raw else None
    return {"row": row, "amount": _amount(row), "fee": fee, "merchant": _merchant(row)}


def _amount(row: Outgoing) -> Money:
    if row.token is None:
        return Money(native_minor(row.network, int(row.raw_units)), row.network.native)
    return Money(formats.to_minor(int(row.raw_units), row.token.decimals)[0], row.token.currency)


def _merchant(row: Outgoing) -> str:
    owner = getattr(row, "withdrawal", None) or getattr(row, "sweep", None)
    return owner.merchant.name if owner is not None and owner.merchant is not None else ""


# What is sent ----------------------------------------------------------------------------------------------
class OutgoingFilters(PanelFilters):
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=Outgoing.Status.choices, empty_label="Any status")
    purpose = django_filters.ChoiceFilter(choices=Outgoing.Purpose.choices, empty_label="Any purpose")
    network = django_filters.ModelChoiceFilter(queryset=Network.objects.all(), empty_label="Any network")

    def search(self, rows: QuerySet[Outgoing], name: str, value: str) -> QuerySet[Outgoing]:
        text = value.strip()
        if "\0" in text:
            return rows.none()
        found = Q(attempts__transaction_hash=text) | Q(sender=text) | Q(recipient=text)
        return rows.filter(found).distinct()


@page(_HOUSE)
def outgoing(request: PanelRequest) -> HttpResponse:
    filters = OutgoingFilters.narrow(request, sending.visible_outgoing(request.viewer))
    found = paginate(request, filters.rows)
    context = {
        "crumbs": crumbs(AREA, "Transactions"), "filters": filters, "page": found,
        "outgoing": [shown(row) for row in found.rows],
    }
    return page_or_part(request, "panel/wallets/outgoing_list.html", "panel/wallets/_outgoing_results.html", context)


@page(_HOUSE)
def transaction(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(sending.visible_outgoing(request.viewer), pk=pk)
    context = {
        "crumbs": crumbs(AREA, ("Transactions", "panel:outgoing"), f"Transaction {row.pk}"),
        "attempts": row.attempts.order_by("-number"),
        "is_moving": row.status in OPEN and not row.flag,
        "wait": sending.wait_words(row),
        "is_odd": bool(row.flag) and (row.status in OPEN or row.flag == Outgoing.Flag.VANISHED),
        "may_put_aside": row.flag == Outgoing.Flag.VANISHED,
        "may_give_up": row.status in OPEN and row.flag in (Outgoing.Flag.FOREIGN, Outgoing.Flag.OTHERWISE),
        "transaction_url": (
            formats.explorer_transaction_url(row.network, row.transaction_hash)
            if row.transaction_hash and row.mode == "live" else ""
        ),
        **shown(row),
    }
    return page_or_part(request, "panel/wallets/transaction.html", "panel/wallets/_transaction.html", context)


@page(_HOUSE, FORM, proof=True)
def give_up(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(sending.visible_outgoing(request.viewer), pk=pk)
    if row.flag == Outgoing.Flag.VANISHED:
        return _put_aside(request, row)
    step = Step(
        title="Give this transaction up?", action="Give up", danger=True, back=reverse("panel:transaction", args=[pk]),
        text="Look at the chain first. What it was for counts as not sent, and what was held is released.",
        facts=[("Amount", money_text(_amount(row))), ("To", row.recipient), ("Why", row.get_flag_display())],
    )

    def act(data: dict[str, Any]) -> Outgoing:
        return give_up_outgoing(actor=request.actor, outgoing=row, note=data["note"])

    return confirm(request, step, act, form=NoteForm, message="The transaction is given up.")


def _put_aside(request: PanelRequest, row: Outgoing) -> HttpResponse:
    step = Step(
        title="Stop looking for this transaction?", action="Put aside", danger=True,
        back=reverse("panel:transaction", args=[row.pk]),
        text="The books stay as they are: what is completed counts as paid. Settle it with whoever it was for first.",
        facts=[("Amount", money_text(_amount(row))), ("To", row.recipient), ("Why", row.get_flag_display())],
    )

    def act(data: dict[str, Any]) -> Outgoing:
        return put_aside_vanished(actor=request.actor, outgoing=row, note=data["note"])

    return confirm(request, step, act, form=NoteForm, message="The transaction is put aside.")


@page(_HOUSE, FORM, proof=True)
def resume(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(sending.stopped_senders(request.viewer), pk=pk)
    step = Step(
        title="Sign for this address again?", action="Go on signing", back=reverse("panel:wallets"),
        text="Only if you know who made the other transaction, and that nobody else holds the key.",
        facts=[("Address", row.address), ("Network", row.network.name), ("Stopped", row.stopped_reason)],
    )

    def act(data: dict[str, Any]) -> None:
        resume_sender(actor=request.actor, sender=row, note=data["note"])

    return confirm(request, step, act, form=NoteForm, message="Signing goes on.")


# Sweeps ----------------------------------------------------------------------------------------------------
class SweepFilters(PanelFilters):
    status = django_filters.ChoiceFilter(choices=Sweep.Status.choices, empty_label="Any status")
    network = django_filters.ModelChoiceFilter(
        field_name="address__network", queryset=Network.objects.all(), empty_label="Any network"
    )


@page(_HOUSE)
def sweeps(request: PanelRequest) -> HttpResponse:
    filters = SweepFilters.narrow(request, sending.visible_sweeps(request.viewer))
    context = {"crumbs": crumbs(AREA, "Sweeps"), "filters": filters, "page": paginate(request, filters.rows)}
    return page_or_part(request, "panel/wallets/sweeps.html", "panel/wallets/_sweeps.html", context)
