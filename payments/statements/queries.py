"""Reads about bank statements, for operators alone: files, credits, and what waits for whom."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.actors import Viewer, scope
from gateway.lib.providers import ProviderState
from payments.models import MatchProposal, Payment, Statement, StatementFormat, StatementLine

Line = StatementLine.Status


def visible_statements(viewer: Viewer) -> QuerySet[Statement]:
    """Newest first, without the files themselves."""
    rows = Statement.objects.filter(mode=viewer.mode).select_related("account", "uploaded_by").defer("content")
    rows = rows.annotate(matched=Count("lines", filter=Q(lines__status=Line.MATCHED)))
    return rows.order_by("-created_at", "-pk") if viewer.user.is_operator else rows.none()


def visible_lines(viewer: Viewer) -> QuerySet[StatementLine]:
    """Newest day first."""
    rows = StatementLine.objects.filter(mode=viewer.mode)
    rows = rows.select_related("account", "statement", "payment__merchant", "decided_by").defer("statement__content")
    return rows.order_by("-day", "-pk") if viewer.user.is_operator else rows.none()


def unmatched(viewer: Viewer) -> QuerySet[StatementLine]:
    """Credits that matched nothing: an operator must say what each is for."""
    return visible_lines(viewer).filter(status=Line.UNMATCHED)


def formats() -> QuerySet[StatementFormat]:
    return StatementFormat.objects.order_by("name")


def open_proposals(viewer: Viewer) -> QuerySet[MatchProposal]:
    """Matches that wait for a second operator, of the payments in the viewer's reach, oldest first."""
    payments = scope(Payment.objects.all(), viewer)
    rows = MatchProposal.objects.filter(status=MatchProposal.Status.OPEN, payment__in=payments)
    rows = rows.select_related("payment__merchant", "payment__order", "proposed_by", "line")
    return rows.order_by("created_at", "pk") if viewer.user.is_operator else rows.none()


def proposal_of(payment: Payment) -> MatchProposal | None:
    return payment.proposals.filter(status=MatchProposal.Status.OPEN).select_related("proposed_by").first()


def awaiting_money(viewer: Viewer) -> QuerySet[Payment]:
    """Payments that their payers confirmed and nothing has proven yet, the longest waiting first."""
    rows = scope(Payment.objects.select_related("order", "merchant"), viewer)
    rows = rows.filter(status=Payment.Status.PROCESSING, provider="manual_upi", provider_state=ProviderState.SENT)
    return rows.order_by("sent_at", "pk") if viewer.user.is_operator else rows.none()


def overdue(viewer: Viewer) -> QuerySet[Payment]:
    before = timezone.now() - timedelta(hours=settings.MANUAL_UPI_REVIEW_HOURS)
    return awaiting_money(viewer).filter(sent_at__lte=before)
