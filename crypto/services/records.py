"""What every step of a session shares: its lock, its timeline, its flags, and what is told and written down."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from crypto.models import ChainTransaction, Session, SessionEvent
from gateway.lib.money import Money
from webhooks.models import Endpoint
from webhooks.one_off import ensure_one_off
from webhooks.services import emit

log = structlog.get_logger(__name__)
WATCHER = Actor.system("watcher")
# What needs a person; the other flags only tell.
SERIOUS = (Session.Flag.VANISHED, Session.Flag.UNBOOKED, Session.Flag.WRONG_TOKEN)


def lock(session_id: UUID) -> Session:
    """The session as it stands now, and nobody else's until the transaction ends. Sessions are locked first, always."""
    rows = Session.objects.select_for_update(no_key=True, of=("self",)).select_related("merchant", "network")
    return rows.get(pk=session_id)


def note(session: Session, event: str, details: str, at: datetime | None = None) -> None:
    """One line of the timeline, in the contract's words."""
    SessionEvent.objects.create(session=session, event=event, details=details[:200], at=at or timezone.now())


def set_flag(session: Session, flag: str) -> None:
    """Adds `flag`; one that needs a person opens the session for operators again, also where somebody dealt with what
    had the same flag before."""
    known = flag in session.flags
    if known and (flag not in SERIOUS or session.flag_cleared_at is None):
        return
    if not known:
        session.flags = [*session.flags, str(flag)]
    if flag in SERIOUS:
        session.flag_cleared_at = None
        log.warning("session_flagged", session=session.public_id, flag=str(flag))
    _save_flags(session)


def drop_flag(session: Session, flag: str) -> None:
    if flag in session.flags:
        session.flags = [kept for kept in session.flags if kept != flag]
        _save_flags(session)


def _save_flags(session: Session) -> None:
    session.for_person = session.flag_cleared_at is None and any(flag in session.flags for flag in SERIOUS)
    Session.objects.filter(pk=session.pk).update(
        flags=session.flags, flag_cleared_at=session.flag_cleared_at, for_person=session.for_person,
        updated_at=timezone.now(),
    )


def name_transfer(session: Session) -> None:
    """`transaction_hash` is of the first transfer that stands, of the session's own token if there is one: what left
    the chain, or is another session's by now, paid nothing here."""
    Status = ChainTransaction.Status
    standing = session.transactions.filter(status__in=[Status.PENDING, Status.CONFIRMED]).order_by("created_at", "id")
    found = list(standing.values_list("currency", "transaction_hash"))
    named = next((name for currency, name in found if currency == session.currency), found[0][1] if found else "")
    if named != session.transaction_hash:
        session.transaction_hash = named
        Session.objects.filter(pk=session.pk).update(transaction_hash=named, updated_at=timezone.now())


def write_down(actor: Actor, session: Session, action: str, *, tell: bool = False, **data: Any) -> None:
    """One row in the audit trail; with `tell`, an event for the merchant and for the session's own callback."""
    audit.record(actor, action, session.public_id, merchant=session.merchant_id, mode=session.mode, **data)
    if tell:
        emit(
            event_type=action, merchant=session.merchant, mode=session.mode, subject=session,
            subject_id=session.public_id, also=_callback(session),
        )


def _callback(session: Session) -> Endpoint | None:
    if not session.callback_url:
        return None
    return ensure_one_off(
        merchant=session.merchant, mode=session.mode, contract=Endpoint.Contract.DASHBOARD, url=session.callback_url
    )


def token_text(minor: int, currency: str) -> str:
    """`100 USDT`, `0.5 USDC`: as the contract's timeline writes amounts."""
    text = f"{Money(minor, currency).decimal:f}".rstrip("0").rstrip(".")
    return f"{text} {currency}"
