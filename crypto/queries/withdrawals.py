"""Withdrawals as their merchant sees them, and their sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.actors import Viewer, scope
from crypto.models import Withdrawal
from crypto.queries.sessions import Happening
from gateway.lib.sums import ExactSum

Status = Withdrawal.Status


@dataclass(frozen=True, slots=True)
class WithdrawalTotals:
    """Minor units, fees included, all currencies together."""

    completed_minor: int
    open_minor: int
    completed_since_minor: int


def visible_withdrawals(viewer: Viewer) -> QuerySet[Withdrawal]:
    """Newest first, with a unique last key."""
    rows = scope(Withdrawal.objects.select_related("network", "outgoing", "payout"), viewer)
    return rows.order_by("-created_at", "-id")


def withdrawal_totals(rows: QuerySet[Withdrawal], since: datetime) -> WithdrawalTotals:
    """What was paid out, what is on its way, and what was paid out from `since` on."""
    completed = Q(status=Status.COMPLETED)
    sums = rows.order_by().aggregate(
        completed=ExactSum("amount_minor", filter=completed),
        open=ExactSum("amount_minor", filter=Q(status__in=[Status.PENDING, Status.PROCESSING])),
        since=ExactSum("amount_minor", filter=completed & Q(completed_at__gte=since)),
    )
    return WithdrawalTotals(*(int(sums[name] or 0) for name in ("completed", "open", "since")))


def fees_since(viewer: Viewer, moment: datetime) -> dict[str, int]:
    """By currency: what was charged, GST included, for withdrawals that were completed since."""
    rows = scope(Withdrawal.objects.filter(status=Status.COMPLETED, completed_at__gte=moment), viewer)
    sums = rows.order_by().values_list("currency").annotate(total=ExactSum("fee_minor"))
    return {currency: int(total or 0) for currency, total in sums}


def withdrawal_timeline(row: Withdrawal) -> list[Happening]:
    """Its steps, oldest first, as far as it has come."""
    by_person = "Approved" if row.approved_by_id else "Approved by itself"
    ended = "Withdrawal completed" if row.status == Status.COMPLETED else row.failure_reason or "Withdrawal failed"
    steps = [
        ("withdrawal_requested", row.created_at, "Withdrawal requested, amount held"),
        ("withdrawal_approved", row.approved_at, by_person),
        ("withdrawal_processing", row.processed_at, "Withdrawal is being sent"),
        ("withdrawal_completed" if row.status == Status.COMPLETED else "withdrawal_failed", row.completed_at, ended),
    ]
    return [Happening(event, at, details) for event, at, details in steps if at is not None]
