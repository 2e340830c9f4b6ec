"""Accounts of the ledger with their balances, now or as they stood, and one account's entries with the balance after
each."""

from __future__ import annotations

from dataclasses import dataclass

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse

from accounts.actors import get_or_404
from accounts.models import Role
from gateway.lib.money import PLACES
from gateway.panel.access import PanelRequest, page
from gateway.panel.filters import PanelFilters, SearchFilter
from gateway.panel.ledger.narrowing import BookedFilter, moment_form
from gateway.panel.ledger.postings import AREA, SEEN_BY
from gateway.panel.ledger.subjects import Subject, subjects
from gateway.panel.lists import Page, paginate
from gateway.panel.rendering import crumbs, page_or_part
from ledger.balances import balance, balance_at, balance_through, balances
from ledger.models import Entry, LedgerAccount
from ledger.queries import visible_accounts

_OWNERS = (("house", "The house's own"), ("merchants", "Merchants'"))


class AccountFilters(PanelFilters):
    q = SearchFilter(method="search")
    currency = django_filters.ChoiceFilter(
        choices=[(code, code) for code in PLACES], empty_label="Any currency", label="Currency"
    )
    kind = django_filters.ChoiceFilter(choices=LedgerAccount.Kind.choices, empty_label="Any kind", label="Kind")
    owner = django_filters.ChoiceFilter(choices=_OWNERS, method="owned", empty_label="Any owner", label="Owner")

    def search(self, rows: QuerySet[LedgerAccount], name: str, value: str) -> QuerySet[LedgerAccount]:
        text = value.strip()
        if "\0" in text:
            return rows.none()
        merchant = Q(merchant__name__icontains=text) | Q(merchant__public_id=text)
        return rows.filter(merchant | Q(code__icontains=text))

    def owned(self, rows: QuerySet[LedgerAccount], name: str, value: str) -> QuerySet[LedgerAccount]:
        return rows.filter(merchant__isnull=value == "house")


@page(SEEN_BY)
def accounts(request: PanelRequest) -> HttpResponse:
    filters = AccountFilters(data=request.GET, queryset=visible_accounts(request.viewer), request=request)
    if request.viewer.user.role != Role.SUPER_ADMIN:
        del filters.form.fields["owner"]
    form, moment = moment_form(request)
    rows = paginate(request, filters.rows, per_page=50)
    found = balances(LedgerAccount.objects.filter(pk__in=[row.pk for row in rows]), moment)
    minor = {row.pk: amount for row, amount in found}
    context = {
        "crumbs": crumbs(AREA, "Accounts"), "filters": filters, "page": rows, "moment_form": form, "moment": moment,
        "accounts": [(row, minor[row.pk]) for row in rows], "shows_merchants": request.viewer.user.is_operator,
    }
    return page_or_part(request, "panel/ledger/accounts.html", "panel/ledger/_accounts.html", context)


class EntryFilters(PanelFilters):
    from_day = BookedFilter("From")
    to_day = BookedFilter("To", through=True)


@dataclass(frozen=True, slots=True)
class Row:
    entry: Entry
    subject: Subject
    balance: int


@page(SEEN_BY)
def account(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(visible_accounts(request.viewer), pk=pk)
    entries = Entry.objects.filter(account=row).select_related("posting").order_by("-id")
    filters = EntryFilters.narrow(request, entries)
    form, moment = moment_form(request)
    rows = paginate(request, filters.rows, per_page=50)
    context = {
        "crumbs": crumbs(AREA, ("Accounts", "panel:ledger-accounts"), row.code), "account": row, "page": rows,
        "filters": filters, "rows": _rows(row, rows), "balance": balance(row), "moment_form": form, "moment": moment,
        "then": balance_at(row, moment) if moment else None, "shows_merchants": request.viewer.user.is_operator,
    }
    return page_or_part(request, "panel/ledger/account.html", "panel/ledger/_entries.html", context)


def _rows(row: LedgerAccount, entries: Page[Entry]) -> list[Row]:
    """Newest first. A house account keeps no running balance: it is worked out from the newest entry shown."""
    about = subjects(entry.posting.reference for entry in entries)
    after = balance_through(row, entries.rows[0].pk) if row.merchant_id is None and entries.rows else 0
    found = []
    for entry in entries:
        shown = after if entry.balance_after is None else entry.balance_after
        found.append(Row(entry, about[entry.posting.reference], shown))
        after -= entry.amount
    return found
