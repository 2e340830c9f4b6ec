"""Sessions that a person must look at, and the word of the person who did."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.actors import Actor
from crypto.models import Session
from crypto.services.records import lock, write_down
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed


def needs_attention(session: Session) -> bool:
    return session.for_person


def needing_attention(rows: QuerySet[Session]) -> QuerySet[Session]:
    return rows.filter(for_person=True)


@transaction.atomic
def clear_flags(*, actor: Actor, session: Session, note: str) -> None:
    """An operator has dealt with what was odd, and says how. What is odd later opens it again."""
    if actor.user is None or not actor.user.is_operator:
        raise NotAllowed()
    if not note.strip():
        raise InvalidFields(note="is required")
    row = lock(session.pk)
    if not needs_attention(row):
        raise IllegalTransition("There is nothing to clear.")
    now = timezone.now()
    Session.objects.filter(pk=row.pk).update(flag_cleared_at=now, for_person=False, updated_at=now)
    write_down(actor, row, "session.flags_cleared", flags=row.flags, detail=note.strip()[:200])
