"""The trial balance, now or at a past moment; on screen and as a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from gateway.lib.money import Money
from gateway.lib.spreadsheets import Column, write_xlsx
from gateway.panel.access import SUPER_ADMINS, PanelRequest, page
from gateway.panel.ledger.downloads import XLSX, download
from gateway.panel.ledger.narrowing import moment_form
from gateway.panel.ledger.postings import AREA
from gateway.panel.rendering import crumbs, page_or_part
from ledger.trial_balance import TrialBalance, trial_balances
from ledger.verify import last_verification


@page(SUPER_ADMINS)
def trial_balance(request: PanelRequest) -> HttpResponse:
    form, moment = moment_form(request)
    shown = not form.is_bound or moment is not None
    context = {
        "crumbs": crumbs(AREA, "Trial balance"), "moment_form": form, "moment": moment,
        "tables": trial_balances(request.viewer, moment) if shown else [], "verified": last_verification(),
    }
    return page_or_part(request, "panel/ledger/trial.html", "panel/ledger/_trial.html", context)


_COLUMNS = (
    Column("Currency", width=10), Column("Owner", width=12), Column("Account", width=28), Column("With", width=20),
    Column("Network", width=12), Column("Accounts", "number", width=10), Column("Debit", "number"),
    Column("Credit", "number"),
)


@page(SUPER_ADMINS)
def as_xlsx(request: PanelRequest) -> HttpResponse:
    form, moment = moment_form(request)
    if form.is_bound and moment is None:  # today's figures must not pass for those of a moment that was mistyped
        return redirect(f"{reverse('panel:trial-balance')}?{request.GET.urlencode()}")
    content = BytesIO()
    write_xlsx(_COLUMNS, _lines(trial_balances(request.viewer, moment)), content)
    day = timezone.localtime(moment)
    return download(content, f"trial-balance-{request.viewer.mode}-{day:%Y-%m-%d-%H%M}.xlsx", XLSX)


def _lines(tables: Iterable[TrialBalance]) -> Iterator[tuple[Any, ...]]:
    for table in tables:
        for line in table.lines:
            owner = "Merchants" if line.of_merchants else "House"
            yield (table.currency, owner, line.label, line.counterparty, line.network, line.accounts,
                   *_figures(table.currency, line.debit, line.credit))
        yield (table.currency, "", "Total", "", "", None, *_figures(table.currency, table.debit, table.credit))


def _figures(currency: str, *minor: int) -> list[Decimal]:
    """Plain numbers: a column of several currencies has no one number of places."""
    return [Money(value, currency).decimal for value in minor]
