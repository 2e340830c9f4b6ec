"""The area's first page: what waits for an operator, and the statements that were brought."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from accounts.actors import Viewer, get_or_404
from gateway.panel.access import OPERATORS, PanelRequest, page
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs
from payments.models import Statement, StatementLine
from payments.receiving.queries import visible_accounts
from payments.statements import queries

AREA = ("Statements", "panel:statements")
_SHOWN = 20


@page(OPERATORS)
def statements(request: PanelRequest) -> HttpResponse:
    viewer = request.viewer
    unmatched = queries.visible_lines(viewer).filter(status=StatementLine.Status.UNMATCHED)
    awaiting = queries.awaiting_money(viewer)
    context = {
        "crumbs": crumbs("Statements"),
        "page": paginate(request, queries.visible_statements(viewer)),
        "unmatched": unmatched.order_by().count(),
        "proposals": queries.open_proposals(viewer)[:_SHOWN],
        "awaiting": awaiting[:_SHOWN],
        "awaiting_count": awaiting.order_by().count(),
        "overdue": set(queries.overdue(viewer).values_list("pk", flat=True)[:_SHOWN]),
        "has_accounts": visible_accounts(viewer).exists(),
    }
    return render(request, "panel/statements/list.html", context)


def visible(viewer: Viewer, public_id: str) -> Statement:
    return get_or_404(queries.visible_statements(viewer), public_id=public_id)
