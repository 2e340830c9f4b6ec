"""The books as a reader may see them: balances, and each posting with its lines."""

from __future__ import annotations

from django.http import HttpResponse

from accounts.actors import team_merchants
from accounts.models import Role
from gateway.panel.access import MERCHANTS, OPERATORS, PanelRequest, page
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, page_or_part
from ledger.queries import Wallet, visible_postings, wallets


@page((*OPERATORS, *MERCHANTS))
def ledger(request: PanelRequest) -> HttpResponse:
    postings = visible_postings(request.viewer).select_related("merchant").prefetch_related("entries__account")
    context = {
        "crumbs": crumbs("Ledger"),
        "wallets": _wallets(request),
        "page": paginate(request, postings, per_page=15),
        "shows_merchants": request.viewer.user.is_operator,
    }
    return page_or_part(request, "panel/ledger/list.html", "panel/ledger/_results.html", context)


def _wallets(request: PanelRequest) -> list[Wallet]:
    user, mode = request.viewer.user, request.viewer.mode
    if user.role == Role.SUPER_ADMIN:
        return wallets(merchant_ids=None, mode=mode)
    return wallets(merchant_ids=team_merchants(user).values_list("pk", flat=True), mode=mode)
