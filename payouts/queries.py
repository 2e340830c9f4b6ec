"""Reads about money out. Whatever a viewer gets comes through `accounts.actors.scope`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db.models import Aggregate, Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from accounts import history
from accounts.actors import Finder, Viewer, scope
from accounts.history import TimelineItem
from accounts.models import AuditRecord
from gateway.lib.lines import Lines
from gateway.lib.providers import ProviderState
from gateway.lib.sums import ExactSum
from payouts.models import Beneficiary, Payout

Status = Payout.Status
_SILENCE = timedelta(minutes=5)
_TITLES = {
    "payout.created": "Payout created, money held",
    "payout.first_approved": "First of two approvals",
    "payout.approved": "Approved",
    "payout.rejected": "Rejected, money released",
    "payout.processing": "Given to the bank",
    "payout.processed": "Paid by the bank",
    "payout.failed": "Failed at the bank, money released",
    "payout.returned": "Returned by the bank, money given back",
    "payout.flagged": "Needs attention",
    "payout.unclear": "Unclear in the bank's result file",
    "payout.resolved": "Resolved by an operator",
    "payout.flag_cleared": "Attention no longer needed",
}


def visible_payouts(viewer: Viewer) -> QuerySet[Payout]:
    """Newest first, with a unique last key."""
    rows = scope(
        Payout.objects.select_related("merchant", "beneficiary", "created_by", "first_approved_by", "approved_by"),
        viewer,
    )
    return rows.order_by("-created_at", "-id")


find_payout = Finder(visible_payouts).find


def waiting_for_approval(viewer: Viewer) -> QuerySet[Payout]:
    """Oldest first: those that an operator must decide about."""
    return visible_payouts(viewer).filter(status=Status.PENDING).order_by("created_at", "id")


def needing_attention(viewer: Viewer) -> QuerySet[Payout]:
    """Payouts that an operator must look at; `flag` says why."""
    return visible_payouts(viewer).exclude(flag="")


def unheard(viewer: Viewer) -> QuerySet[Payout]:
    """Payouts that a bank was given and has not answered about for minutes, oldest first. The workers go on asking;
    what was given in a file is `batches.queries.unclear`."""
    rows = visible_payouts(viewer).filter(
        status=Status.PROCESSING, provider_state=ProviderState.UNKNOWN, due_at__isnull=False, flag="",
        sent_at__lt=timezone.now() - _SILENCE,
    )
    return rows.order_by("sent_at", "id")


def search(rows: QuerySet[Payout], text: str) -> QuerySet[Payout]:
    """Payouts whose order id, payout id, beneficiary, account or UTR has `text` in it."""
    text = text.strip()
    if not text:
        return rows
    if "\0" in text:
        return rows.none()
    return rows.alias(words=Lines(*_SEARCHED)).filter(words__icontains=text)


# On PostgreSQL an index knows what is in them (migration 0005).
_SEARCHED = ("reference", "public_id", "beneficiary_name", "account_number", "utr")


def timeline(payout: Payout) -> list[TimelineItem]:
    """What happened to a payout, oldest first."""
    return history.timeline([payout.public_id], _TITLES)


def told_return(payout: Payout) -> dict[str, str]:
    """`utr` and `note` of its return as the bank last told them, so far as it did."""
    rows = AuditRecord.objects.filter(target=payout.public_id, action="payout.flagged").order_by("-id")
    data: dict[str, Any] = next((row.data for row in rows if "return_utr" in row.data), {})
    return {"utr": str(data.get("return_utr", "")), "note": str(data.get("return_note", ""))}


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Payouts that the bank paid on `day` and has not returned, in minor units of INR; `charge_minor` includes GST."""

    day: date
    count: int = 0
    paid_minor: int = 0
    charge_minor: int = 0


def daily_totals(viewer: Viewer, days: int = 30, zone: tzinfo | None = None) -> list[DayTotals]:
    """One row a day, oldest first, today last, days without payouts included. A day is one of `zone`'s."""
    zone = zone or timezone.get_current_timezone()
    today = timezone.localdate(timezone=zone)
    first = today - timedelta(days=days - 1)
    start = datetime.combine(first, datetime.min.time(), tzinfo=zone)
    rows = scope(Payout.objects.filter(processed_at__gte=start, currency="INR"), viewer)
    rows = rows.annotate(day=TruncDate("processed_at", tzinfo=zone))
    sums = rows.values_list("day").annotate(Count("id"), ExactSum("amount_minor"), ExactSum("charge_minor")).order_by()
    found = {row[0]: DayTotals(*row) for row in sums}
    wanted = (first + timedelta(days=offset) for offset in range(days))
    return [found.get(day) or DayTotals(day) for day in wanted]


def paid_since(viewer: Viewer, moment: datetime) -> tuple[int, int, int]:
    """How many payouts the bank has paid since, their sum and what was charged for them (GST included), in paise."""
    rows = scope(Payout.objects.filter(processed_at__gte=moment, currency="INR"), viewer)
    found = rows.aggregate(n=Count("id"), paid=ExactSum("amount_minor"), charged=ExactSum("charge_minor"))
    return found["n"], int(found["paid"] or 0), int(found["charged"] or 0)


def waiting_sum(viewer: Viewer) -> tuple[int, int]:
    """How many payouts wait for approval, and their sum in paise."""
    rows = scope(Payout.objects.filter(status=Status.PENDING), viewer)
    found = rows.aggregate(n=Count("id"), total=ExactSum("amount_minor"))
    return found["n"], int(found["total"] or 0)


@dataclass(frozen=True, slots=True)
class TodayFigures:
    totals: DayTotals
    waiting: int  # for an operator's approval
    under_way: int
    flagged: int


def today_figures(viewer: Viewer, zone: tzinfo | None = None) -> TodayFigures:
    rows = scope(Payout.objects.all(), viewer)
    return TodayFigures(
        totals=daily_totals(viewer, 1, zone)[0],
        waiting=rows.filter(status=Status.PENDING).count(),
        under_way=rows.filter(status__in=[Status.APPROVED, Status.PROCESSING]).count(),
        flagged=rows.exclude(flag="").count(),
    )


_BENEFICIARY_TITLES = {
    "beneficiary.created": "First payout asked for",
    "beneficiary.blocked": "Blocked",
    "beneficiary.unblocked": "Unblocked",
}


def visible_beneficiaries(viewer: Viewer) -> QuerySet[Beneficiary]:
    """Newest first, each with `asked_count` (payouts to it), `paid_count` and `paid_minor` (what has reached it)."""
    asked = Payout.objects.filter(beneficiary=OuterRef("pk"))
    paid = asked.filter(status=Status.PROCESSED)
    return scope(Beneficiary.objects.select_related("merchant", "created_by"), viewer).annotate(
        asked_count=of_each(asked, "beneficiary", Count("pk")),
        paid_count=of_each(paid, "beneficiary", Count("pk")),
        paid_minor=of_each(paid, "beneficiary", Sum("amount_minor")),
    ).order_by("-created_at", "-id")


def of_each(rows: QuerySet[Any], owner: str, figure: Aggregate) -> Coalesce:
    """`figure` of the rows of each `owner`, worked out only for the rows that a page shows."""
    return Coalesce(Subquery(rows.order_by().values(owner).annotate(figure=figure).values("figure")), 0)


def search_beneficiaries(rows: QuerySet[Beneficiary], text: str) -> QuerySet[Beneficiary]:
    """Beneficiaries whose name, account, IFSC, bank or id has `text` in it."""
    text = text.strip()
    if "\0" in text:
        return rows.none()
    found = Q()
    for field in ("name", "account_number", "ifsc", "bank_name", "public_id"):
        found |= Q(**{f"{field}__icontains": text})
    return rows.filter(found)


def beneficiary_timeline(beneficiary: Beneficiary) -> list[TimelineItem]:
    return history.timeline([beneficiary.public_id], _BENEFICIARY_TITLES)
