"""Whether a network's checkout is open: only while the chain is known to be read close to its head.

Judged by times alone, so that a watcher that has died closes it as well as one that says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Prefetch
from django.utils import timezone

from crypto.chains.registry import enabled_networks
from crypto.models import ChainState, Network, ScanGap
from gateway.lib.modes import Mode


def why_closed(network: Network, mode: str, now: datetime | None = None) -> str:
    """Empty while it is open, else the reason in words for an operator.

    A network that no watcher has read yet is open in test mode alone: its simulated chain is read from the beginning.
    """
    state = ChainState.objects.filter(network=network, mode=mode).first()
    return _why_closed(state, network, mode, now or timezone.now())


def _why_closed(state: ChainState | None, network: Network, mode: str, now: datetime) -> str:
    if state is None or state.scanned_height is None:
        return "" if mode == Mode.TEST else "The chain has not been read yet."
    if state.closed_since is not None:
        return state.closed_reason or "The chain is not read."
    return why_behind(state, network, now)


def closed_networks(mode: str) -> list[tuple[Network, str]]:
    """The networks that are on and whose checkout is closed, each with the reason."""
    gaps = Prefetch("gaps", ScanGap.objects.filter(closed_at__isnull=True).order_by("opened_at"), to_attr="open_gaps")
    states = {state.network_id: state for state in ChainState.objects.filter(mode=mode).prefetch_related(gaps)}
    now = timezone.now()
    found = [(each, _why_closed(states.get(each.code), each, mode, now)) for each in enabled_networks(mode)]
    return [(network, why) for network, why in found if why]


def why_behind(state: ChainState, network: Network, now: datetime) -> str:
    """What is wrong with how far the chain is read, whatever was written down before."""
    limit = timedelta(seconds=network.lag_seconds)
    if state.checked_at is None or now - state.checked_at > limit:
        return "No node has answered for too long."
    if state.head_moved_at is None or now - state.head_moved_at > limit:
        return "The chain's head has not moved for too long."
    if behind(state, network) > limit:
        return "The chain is being read, and is not at its head yet."
    oldest = _oldest_gap(state)
    if oldest is not None and now - oldest.opened_at > limit:
        return f"Blocks {oldest.first_height}–{oldest.last_height} could not be read for too long."
    return ""


def _oldest_gap(state: ChainState) -> ScanGap | None:
    known: list[ScanGap] | None = getattr(state, "open_gaps", None)  # read together for several networks
    if known is not None:
        return known[0] if known else None
    return state.gaps.filter(closed_at__isnull=True).order_by("opened_at").first()


def behind(state: ChainState, network: Network) -> timedelta:
    """How much of the chain, in its usual block time, is not read yet."""
    blocks = max(state.head_height - (state.scanned_height or 0), 0)
    return timedelta(milliseconds=blocks * network.block_milliseconds)
