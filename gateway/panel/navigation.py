"""The side navigation: which areas there are, for whom, and which one a page belongs to.

An item names its view's module (`payments` for `gateway.panel.payments`), so that every page of an area marks it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from gateway.panel.access import EVERYONE, OPERATORS

_BOOKS = (*OPERATORS, "merchant")


@dataclass(frozen=True, slots=True)
class Area:
    module: str
    url_name: str
    label: str
    roles: tuple[str, ...] = EVERYONE

    @property
    def icon(self) -> str:
        return self.module


@dataclass(frozen=True, slots=True)
class Item:
    href: str
    label: str
    icon: str
    here: bool
    count: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    items: list[Item]


GROUPS: tuple[tuple[str, tuple[Area, ...]], ...] = (
    ("", (Area("queue", "panel:queue", "To do", OPERATORS), Area("overview", "panel:overview", "Overview"))),
    (
        "Money",
        (
            Area("payments", "panel:payments", "Payments"),
            Area("statements", "panel:statements", "Statements", OPERATORS),
            Area("receiving", "panel:receiving", "Receiving accounts", OPERATORS),
            Area("payouts", "panel:payouts", "Payouts"),
            Area("batches", "panel:batches", "Bank files", OPERATORS),
            Area("beneficiaries", "panel:beneficiaries", "Beneficiaries", _BOOKS),
            Area("corrections", "panel:corrections", "Corrections", OPERATORS),
            Area("ledger", "panel:ledger", "Ledger", _BOOKS),
        ),
    ),
    (
        "Crypto",
        (
            Area("sessions", "panel:sessions", "Crypto payments"),
            Area("withdrawals", "panel:withdrawals", "Withdrawals"),
            Area("exports", "panel:exports", "Exports", _BOOKS),
            Area("wallets", "panel:wallets", "Wallets", ("super_admin",)),
            Area("networks", "panel:networks", "Networks", OPERATORS),
        ),
    ),
    (
        "People",
        (Area("users", "panel:users", "Users", _BOOKS), Area("merchants", "panel:merchants", "Merchants", OPERATORS)),
    ),
    (
        "Oversight",
        (
            Area("audit", "panel:audit", "Audit trail", _BOOKS),
            Area("health", "panel:health", "Health", ("super_admin",)),
        ),
    ),
    (
        "Developers",
        (
            Area("keys", "panel:keys", "API keys"),
            Area("signatures", "panel:signatures", "Signatures", ("merchant",)),
            Area("webhooks", "panel:webhooks", "Webhooks", _BOOKS),
            Area("reference", "panel:reference", "API reference"),
        ),
    ),
)


def navigation(request: HttpRequest, role: str, counts: dict[str, str]) -> list[Group]:
    """What `role` may see, the current area marked. `counts` maps a module to what waits there."""
    here = _current_module(request)
    groups = [(title, [_item(area, here, counts) for area in areas if role in area.roles]) for title, areas in GROUPS]
    shown = [(title, [item for item in items if item is not None]) for title, items in groups]
    return [Group(title, items) for title, items in shown if items]


def _item(area: Area, here: str, counts: dict[str, str]) -> Item | None:
    try:
        href = reverse(area.url_name)
    except NoReverseMatch:
        return None
    return Item(href, area.label, area.icon, area.module == here, counts.get(area.module, ""))


def _current_module(request: HttpRequest) -> str:
    match = request.resolver_match
    path = getattr(match.func, "__module__", "") if match else ""
    return path.removeprefix("gateway.panel.").split(".")[0]
