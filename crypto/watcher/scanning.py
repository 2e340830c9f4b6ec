"""Moves the cursor: a range counts when it was read whole, on the chain that the ranges before it were read on.

The order of the calls is the guarantee. First the hash of the range's last block, then that of the block at which the
last range ended, then the transfers. A reorganisation before the second call is seen by it; one after it changes the
first hash, which the next range compares. So whatever changed beneath the cursor is read again.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.db import transaction

from crypto import formats
from crypto.chains import registry
from crypto.chains.base import Block, Chain, NodeError, NodeWrong, Transfer
from crypto.models import BlockMark, ChainState, DepositAddress, ScanGap, Token
from crypto.services.deposits import Sighting, write_sighting
from crypto.watcher import forks, leases
from gateway.lib.crash import crash_point
from gateway.lib.modes import Mode

log = structlog.get_logger(__name__)
RANGES = 40  # in one round, so that one network that catches up does not hold up the others
TRIES = 3  # before a range is written down as a gap
KEPT_MARKS = 300
# The simulated chain answers any range; after a night's rest it has many empty blocks.
_FAR, _LEAP = 10_000, 100


def believable_head(chain: Chain) -> Block:
    """A height counts only with its block: a node that only claims to be there raises `NodeError`."""
    return chain.block(chain.height())


def begin(state: ChainState, head: Block) -> None:
    """Where a network that was never read is read from: no session had an address before. The simulated chain is ours
    from its first block on."""
    if state.scanned_height is not None:
        return
    depth = state.network.confirmations + state.network.scan_overlap
    start = 0 if state.mode == Mode.TEST else max(head.height - depth, 0)
    ChainState.objects.filter(pk=state.pk).update(scanned_height=start)
    state.scanned_height = start


def catch_up(chain: Chain, state: ChainState, head: Block) -> None:
    """Reads towards `head`. What no call could read is left behind as a gap."""
    span, failures = state.network.scan_span, 0
    for _ in range(RANGES):
        if head.height <= _scanned(state):
            return _compare_at_rest(chain, state, head)
        last = _end_of_range(state, head, span)
        try:
            same_chain = _advance(chain, state, head, last)
        except NodeError as error:
            span, failures = max(span // 2, 1), failures + 1
            if failures >= TRIES:
                return _leave_gap(state, head, error)
            continue
        span, failures = state.network.scan_span, 0
        if not same_chain:
            forks.go_back(chain, state)  # what it cannot ask is asked by the next round; no gap hides it
    return None


def _scanned(state: ChainState) -> int:
    assert state.scanned_height is not None, "begin comes first"
    return state.scanned_height


def _end_of_range(state: ChainState, head: Block, span: int) -> int:
    far = state.mode == Mode.TEST and head.height - _scanned(state) > _FAR
    return min(_scanned(state) + span * (_LEAP if far else 1), head.height)


def _compare_at_rest(chain: Chain, state: ChainState, head: Block) -> None:
    """No new block; but the last one may be another."""
    mark = forks.last_mark(state)
    if mark is not None and mark.height == head.height and mark.hash != head.hash:
        forks.go_back(chain, state)


def _advance(chain: Chain, state: ChainState, head: Block, last: int) -> bool:
    """Reads one range and writes it down; False if the chain beneath is another one, and nothing was read."""
    end = head if last == head.height else chain.block(last)
    if not forks.stands_on_same_chain(chain, state):
        return False
    first = max(_scanned(state) + 1 - state.network.scan_overlap, 0)
    found = read(chain, state, first, last)
    write(state, end, found)
    return True


def read(chain: Chain, state: ChainState, first: int, last: int) -> list[Sighting]:
    """All transfers of our tokens to our addresses there, with the times of their blocks. Raises `NodeError`."""
    tokens = {_spelled(state, token.contract): token for token in registry.known_tokens(state.network, state.mode)}
    recipients = _recipients(state)
    if not tokens or not recipients:
        return []
    transfers = chain.transfers(first, last, contracts=list(tokens), recipients=recipients)
    wanted = set(recipients)
    _check(state, transfers, first, last, tokens, wanted)
    return _with_times(chain, state, transfers, tokens)


def _recipients(state: ChainState) -> list[str]:
    """Every address that ever was a session's, since money may come to it for ever. Read after the head, so that
    whoever was paid up to there is among them."""
    used = DepositAddress.objects.filter(network=state.network_id, mode=state.mode, first_used_at__isnull=False)
    return list(used.values_list("lookup", flat=True))


def _spelled(state: ChainState, address: str) -> str:
    return formats.lookup_form(state.network, address)


def _check(
    state: ChainState, transfers: Sequence[Transfer], first: int, last: int, tokens: dict[str, Token], wanted: set[str]
) -> None:
    """What was not asked for is no believable answer."""
    for transfer in transfers:
        is_ours = _spelled(state, transfer.contract) in tokens and _spelled(state, transfer.recipient) in wanted
        if not (is_ours and first <= transfer.height <= last and transfer.units > 0):
            raise NodeWrong(f"answered a transfer that was not asked for: {transfer.transaction_hash}")


def _with_times(
    chain: Chain, state: ChainState, transfers: Sequence[Transfer], tokens: dict[str, Token]
) -> list[Sighting]:
    blocks = {height: chain.block(height) for height in {transfer.height for transfer in transfers}}
    lookups = {_spelled(state, transfer.recipient) for transfer in transfers}
    rows = DepositAddress.objects.filter(network=state.network_id, mode=state.mode, lookup__in=lookups)
    addresses = {row.lookup: row for row in rows.select_related("network", "merchant")}
    for transfer in transfers:
        if blocks[transfer.height].hash != transfer.block_hash:
            raise NodeWrong(f"block {transfer.height} has changed while it was read")
    return [
        Sighting(
            transfer, tokens[_spelled(state, transfer.contract)], addresses[_spelled(state, transfer.recipient)],
            blocks[transfer.height].time,
        )
        for transfer in transfers
    ]


@transaction.atomic
def write(state: ChainState, end: Block, found: Sequence[Sighting]) -> None:
    """The range and the cursor behind it, together."""
    leases.keep(state)
    for sighting in found:
        write_sighting(sighting)
    crash_point("scan.before_commit")
    _move_cursor(state, end)


def _move_cursor(state: ChainState, end: Block) -> None:
    BlockMark.objects.update_or_create(state=state, height=end.height, defaults={"hash": end.hash})
    old = state.marks.order_by("-height").values_list("height", flat=True)[KEPT_MARKS : KEPT_MARKS + 1]
    if old:
        state.marks.filter(height__lte=old[0]).delete()
    ChainState.objects.filter(pk=state.pk).update(scanned_height=end.height, scanned_time=end.time)
    state.scanned_height, state.scanned_time = end.height, end.time


@transaction.atomic
def _leave_gap(state: ChainState, head: Block, error: NodeError) -> None:
    """The head is known and the way to it cannot be read: on with the cursor, and the hole is kept. It begins as deep
    as a reorganisation may go, since nobody has compared what lies beneath."""
    leases.keep(state)
    first = max(_scanned(state) + 1 - state.network.confirmations - state.network.scan_overlap, 0)
    ScanGap.objects.create(state=state, first_height=first, last_height=head.height, last_error=str(error)[:200])
    log.error("scan_gap", network=state.network_id, mode=state.mode, first=first, last=head.height, error=str(error))
    _move_cursor(state, head)
