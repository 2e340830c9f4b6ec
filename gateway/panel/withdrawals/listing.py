"""The queue of withdrawals that wait for an operator, the list, and one withdrawal."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse

from accounts.actors import Viewer, get_or_404
from accounts.models import Role
from crypto import formats
from crypto.models import Withdrawal
from crypto.queries import sending
from crypto.services.withdrawal_deciding import can_be_rejected
from gateway.panel.access import EVERYONE, MERCHANTS, PanelRequest, page
from gateway.panel.filters import DayFilter, PanelFilters, SearchFilter
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, page_or_part

Status = Withdrawal.Status
AREA = ("Withdrawals", "panel:withdrawals")
MAKERS = (*MERCHANTS, Role.SUPER_ADMIN.value)
_QUEUE = 20


class WithdrawalFilters(PanelFilters):
    more = "Dates"
    q = SearchFilter(method="search")
    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any status")
    method = django_filters.ChoiceFilter(choices=Withdrawal.Method.choices, empty_label="Any method")
    from_day = DayFilter("From")
    to_day = DayFilter("To", through=True)

    def search(self, rows: QuerySet[Withdrawal], name: str, value: str) -> QuerySet[Withdrawal]:
        return sending.search_withdrawals(rows, value)


@page(EVERYONE)
def withdrawals(request: PanelRequest) -> HttpResponse:
    viewer = request.viewer
    filters = WithdrawalFilters.narrow(request, sending.panel_withdrawals(viewer))
    context = {
        "crumbs": crumbs("Withdrawals"),
        "filters": filters,
        "page": paginate(request, filters.rows),
        "queue": sending.waiting_withdrawals(viewer)[:_QUEUE] if viewer.user.is_operator else [],
        "may_create": viewer.user.role in MAKERS,
        "may_list": viewer.user.role == Role.MERCHANT,
    }
    return page_or_part(request, "panel/withdrawals/list.html", "panel/withdrawals/_results.html", context)


@page(EVERYONE)
def withdrawal(request: PanelRequest, pk: int) -> HttpResponse:
    row = visible(request.viewer, pk)
    user = request.viewer.user
    decides = user.is_operator and row.created_by_id != user.pk
    waits = row.status == Status.PENDING and row.needs_approval and row.approved_at is None
    outgoing = row.outgoing
    context = {
        "crumbs": crumbs(AREA, f"Withdrawal {row.pk}"),
        "withdrawal": row,
        "outgoing": outgoing,
        "transaction_url": _transaction_url(row),
        "address_url": formats.explorer_address_url(row.network, row.address) if row.network and row.address else "",
        "payout_url": reverse("panel:payout", args=[row.payout.public_id]) if row.payout else "",
        "timeline": sending.withdrawal_history(row),
        "entries": [] if user.role == Role.API_USER else list(sending.entries_of(row)),
        "waits": waits,
        "wait": sending.wait_words(outgoing) if outgoing else "",
        "may_approve": decides and waits,
        "may_reject": decides and can_be_rejected(row),
        "is_own": user.is_operator and row.created_by_id == user.pk and waits,
        "is_moving": row.status in (Status.PENDING, Status.PROCESSING) and not waits,
    }
    return page_or_part(request, "panel/withdrawals/detail.html", "panel/withdrawals/_record.html", context)


def visible(viewer: Viewer, pk: int) -> Withdrawal:
    return get_or_404(sending.panel_withdrawals(viewer), pk=pk)


def _transaction_url(row: Withdrawal) -> str:
    """Only a real chain has an explorer."""
    if row.outgoing is None or row.network is None or not row.outgoing.transaction_hash or row.mode != "live":
        return ""
    return formats.explorer_transaction_url(row.network, row.outgoing.transaction_hash)
