"""Whose turn a network is: one watcher at a time, and how soon it is looked at again."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from crypto.chains import registry
from crypto.models import ChainState, ChainTransaction, ScanGap, Session, TransactionClaim
from gateway.lib.modes import Mode


class LeaseLost(Exception):
    """Another watcher has the network now; whatever was read is dropped."""


def claim_next() -> ChainState | None:
    """The network that has waited longest, leased; None if none is due."""
    now = timezone.now()
    busy = _busy()
    due = [
        state for state in _states()
        if _is_due(state, (state.network_id, state.mode) in busy, now)
    ]
    for state in sorted(due, key=lambda state: state.looked_at or datetime.min.replace(tzinfo=now.tzinfo)):
        if take(state):
            return state
    return None


def take(state: ChainState) -> bool:
    """False if another watcher has it."""
    now, token = timezone.now(), secrets.token_hex(8)
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    won = ChainState.objects.filter(free, pk=state.pk).update(
        lease=token, leased_until=_until(now), looked_at=now
    )
    if won:
        state.refresh_from_db()
    return bool(won)


def keep(state: ChainState) -> None:
    """Within the transaction of what is written: raises `LeaseLost` unless the lease is still ours."""
    rows = ChainState.objects.filter(pk=state.pk, lease=state.lease)
    if not rows.update(leased_until=_until(timezone.now())):
        raise LeaseLost(str(state))


def release(state: ChainState) -> None:
    ChainState.objects.filter(pk=state.pk, lease=state.lease).update(lease="", leased_until=None)


def state_of(network_id: str, mode: str) -> ChainState:
    state, _ = ChainState.objects.select_related("network").get_or_create(network_id=network_id, mode=mode)
    return state


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.WORK_LEASE_SECONDS)


def _states() -> list[ChainState]:
    """Of every network that is on; made when it is looked at the first time."""
    wanted = {(network.code, mode) for mode in Mode.values for network in registry.enabled_networks(mode)}
    known = {(row.network_id, row.mode): row for row in ChainState.objects.select_related("network")}
    return [known.get(pair) or state_of(*pair) for pair in sorted(wanted)]


def _busy() -> set[tuple[str, str]]:
    """Where somebody waits for the chain."""
    pending = Session.objects.filter(status=Session.Status.PENDING).values_list("network_id", "mode")
    moving = ChainTransaction.objects.filter(status=ChainTransaction.Status.PENDING).values_list("network_id", "mode")
    claims = TransactionClaim.objects.filter(due_at__isnull=False).values_list("session__network_id", "session__mode")
    gaps = ScanGap.objects.filter(closed_at__isnull=True).values_list("state__network_id", "state__mode")
    return {pair for rows in (pending, moving, claims, gaps) for pair in rows.order_by().distinct()}


def _is_due(state: ChainState, is_busy: bool, now: datetime) -> bool:
    if state.looked_at is None:
        return True
    seconds = settings.WATCH_SECONDS if is_busy else settings.WATCH_IDLE_SECONDS
    if state.mode == Mode.LIVE:
        seconds = max(seconds, state.network.block_milliseconds / 1000)
    return state.looked_at + timedelta(seconds=seconds) <= now
