"""How the chains are read, for operators: heads, cursors, holes, nodes, and which checkouts are closed."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.utils import timezone

from crypto.chains.registry import enabled_networks
from crypto.models import ChainState, ChainTransaction, DepositAddress, Network, RpcNode, ScanGap, Session
from crypto.openness import why_closed
from crypto.services.pool import free_addresses
from gateway.panel.access import OPERATORS, PanelRequest, page
from gateway.panel.rendering import crumbs, page_or_part


@dataclass(frozen=True, slots=True)
class Reading:
    """One network in the reader's mode."""

    network: Network
    state: ChainState | None
    closed: str  # why; empty while it is open
    gaps: list[ScanGap]
    nodes: list[RpcNode]
    waiting: int  # sessions
    confirming: int  # transfers
    free: int  # addresses
    addresses: int

    @property
    def behind(self) -> int | None:
        if self.state is None or self.state.scanned_height is None:
            return None
        return max(self.state.head_height - self.state.scanned_height, 0)


@page(OPERATORS)
def networks(request: PanelRequest) -> HttpResponse:
    mode = request.viewer.mode
    context = {
        "crumbs": crumbs("Networks"),
        "readings": [_reading(network, mode) for network in enabled_networks(mode)],
        "now": timezone.now(),
    }
    return page_or_part(request, "panel/networks/list.html", "panel/networks/_readings.html", context)


def _reading(network: Network, mode: str) -> Reading:
    here = {"network": network, "mode": mode}
    state = ChainState.objects.filter(**here).first()
    return Reading(
        network=network,
        state=state,
        closed=why_closed(network, mode),
        gaps=list(ScanGap.objects.filter(state=state, closed_at__isnull=True)) if state else [],
        nodes=list(RpcNode.objects.filter(**here).order_by("failures", "label")),
        waiting=Session.objects.filter(status=Session.Status.PENDING, **here).count(),
        confirming=ChainTransaction.objects.filter(
            type=ChainTransaction.Type.INCOMING, status=ChainTransaction.Status.PENDING, **here
        ).count(),
        free=free_addresses(network, mode).count(),
        addresses=DepositAddress.objects.filter(**here).count(),
    )
