"""The first page: the figures of a period, what waits for somebody, and what came last.

Rupees are those of the payments that ended in the period, tokens those of the transfers that were credited in it; a
withdrawal that becomes a payout, or a balance, is in neither. Fees are of these, and of the payouts and withdrawals
that were paid in it. What waits is the queue's own count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import reverse

from accounts.actors import Viewer, team_merchants
from accounts.models import Role
from crypto.chains.registry import enabled_networks
from crypto.openness import closed_networks
from crypto.queries import figures as crypto
from crypto.queries.withdrawals import fees_since
from gateway.lib.money import Money
from gateway.panel.access import EVERYONE, PanelRequest, page
from gateway.panel.charts import Chart, Slot, bars
from gateway.panel.periods import Period, choices, period_of
from gateway.panel.queue import reading
from gateway.panel.queue.kinds import KINDS
from gateway.panel.rendering import crumbs, page_or_part
from gateway.panel.words import count_text, money_text, short_rupees
from ledger.queries import Wallet, wallets
from payments import queries as payments
from payments.figures import Sums, sums_by_slot
from payments.models import Payment
from payouts import queries as payouts
from webhooks.models import Endpoint
from webhooks.queries import endpoints

_RECENT, _WAITING = 8, 5
_TOKEN = 10**8


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    note: str = ""
    href: str = ""
    tone: str = ""  # "bad" or "wait": somebody should look


@page(EVERYONE)
def overview(request: PanelRequest) -> HttpResponse:
    viewer = request.viewer
    recent, books = list(payments.visible_payments(viewer)[:_RECENT]), _wallets(viewer)
    period = period_of(request.GET.get("period", ""))
    sums, failing = _Sums(viewer, period), list(_failing(viewer)[:5])
    operator = viewer.user.is_operator
    context = {
        "crumbs": crumbs("Overview"),
        "period": period, "periods": choices(period),
        "figures": _operators(request, sums, failing) if operator else _merchants(viewer, sums, books[0], failing),
        "chart": _chart(sums), "volume": sums.total.succeeded_minor,
        "crypto_chart": _crypto_chart(sums), "crypto_volume": sums.token_words,
        "methods": _methods(sums),
        "other_wallets": books[1:],
        "recent": recent,
        "waiting": _waiting(viewer) if operator else [],
        "failing": failing,
        "is_new": not recent,
        "may_create": not operator,
    }
    return page_or_part(request, "panel/overview.html", "panel/_overview.html", context)


class _Sums:
    """What happened in a period, each read once."""

    def __init__(self, viewer: Viewer, period: Period) -> None:
        self.viewer, self.period = viewer, period

    @cached_property
    def slots(self) -> dict[object, Sums]:
        found: dict[object, Sums] = {}
        for (slot, method), sums in self._payments.items():
            found[slot] = found.get(slot, Sums()) + sums
            found[method] = found.get(method, Sums()) + sums
        return found

    @cached_property
    def _payments(self) -> dict[tuple[object, str], Sums]:
        period = self.period
        found = sums_by_slot(
            self.viewer, start=period.start, fresh_from=period.today, by=period.by, zone=period.zone
        )
        return {(slot, method): sums for (slot, method), sums in found.items()}

    @cached_property
    def total(self) -> Sums:
        return sum(self._payments.values(), Sums())

    @cached_property
    def credits(self) -> list[crypto.Credited]:
        """By hours of UTC, of which a day of the reader's zone is put together."""
        return list(crypto.credited(self.viewer, self.period.start, None, "hour"))

    @cached_property
    def tokens(self) -> dict[str, tuple[int, int]]:
        """Volume and fee of each currency."""
        found: dict[str, tuple[int, int]] = {}
        for row in self.credits:
            volume, fee = found.get(row.currency, (0, 0))
            found[row.currency] = volume + row.volume_minor, fee + row.fee_minor
        return dict(sorted(found.items(), reverse=True))

    @property
    def token_words(self) -> str:
        return " + ".join(money_text(Money(volume, currency)) for currency, (volume, _) in self.tokens.items())


def _wallets(viewer: Viewer) -> list[Wallet]:
    """A super_admin's are the platform's totals, an admin's the team's; everybody else has their merchant's."""
    if viewer.user.role == Role.SUPER_ADMIN:
        return wallets(merchant_ids=None, mode=viewer.mode)
    reach = team_merchants(viewer.user).values_list("pk", flat=True)
    return wallets(merchant_ids=reach, mode=viewer.mode)


# Figures ------------------------------------------------------------------------------------------------
def _operators(request: PanelRequest, sums: _Sums, failing: Sequence[Endpoint]) -> list[Figure]:
    viewer = request.viewer
    _, paid, charged = payouts.paid_since(viewer, sums.period.start)
    fees = [_rupees(sums.total.fee_minor + charged)]
    fees += [money_text(Money(fee, currency)) for currency, fee in _token_fees(sums).items() if fee]
    return [
        _volume(sums.total), _crypto(sums), _success(sums.total),
        Figure("Fees charged", fees[0], " + ".join(["GST included", *fees[1:]])),
        Figure("Paid out", _rupees(paid), "to bank accounts"),
        _to_do(request), _webhooks(failing), _chains(viewer.mode),
    ]


def _token_fees(sums: _Sums) -> dict[str, int]:
    found = fees_since(sums.viewer, sums.period.start)
    for currency, (_, fee) in sums.tokens.items():
        found[currency] = found.get(currency, 0) + fee
    return dict(sorted(found.items(), reverse=True))


def _merchants(viewer: Viewer, sums: _Sums, wallet: Wallet, failing: Sequence[Endpoint]) -> list[Figure]:
    found = [
        Figure("Available balance", _rupees(wallet.available_minor), "to pay out"),
        Figure("Pending", _rupees(wallet.pending_minor), "paid, not yet settled"),
        Figure("Reserved", _rupees(wallet.reserved_minor), "held for payouts and refunds"),
        _volume(sums.total), _crypto(sums), _success(sums.total),
    ]
    return [*found, _webhooks(failing)] if viewer.user.role == Role.MERCHANT else found


def _volume(totals: Sums) -> Figure:
    return Figure("Volume", _rupees(totals.succeeded_minor), _payments(totals.captured))


def _crypto(sums: _Sums) -> Figure:
    first, *others = sums.token_words.split(" + ")
    credits = sum(row.credits for row in sums.credits)
    note = " + ".join([*others, f"{count_text(credits)} transfer{'' if credits == 1 else 's'}"])
    return Figure("Crypto volume", first or money_text(Money(0, "USDT")), note)


def _success(totals: Sums) -> Figure:
    note = f"{count_text(totals.failed)} of {count_text(totals.count + totals.failed)} failed"
    return Figure("Success rate", _percent(totals.success_rate), note if totals.count + totals.failed else "none ended")


def _to_do(request: PanelRequest) -> Figure:
    count, total = payouts.waiting_sum(request.viewer)
    waiting = sum(reading.counts_of(request).values())
    note = f"{_rupees(total)} in {count_text(count)} payout{'' if count == 1 else 's'}" if count else "no payout waits"
    return Figure(
        "Waiting for somebody", reading.count_text(waiting) or "0", note, reverse("panel:queue"),
        "wait" if waiting else "",
    )


def _webhooks(failing: Sequence[Endpoint]) -> Figure:
    count = f"{len(failing)}{'+' if len(failing) == 5 else ''}"
    note = "endpoints that do not answer" if failing else "every endpoint answers"
    return Figure("Webhooks failing", count, note, reverse("panel:webhooks"), "bad" if failing else "")


def _chains(mode: str) -> Figure:
    closed, count = closed_networks(mode), len(enabled_networks(mode))
    names = ", ".join(network.code for network, _ in closed)
    value = f"{count - len(closed)} of {count} open" if count else "None on"
    note = f"closed: {names}" if closed else "every checkout is open" if count else ""
    return Figure("Networks", value, note, reverse("panel:networks"), "bad" if closed else "")


def _payments(count: int) -> str:
    return f"{count_text(count)} payment{'' if count == 1 else 's'}"


def _rupees(minor: int) -> str:
    return money_text(Money(minor, "INR"))


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:g}%"


def _methods(sums: _Sums) -> list[dict[str, str]]:
    """Each way to pay: rupees by method, and tokens by the sessions that were opened in the period."""
    rows = [_method(label, sums.slots[name]) for name, label in Payment.Method.choices if name in sums.slots]
    opened = crypto.count_opened(sums.viewer, sums.period.start)
    ended = sum(count for status, count in opened.items() if status != "pending")
    if ended:
        rows.append({
            "label": "Crypto", "count": count_text(opened["paid"]), "failed": count_text(ended - opened["paid"]),
            "rate": _percent(round(100 * opened["paid"] / ended, 1)),
            "volume": sums.token_words.replace(" USD", "\N{NO-BREAK SPACE}USD"),
        })
    return rows


def _method(label: str, sums: Sums) -> dict[str, str]:
    return {
        "label": str(label), "count": count_text(sums.count), "failed": count_text(sums.failed),
        "rate": _percent(sums.success_rate), "volume": _rupees(sums.succeeded_minor),
    }


# Charts -------------------------------------------------------------------------------------------------
def _chart(sums: _Sums) -> Chart:
    period = sums.period
    return bars(
        [_slot(period, start, sums.slots.get(start, Sums())) for start in period.slots],
        label=f"Payments received in the last {period.label}", tick_text=short_rupees, unit=10_000,
        columns=(period.by.capitalize(), "Received", "Payments", "Success rate"),
    )


def _slot(period: Period, start: datetime, sums: Sums) -> Slot:
    amount = _rupees(sums.succeeded_minor)
    cells = (period.words(start), amount, count_text(sums.captured), _percent(sums.success_rate))
    return Slot(period.mark(start), sums.succeeded_minor, f"{cells[0]} · {amount} · {_payments(sums.captured)}", cells)


def _crypto_chart(sums: _Sums) -> Chart | None:
    """USDT and USDC in one bar: both are dollars. None where nothing came."""
    if not sums.credits:
        return None
    period, found = sums.period, [0] * len(sums.period.slots)
    for row in sums.credits:
        found[_index(period, row)] += row.volume_minor
    return bars(
        [_token_slot(period, start, minor) for start, minor in zip(period.slots, found, strict=True)],
        label=f"Tokens received in the last {period.label}", unit=_TOKEN, columns=(period.by.capitalize(), "Received"),
        tick_text=lambda minor: f"{minor // _TOKEN:,}",
    )


def _index(period: Period, row: crypto.Credited) -> int:
    """An hour belongs to the slot in which it begins: in a zone of half hours a day's last may reach over midnight."""
    later = [at for at, start in enumerate(period.slots) if start <= row.at]
    return later[-1] if later else 0


def _token_slot(period: Period, start: datetime, minor: int) -> Slot:
    words, amount = period.words(start), f"{Money(minor, 'USDT').decimal:,.2f} tokens"
    return Slot(period.mark(start), minor, f"{words} · {amount}", (words, amount))


# What needs somebody --------------------------------------------------------------------------------------
def _waiting(viewer: Viewer) -> list[reading.Row]:
    return reading.rows_of(viewer, reading.keys(viewer, KINDS, None)[:_WAITING])


def _failing(viewer: Viewer) -> QuerySet[Endpoint]:
    """Endpoints that have not answered for a while, and those that were stopped for it."""
    in_trouble = Q(failing_since__isnull=False) | (Q(enabled=False) & ~Q(disabled_reason=""))
    return endpoints(viewer).filter(in_trouble)
