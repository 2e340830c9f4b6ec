"""Reads about batches. An operator sees a batch only if every payout in it is one of its team's."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from accounts.actors import Viewer, scope, team_merchants
from accounts.history import TimelineItem, timeline
from accounts.models import Role
from gateway.lib.providers import ProviderState
from payouts.models import BatchLine, Beneficiary, Payout, PayoutBatch, ResultFile
from payouts.providers.bank_file import BANK_FILE
from payouts.queries import of_each

Status = PayoutBatch.Status
_ENDED = Q(payout__status__in=[Payout.Status.PROCESSED, Payout.Status.FAILED])
_UNCLEAR = Q(payout__status=Payout.Status.PROCESSING, payout__provider_state=ProviderState.UNKNOWN)
_TITLES = {
    "batch.opened": "Batch opened",
    "batch.line_taken_out": "Payout taken out",
    "batch.exported": "File made",
    "batch.downloaded": "File downloaded",
    "batch.sent": "Marked as sent to the bank",
    "batch.cancelled": "Cancelled, payouts free again",
    "batch.result_uploaded": "Result file uploaded",
    "batch.result_applied": "Result file applied",
    "batch.result_discarded": "Result file discarded",
}


def visible_batches(viewer: Viewer) -> QuerySet[PayoutBatch]:
    """Newest first, with `count`, `total_minor`, `ended`, `unclear` of their lines."""
    rows = PayoutBatch.objects.filter(mode=viewer.mode).select_related("bank_format", "created_by", "sent_by")
    lines = BatchLine.objects.filter(batch=OuterRef("pk"), live=True)
    return _within_reach(rows, viewer).annotate(
        count=of_each(lines, "batch", Count("pk")),
        total_minor=of_each(lines, "batch", Sum("payout__amount_minor")),
        ended=of_each(lines.filter(_ENDED), "batch", Count("pk")),
        unclear=of_each(lines.filter(_UNCLEAR), "batch", Count("pk")),
    ).order_by("-created_at", "-id")


def _within_reach(rows: QuerySet[PayoutBatch], viewer: Viewer) -> QuerySet[PayoutBatch]:
    if viewer.user.role == Role.SUPER_ADMIN:
        return rows
    if viewer.user.role != Role.ADMIN:
        return rows.none()
    foreign = BatchLine.objects.filter(batch=OuterRef("pk")).exclude(
        payout__merchant__in=team_merchants(viewer.user)
    )
    return rows.filter(~Exists(foreign))


def batchable(viewer: Viewer) -> QuerySet[Payout]:
    """Approved payouts by bank file that are in no batch, oldest first; not those to a blocked beneficiary."""
    if not viewer.user.is_operator:
        return Payout.objects.none()
    taken = Exists(BatchLine.objects.filter(payout=OuterRef("pk"), live=True))
    rows = scope(Payout.objects.select_related("merchant", "beneficiary"), viewer)
    rows = rows.filter(~taken, provider=BANK_FILE.name, status=Payout.Status.APPROVED, flag="")
    return rows.exclude(beneficiary__status=Beneficiary.Status.BLOCKED).order_by("approved_at", "id")


def unclear(viewer: Viewer) -> QuerySet[Payout]:
    """Payouts that a result file left unclear: a clear file or an operator must end them."""
    rows = Payout.objects.select_related("merchant").filter(
        provider=BANK_FILE.name, status=Payout.Status.PROCESSING, provider_state=ProviderState.UNKNOWN
    )
    return scope(rows, viewer).order_by("created_at", "id") if viewer.user.is_operator else rows.none()


def lines_of(batch: PayoutBatch) -> QuerySet[BatchLine]:
    return batch.lines.select_related("payout__merchant", "payout__beneficiary").order_by("number")


def line_of(payout: Payout) -> BatchLine | None:
    """The line by which the payout was, or is about to be, given to the bank."""
    return BatchLine.objects.select_related("batch").filter(payout=payout, live=True).first()


def visible_results(viewer: Viewer) -> QuerySet[ResultFile]:
    batches = _within_reach(PayoutBatch.objects.filter(mode=viewer.mode), viewer)
    rows = ResultFile.objects.filter(batch__in=batches).select_related("batch", "uploaded_by", "applied_by")
    return rows.order_by("-created_at", "-id")


def batch_timeline(batch: PayoutBatch) -> list[TimelineItem]:
    return timeline([batch.public_id], _TITLES)
