"""Postings: each with its lines, found by what it is about, and shown with the proof that nobody changed it."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render

from accounts.actors import get_or_404, team_merchants
from accounts.models import Role
from gateway.panel.access import MERCHANTS, OPERATORS, PanelRequest, page
from gateway.panel.filters import PanelFilters, SearchFilter
from gateway.panel.ledger.narrowing import BookedFilter, merchants_of
from gateway.panel.ledger.subjects import subjects
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, page_or_part
from gateway.panel.words import POSTINGS, posting_words
from ledger.models import Posting
from ledger.queries import Wallet, references_about, visible_postings, wallets
from ledger.verify import proof_of

SEEN_BY = (*OPERATORS, *MERCHANTS)
AREA = ("Ledger", "panel:ledger")


class PostingFilters(PanelFilters):
    q = SearchFilter(method="search")
    kind = django_filters.ChoiceFilter(choices=list(POSTINGS.items()), empty_label="Any kind", label="Kind")
    merchant = django_filters.ModelChoiceFilter(
        queryset=merchants_of,  # type: ignore[arg-type]
        to_field_name="public_id", empty_label="Any merchant", label="Merchant"
    )
    from_day = BookedFilter("From")
    to_day = BookedFilter("To", through=True)

    def search(self, rows: QuerySet[Posting], name: str, value: str) -> QuerySet[Posting]:
        """By the posting's number, the record's id, or the beginning of the posting's reference."""
        text = value.strip()
        if "\0" in text:
            return rows.none()
        number = Q(pk=int(text)) if text.isascii() and text.isdigit() and len(text) < 18 else Q()
        return rows.filter(number | Q(reference__startswith=text) | Q(reference__startswith=references_about(text)))


@page(SEEN_BY)
def ledger(request: PanelRequest) -> HttpResponse:
    postings = visible_postings(request.viewer).select_related("merchant").prefetch_related("entries__account")
    filters = PostingFilters(data=request.GET, queryset=postings, request=request)
    if not request.viewer.user.is_operator:
        del filters.form.fields["merchant"]
    rows = paginate(request, filters.rows, per_page=15)
    about = subjects(row.reference for row in rows)
    context = {
        "crumbs": crumbs("Ledger"), "filters": filters, "page": rows, "wallets": _wallets(request),
        "postings": [(row, about[row.reference]) for row in rows], "shows_merchants": request.viewer.user.is_operator,
    }
    return page_or_part(request, "panel/ledger/list.html", "panel/ledger/_results.html", context)


def _wallets(request: PanelRequest) -> list[Wallet]:
    user, mode = request.viewer.user, request.viewer.mode
    if user.role == Role.SUPER_ADMIN:
        return wallets(merchant_ids=None, mode=mode)
    return wallets(merchant_ids=team_merchants(user).values_list("pk", flat=True), mode=mode)


@page(SEEN_BY)
def posting(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(visible_postings(request.viewer).select_related("merchant"), pk=pk)
    context = {
        "crumbs": crumbs(AREA, f"Posting {row.pk}"), "posting": row, "title": posting_words(row.kind),
        "subject": subjects([row.reference])[row.reference], "proof": proof_of(row),
        "entries": row.entries.select_related("account", "account__merchant").order_by("id"),
        "shows_merchants": request.viewer.user.is_operator, "sees_house": request.viewer.user.role == Role.SUPER_ADMIN,
    }
    return render(request, "panel/ledger/posting.html", context)
