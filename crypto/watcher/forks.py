"""Reorganisations: back to the last block that both chains share, and what that means for transfers above it.

A pending transfer that is in no block any more is orphaned, one in another block has moved. A confirmed one that is
gone is told as loudly as can be, and nothing is taken back: that is for people to decide (`credit_reversals`).
"""

from __future__ import annotations

import structlog
from django.db import transaction

from crypto.chains.base import Chain, NodeError, Receipt
from crypto.models import BlockMark, ChainState, ChainTransaction
from crypto.services import deposits, outgoing_vanished
from crypto.watcher import leases

log = structlog.get_logger(__name__)
Status = ChainTransaction.Status
_FAILURES = 3


def last_mark(state: ChainState) -> BlockMark | None:
    return state.marks.order_by("-height").first()


def stands_on_same_chain(chain: Chain, state: ChainState) -> bool:
    """Whether the block at which the last range ended is still the same."""
    mark = last_mark(state)
    return mark is None or chain.block(mark.height).hash == mark.hash


def go_back(chain: Chain, state: ChainState) -> None:
    """The cursor returns to the last mark that still stands; what lay above is looked at one by one.

    The nodes first prove of which chain they are: one of another chain shows other blocks, too. All is asked before
    anything is written, so that a node that fails in between leaves it to be done again.
    """
    chain.check_again()
    if stands_on_same_chain(chain, state):
        return  # the address had another chain's node behind it
    common = _common_height(chain, state)
    sent = [(row, chain.receipt(row.transaction_hash)) for row in outgoing_vanished.ended_above(state, common)]
    answers = [(row, chain.receipt(row.transaction_hash)) for row in _above(state, common)]
    with transaction.atomic():
        leases.keep(state)
        log.warning(
            "reorganisation", network=state.network_id, mode=state.mode, scanned=state.scanned_height, common=common
        )
        state.marks.filter(height__gt=common).delete()
        ChainState.objects.filter(pk=state.pk).update(scanned_height=common)
        for row, receipt in answers:
            apply_receipt(row, receipt)
        for outgoing, said in sent:
            outgoing_vanished.note_receipt(outgoing, said)
    state.scanned_height = common


def _common_height(chain: Chain, state: ChainState) -> int:
    """Where no mark stands, some way below the oldest."""
    lowest = state.scanned_height or 0
    for mark in state.marks.order_by("-height"):
        if chain.block(mark.height).hash == mark.hash:
            return mark.height
        lowest = mark.height
    log.error("reorganisation_beyond_memory", network=state.network_id, mode=state.mode, lowest=lowest)
    return max(lowest - state.network.scan_span, 0)


def _above(state: ChainState, height: int) -> list[ChainTransaction]:
    rows = ChainTransaction.objects.filter(
        type=ChainTransaction.Type.INCOMING, network=state.network_id, mode=state.mode, height__gt=height,
        status__in=[Status.PENDING, Status.CONFIRMED],
    )
    return list(rows.order_by("height", "id"))


def apply_receipt(row: ChainTransaction, receipt: Receipt | None) -> None:
    """What the chain says now about a transfer that was seen in a block before."""
    if receipt is None or not receipt.succeeded:
        if row.status == Status.CONFIRMED:
            deposits.flag_vanished(row)
        elif row.status == Status.PENDING:
            deposits.orphan(row)
    elif receipt.block_hash != row.block_hash or deposits.is_gone(row) or deposits.is_missed(row):
        deposits.move(row, receipt.height, receipt.block_hash, receipt.time)


def look_for_orphans(chain: Chain, rows: list[ChainTransaction]) -> list[ChainTransaction]:
    """Whether what had left the chain is in it again. Returns those that were asked about: a few questions without an
    answer end the look, and the others' turn comes in the next."""
    asked, failures = [], 0
    for row in rows:
        asked.append(row)
        try:
            receipt = chain.receipt(row.transaction_hash)
        except NodeError:
            failures += 1
            if failures >= _FAILURES:
                break
            continue
        with transaction.atomic():
            apply_receipt(row, receipt)
    return asked
