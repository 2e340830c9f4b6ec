"""The audit trail: every change with who made it, through which door, from where; filtered, and each in full.

An operator's addresses are an operator's matter: a merchant sees who did it, not from where nor how to write to them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, cast

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actors import get_or_404
from accounts.models import AuditRecord
from accounts.queries import visible_audit
from gateway.panel import trail
from gateway.panel.access import MERCHANTS, OPERATORS, PanelRequest, page
from gateway.panel.filters import DayFilter, PanelFilters, SearchFilter
from gateway.panel.lists import paginate
from gateway.panel.rendering import crumbs, page_or_part

_READERS = (*OPERATORS, *MERCHANTS)
# What an action's name begins with, in words.
SUBJECTS = {
    "payment": "Payments", "order": "Orders", "refund": "Refunds", "correction": "Corrections", "payout": "Payouts",
    "beneficiary": "Beneficiaries", "batch": "Bank files", "bank_format": "Formats of bank files",
    "receiving": "Receiving accounts", "statement": "Statements", "line": "Credits of statements",
    "session": "Crypto payments", "withdrawal": "Withdrawals", "withdrawal_address": "Withdrawal addresses",
    "withdrawal_limit": "Withdrawal limits", "settlement_account": "Settlement accounts",
    "outgoing": "Transactions on chain", "house_withdrawal": "House withdrawals", "capital": "Recorded coins",
    "credit_reversal": "Credits taken back", "sender": "Stopped senders", "network": "Networks", "export": "Exports",
    "webhook_endpoint": "Webhooks",
    "webhook_delivery": "Webhook deliveries", "callback_secret": "Callback secrets",
    "portal_key": "Portal keys", "credential": "Key pairs", "return_secret": "Return secrets", "user": "Users",
    "password": "Passwords", "second_factor": "Authenticators", "profile": "Profiles", "merchant": "Merchants",
    "fee_plan": "Fees", "encryption": "Encryption keys", "api": "Calls tried from the panel",
    "signature": "Signatures debugged",
}
_PAGES = {
    "pay": "panel:payment", "corr": "panel:correction", "pout": "panel:payout", "usr": "panel:user",
    "mrc": "panel:merchant",
}
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)


class AuditFilters(PanelFilters):
    q = SearchFilter(method="search")
    who = django_filters.CharFilter(method="by_whom", label="Who", max_length=100)
    subject = django_filters.ChoiceFilter(
        choices=list(SUBJECTS.items()), empty_label="Everything", label="About", method="about"
    )
    from_day = DayFilter("From")
    to_day = DayFilter("To", through=True)

    def search(self, rows: QuerySet[AuditRecord], name: str, value: str) -> QuerySet[AuditRecord]:
        """A record's id, an action, or the id of the request: each exactly, so that an index or a glance finds it."""
        text = value.strip()
        return rows.filter(Q(target=text) | Q(action=text) | Q(request_id=text)) if "\0" not in text else rows.none()

    def by_whom(self, rows: QuerySet[AuditRecord], name: str, value: str) -> QuerySet[AuditRecord]:
        text = value.strip()
        if "\0" in text:
            return rows.none()
        by_mail, request = Q(actor__email__icontains=text), cast(PanelRequest, self.request)
        if not request.viewer.user.is_operator:  # not shown, so not found
            by_mail &= ~Q(actor__role__in=OPERATORS)
        people = Q(actor__name__icontains=text) | by_mail | Q(actor__public_id=text)
        return rows.filter(people | Q(actor_label__icontains=text))

    def about(self, rows: QuerySet[AuditRecord], name: str, value: str) -> QuerySet[AuditRecord]:
        return rows.filter(action__startswith=f"{value}.")


@dataclass(frozen=True, slots=True)
class Change:
    name: str
    before: str
    after: str


@page(_READERS)
def audit(request: PanelRequest) -> HttpResponse:
    filters = AuditFilters.narrow(request, visible_audit(request.viewer))
    found = paginate(request, filters.rows, 50)
    context = {
        "crumbs": crumbs("Audit trail"), "filters": filters, "page": found,
        "rows": [_line(request, row) for row in found.rows],
    }
    return page_or_part(request, "panel/audit/list.html", "panel/audit/_results.html", context)


@page(_READERS)
def record(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(visible_audit(request.viewer), pk=pk)
    line = _line(request, row)
    context = {
        "crumbs": crumbs(("Audit trail", "panel:audit"), line["title"]), **line,
        "changes": _changes(row.data), "facts": _facts(row.data), "address": _address(request, row),
    }
    return render(request, "panel/audit/record.html", context)


def _line(request: PanelRequest, row: AuditRecord) -> dict[str, Any]:
    return {
        "row": row, "title": trail.title_of(row.action), "detail": trail.detail_of(row.data),
        "actor": row.actor.name if row.actor else row.actor_label, "target_url": _page_of(request, row),
    }


def _page_of(request: PanelRequest, row: AuditRecord) -> str:
    """The page of what was changed, where its id says which that is."""
    if row.action.startswith("withdrawal.") and row.target.removeprefix("withdrawal-").isdecimal():
        return reverse("panel:withdrawal", args=[int(row.target.removeprefix("withdrawal-"))])
    if _UUID.fullmatch(row.target):
        subject = row.action.partition(".")[0]
        name = {"session": "panel:session", "webhook_endpoint": "panel:endpoint"}.get(subject, "")
        return reverse(name, args=[row.target]) if name else ""
    if row.target.startswith("mrc_") and not request.viewer.user.is_operator:
        return ""
    name = _PAGES.get(row.target.partition("_")[0], "")
    return reverse(name, args=[row.target]) if name else ""


def _address(request: PanelRequest, row: AuditRecord) -> str:
    by_operator = row.actor is not None and row.actor.is_operator
    return "" if by_operator and not request.viewer.user.is_operator else row.address


def _changes(data: dict[str, Any]) -> list[Change]:
    """Whatever was written down as [before, after]."""
    return [
        Change(trail.field_name(name), trail.word(pair[0], name), trail.word(pair[1], name))
        for name, pair in _flat(data).items() if trail.is_change(name, pair)
    ]


def _facts(data: dict[str, Any]) -> list[tuple[str, str]]:
    """The rest of it, a line each."""
    rest = {name: value for name, value in _flat(data).items() if not trail.is_change(name, value)}
    return [(trail.field_name(name).capitalize(), _plain(value)) for name, value in rest.items() if value != ""]


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    changed = data.get("changed")
    if not isinstance(changed, dict):
        return data
    return {name: value for name, value in data.items() if name != "changed"} | changed


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return trail.word(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
