"""The first page: today's figures, thirty days, what came last, and what needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render

from accounts.actors import Viewer, team_merchants
from accounts.models import Role
from gateway.lib.money import Money
from gateway.panel.access import EVERYONE, PanelRequest, page
from gateway.panel.charts import Chart, DayValue, daily_bars
from gateway.panel.rendering import crumbs
from gateway.panel.words import count_text, money_text, short_rupees
from ledger.queries import Wallet, wallets
from payments import queries as payments
from payments.queries import DayTotals
from payouts import queries as payouts
from webhooks.models import Endpoint
from webhooks.queries import endpoints

_DAYS = 30
_RECENT = 8


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    note: str = ""


@page(EVERYONE)
def overview(request: PanelRequest) -> HttpResponse:
    viewer = request.viewer
    recent = list(payments.visible_payments(viewer)[:_RECENT])
    days = payments.daily_totals(viewer, _DAYS)
    context = {
        "crumbs": crumbs("Overview"),
        "figures": _operator_figures(viewer) if viewer.user.is_operator else _merchant_figures(viewer),
        "other_wallets": _wallets(viewer)[1:],
        "chart": _chart(days),
        "volume": sum(day.succeeded_minor for day in days),
        "recent": recent,
        "waiting": payouts.waiting_for_approval(viewer)[:5] if viewer.user.is_operator else [],
        "failing": _failing(viewer)[:5],
        "is_new": not recent,
        "may_create": not viewer.user.is_operator,
    }
    return render(request, "panel/overview.html", context)


def _wallets(viewer: Viewer) -> list[Wallet]:
    """A super_admin's are the platform's totals, an admin's the team's; everybody else has their merchant's."""
    if viewer.user.role == Role.SUPER_ADMIN:
        return wallets(merchant_ids=None, mode=viewer.mode)
    reach = team_merchants(viewer.user).values_list("pk", flat=True)
    return wallets(merchant_ids=reach, mode=viewer.mode)


def _operator_figures(viewer: Viewer) -> list[Figure]:
    money_in, money_out = payments.today_figures(viewer), payouts.today_figures(viewer)
    fees = money_in.totals.fee_minor + money_out.totals.charge_minor
    return [
        _volume(money_in.totals),
        _success(money_in.totals, money_in.open),
        Figure("Fees charged today", _rupees(fees), "on payments and payouts, GST included"),
        Figure("Payouts waiting", count_text(money_out.waiting), f"{count_text(money_out.under_way)} with the bank"),
    ]


def _merchant_figures(viewer: Viewer) -> list[Figure]:
    today, wallet = payments.today_figures(viewer), _wallets(viewer)[0]
    return [
        Figure("Available balance", _rupees(wallet.available_minor), "to pay out"),
        Figure("Pending", _rupees(wallet.pending_minor), "paid, not yet settled"),
        Figure("Reserved", _rupees(wallet.reserved_minor), "held for payouts and refunds"),
        _volume(today.totals),
    ]


def _volume(totals: DayTotals) -> Figure:
    return Figure("Volume today", _rupees(totals.succeeded_minor), _payments(totals.count))


def _success(totals: DayTotals, still_open: int) -> Figure:
    rate = totals.success_rate
    return Figure("Success rate today", "–" if rate is None else f"{rate:g}%", f"{count_text(still_open)} still open")


def _payments(count: int) -> str:
    return f"{count_text(count)} payment{'' if count == 1 else 's'}"


def _rupees(minor: int) -> str:
    return money_text(Money(minor, "INR"))


def _chart(days: Sequence[DayTotals]) -> Chart:
    return daily_bars(
        [_day_value(day) for day in days],
        label=f"Payments received in the last {len(days)} days", tick_text=short_rupees, unit=10_000,
        columns=("Day", "Received", "Payments", "Success rate"),
    )


def _day_value(day: DayTotals) -> DayValue:
    amount, rate = _rupees(day.succeeded_minor), day.success_rate
    shown = f"{day.day:%d %b}"
    cells = (f"{day.day:%d %b %Y}", amount, count_text(day.count), "–" if rate is None else f"{rate:g}%")
    return DayValue(day.day, day.succeeded_minor, f"{shown} · {amount} · {_payments(day.count)}", cells)


def _failing(viewer: Viewer) -> QuerySet[Endpoint]:
    """Endpoints that have not answered for a while, and those that were stopped for it."""
    in_trouble = Q(failing_since__isnull=False) | (Q(enabled=False) & ~Q(disabled_reason=""))
    return endpoints(viewer).filter(in_trouble)

