"""What happened to a record, read from the audit trail in the order it happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from accounts.models import AuditRecord


@dataclass(frozen=True, slots=True)
class TimelineItem:
    at: datetime
    title: str
    detail: str
    actor: str


def timeline(targets: Iterable[str], titles: Mapping[str, str]) -> list[TimelineItem]:
    """The trail of `targets` (public ids). `titles` names each action; one that is missing shows its own words."""
    rows = AuditRecord.objects.filter(target__in=list(targets)).select_related("actor").order_by("id")
    return [
        TimelineItem(
            at=row.created_at,
            title=titles.get(row.action) or row.action.replace(".", " ").replace("_", " ").capitalize(),
            detail=str(row.data.get("detail", "")),
            actor=row.actor.name if row.actor else row.actor_label,
        )
        for row in rows
    ]


def last_by_a_person(target: str) -> TimelineItem | None:
    """What somebody did last to `target`."""
    row = AuditRecord.objects.filter(target=target, actor__isnull=False).select_related("actor").order_by("-id").first()
    if row is None or row.actor is None:
        return None
    return TimelineItem(row.created_at, words(row.action), str(row.data.get("detail", "")), row.actor.name)


def words(action: str) -> str:
    """`payout.first_approved` → "First approved"."""
    return action.partition(".")[2].replace("_", " ").capitalize() or action
