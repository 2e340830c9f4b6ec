"""What operators see of credits that are taken back, or to be. Merchants see in ledger and trail what was booked."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts import history
from accounts.actors import Viewer, scope
from accounts.history import TimelineItem
from crypto.models import ChainTransaction, CreditReversal
from crypto.queries.transactions import visible_transactions
from crypto.services.credit_rounds import credit_reference, reversal_reference
from ledger.models import Entry

Status = CreditReversal.Status
_TITLES = {
    "credit_reversal.proposed": "Taking the credit back was proposed",
    "credit_reversal.confirmed": "Confirmed by another operator, and booked",
    "credit_reversal.rejected": "Rejected",
    "credit_reversal.withdrawn": "Withdrawn by whoever proposed it",
    "credit_reversal.returned": "It came again, and was credited again",
}


def visible_transfers(viewer: Viewer) -> QuerySet[ChainTransaction]:
    """What was paid to merchants' addresses, newest first."""
    rows = visible_transactions(viewer).filter(type=ChainTransaction.Type.INCOMING, merchant__isnull=False)
    return rows.select_related("network", "session", "merchant", "address")


def visible_credit_reversals(viewer: Viewer) -> QuerySet[CreditReversal]:
    """Newest first; operators' alone."""
    rows = scope(CreditReversal.objects.select_related(
        "transaction__network", "transaction__session", "merchant", "network", "created_by", "decided_by"
    ), viewer)
    return rows.order_by("-id") if viewer.user.is_operator else rows.none()


def waiting_credit_reversals(viewer: Viewer) -> QuerySet[CreditReversal]:
    """Oldest first: those that wait for a second operator."""
    return visible_credit_reversals(viewer).filter(status=Status.OPEN).order_by("created_at", "id")


def reversal_history(rows: list[CreditReversal]) -> list[TimelineItem]:
    return history.timeline([row.public_id for row in rows], _TITLES)


def entries_of_transfers(keys: list[int]) -> QuerySet[Entry]:
    """All that was booked about these transfers, in the order it was."""
    booked = CreditReversal.objects.filter(transaction__in=keys, status=Status.CONFIRMED)
    references = [credit_reference(key) for key in keys]
    for key, round_ in booked.values_list("transaction_id", "round"):
        references += [reversal_reference(key, round_), credit_reference(key, round_ + 1)]
    rows = Entry.objects.filter(posting__reference__in=references)
    return rows.select_related("posting", "account").order_by("id")
