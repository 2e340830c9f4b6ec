"""Movements on chain that concern a merchant, and how deep each lies."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from accounts.actors import Viewer, scope
from accounts.models import Role
from crypto.models import ChainState, ChainTransaction
from gateway.lib.sums import ExactSum

Type, Status = ChainTransaction.Type, ChainTransaction.Status
CREDITED = Q(type=Type.INCOMING, status=Status.CONFIRMED)


@dataclass(frozen=True, slots=True)
class TransactionTotals:
    """`volume_minor`: what came in and was credited, fee included, all currencies together."""

    count: int
    incoming: int
    volume_minor: int


def visible_transactions(viewer: Viewer) -> QuerySet[ChainTransaction]:
    """Newest first, by when this gateway first saw or made them. An api_user sees sessions, not the chain."""
    if viewer.user.role == Role.API_USER:
        return ChainTransaction.objects.none()
    rows = scope(ChainTransaction.objects.select_related("network", "session"), viewer)
    return rows.order_by("-created_at", "-id")


def visible_credits(viewer: Viewer) -> QuerySet[ChainTransaction]:
    """Transfers that were credited: one for each credit in the ledger, with its amount and what was charged on it."""
    return visible_transactions(viewer).filter(CREDITED)


def totals_of(rows: QuerySet[ChainTransaction]) -> TransactionTotals:
    sums = rows.order_by().aggregate(
        count=Count("pk"), incoming=Count("pk", filter=Q(type=Type.INCOMING)),
        volume=ExactSum("credited_minor", filter=CREDITED),
    )
    return TransactionTotals(sums["count"], sums["incoming"], int(sums["volume"] or 0))


def told_status(status: str) -> str:
    """In the merchants' API: a transfer whose credit was taken back left the chain, as one that was never credited."""
    return str(Status.ORPHANED if status == Status.REVERSED else status)


def heads(mode: str) -> dict[str, int]:
    """Each network's newest block that the watcher knows."""
    return dict(ChainState.objects.filter(mode=mode).values_list("network_id", "head_height"))


def confirmations(row: ChainTransaction | None, known: dict[str, int]) -> int:
    """Blocks from its own to the head, both counted; 0 while it is in none."""
    if row is None or row.height is None or row.status in (Status.ORPHANED, Status.REVERSED):
        return 0
    return max(1, known.get(row.network_id, 0) - row.height + 1)
