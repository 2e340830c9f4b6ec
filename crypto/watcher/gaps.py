"""Ranges that could not be read when the cursor passed them: asked for until a node answers, in ever smaller pieces."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.utils import timezone

from crypto.chains.base import Chain, NodeError
from crypto.models import ChainState, ScanGap
from crypto.services.deposits import Sighting, write_sighting
from crypto.watcher import leases, scanning
from gateway.lib.work import backoff

log = structlog.get_logger(__name__)
_AT_ONCE = 5
_PIECES = 40
_LONGEST_WAIT = 300.0


def read_due(chain: Chain, state: ChainState) -> None:
    due = state.gaps.filter(closed_at__isnull=True, due_at__lte=timezone.now()).order_by("due_at", "id")
    for gap in due[:_AT_ONCE]:
        _read(chain, state, gap)


def _read(chain: Chain, state: ChainState, gap: ScanGap) -> None:
    """From its beginning, piece by piece; each piece that was read makes it smaller."""
    piece = max(state.network.scan_span >> min(gap.tries, 16), 1)
    try:
        for _ in range(_PIECES):
            last = min(gap.first_height + piece - 1, gap.last_height)
            found = scanning.read(chain, state, gap.first_height, last)
            _write(state, gap, last, found)
            if gap.closed_at is not None:
                return
    except NodeError as error:
        tries = gap.tries + 1
        due_at = timezone.now() + backoff(tries, most=_LONGEST_WAIT)
        ScanGap.objects.filter(pk=gap.pk).update(tries=tries, last_error=str(error)[:200], due_at=due_at)


@transaction.atomic
def _write(state: ChainState, gap: ScanGap, last: int, found: list[Sighting]) -> None:
    leases.keep(state)
    for sighting in found:
        write_sighting(sighting)
    if last >= gap.last_height:
        gap.closed_at = timezone.now()
        log.info("scan_gap_read", network=state.network_id, mode=state.mode, last=gap.last_height)
    else:
        gap.first_height = last + 1
    gap.save(update_fields=["closed_at", "first_height"])
