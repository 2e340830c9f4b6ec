"""How a network does: closes its checkout when it cannot be read, and opens it again, with the time given back."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import audit
from crypto.chains.base import Block
from crypto.models import ChainState, Session
from crypto.openness import why_behind
from crypto.services.records import WATCHER, note

log = structlog.get_logger(__name__)


def answered(state: ChainState, head: Block) -> None:
    """A node has shown its head. One that goes backwards, or stands still, moves nothing."""
    now = timezone.now()
    changes: dict[str, object] = {"checked_at": now}
    if head.height > state.head_height or state.head_moved_at is None:
        changes |= {"head_height": head.height, "head_moved_at": now}
    for name, value in changes.items():
        setattr(state, name, value)
    ChainState.objects.filter(pk=state.pk).update(**changes)


def judge(state: ChainState) -> None:
    """Closes or opens the checkout by what is known now."""
    if state.scanned_height is None:
        return
    why = why_behind(state, state.network, timezone.now())
    if why and state.closed_since is None:
        _close(state, why)
    elif not why and state.closed_since is not None:
        _open(state, state.closed_since)
    elif why != state.closed_reason:
        state.closed_reason = why
        ChainState.objects.filter(pk=state.pk).update(closed_reason=why)


@transaction.atomic
def _close(state: ChainState, why: str) -> None:
    """Since the chain was last known to move: what sessions lost is counted from there."""
    seen = [moment for moment in (state.head_moved_at, state.checked_at) if moment is not None]
    state.closed_since, state.closed_reason = min(seen, default=timezone.now()), why
    ChainState.objects.filter(pk=state.pk).update(closed_since=state.closed_since, closed_reason=why)
    log.error("checkout_closed", network=state.network_id, mode=state.mode, why=why)
    audit.record(WATCHER, "network.closed", state.network_id, mode=state.mode, detail=why)


@transaction.atomic
def _open(state: ChainState, since: datetime) -> None:
    now = timezone.now()
    extended = sum(_extend(session, since, now) for session in _open_then(state, since))
    state.closed_since, state.closed_reason = None, ""
    ChainState.objects.filter(pk=state.pk).update(closed_since=None, closed_reason="")
    log.warning("checkout_opened", network=state.network_id, mode=state.mode, extended=extended)
    audit.record(
        WATCHER, "network.opened", state.network_id, mode=state.mode,
        detail=f"closed since {since:%Y-%m-%d %H:%M:%S} UTC; {extended} open sessions extended",
    )


def _open_then(state: ChainState, since: datetime) -> list[Session]:
    rows = Session.objects.filter(network=state.network_id, mode=state.mode, status=Session.Status.PENDING)
    return list(rows.filter(expires_at__gt=since).select_for_update(no_key=True).order_by("pk"))


def _extend(session: Session, since: datetime, now: datetime) -> int:
    """By as much of the outage as it was open for."""
    lost = now - max(since, session.created_at)
    Session.objects.filter(pk=session.pk).update(expires_at=session.expires_at + lost, updated_at=now)
    note(session, "session_extended", f"Extended by {int(lost.total_seconds())} s: the network could not be read")
    return 1
