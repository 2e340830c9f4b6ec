"""Checkout sessions as their merchant sees them: lists, search, and what happened to one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.actors import Viewer, scope
from crypto.models import ChainTransaction, Session
from webhooks.models import Delivery

_PART_OF_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}", re.ASCII)
_WEBHOOK_SENT = "webhook_sent"


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a timeline: `event` is one of the contract's words."""

    event: str
    at: datetime
    details: str


def visible_sessions(viewer: Viewer) -> QuerySet[Session]:
    """Newest first, with a unique last key."""
    rows = scope(Session.objects.select_related("network", "address"), viewer)
    return rows.order_by("-created_at", "-id")


def search_sessions(rows: QuerySet[Session], text: str) -> QuerySet[Session]:
    """Those whose reference or customer's e-mail has `text` in it, or whose id begins with it (from 8 characters)."""
    text = text.strip()
    if not text:
        return rows
    found = Q(reference__icontains=text) | Q(customer_email__icontains=text)
    ids = _ids_beginning_with(text.lower())
    return rows.filter(found | Q(pk__range=ids) if ids else found)


def _ids_beginning_with(text: str) -> tuple[UUID, UUID] | None:
    """A range of the primary key, which its index answers."""
    digits = text.replace("-", "")
    if not _PART_OF_ID.fullmatch(text) or len(digits) > 32:
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def count_by_status(rows: QuerySet[Session]) -> dict[str, int]:
    """How many of `rows` there are in each status, those without any included."""
    found = dict(rows.order_by().values_list("status").annotate(count=Count("pk")))
    return {status: found.get(status, 0) for status in Session.Status.values}


def first_transfer(session: Session) -> ChainTransaction | None:
    """The transfer that `transaction_hash` names."""
    rows = ChainTransaction.objects.filter(session=session, transaction_hash=session.transaction_hash)
    return rows.order_by("position").first() if session.transaction_hash else None


def timeline_of(session: Session) -> list[Happening]:
    """What happened, oldest first. Webhooks that were delivered are read where they are kept."""
    written = [Happening(row.event, row.at, row.details) for row in session.timeline.all()]
    if any(line.event == _WEBHOOK_SENT for line in written):
        return written
    sent = Delivery.objects.filter(event__subject=session.public_id, status=Delivery.Status.SUCCEEDED)
    told = [
        Happening(_WEBHOOK_SENT, at, f"Webhook notification sent ({name})")
        for at, name in sent.order_by("updated_at").values_list("updated_at", "event_name")
    ]
    return sorted([*written, *told], key=lambda line: line.at)
