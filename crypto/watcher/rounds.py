"""One round of a network: its head, what is new, what was missed, what is deep enough, and who may go on waiting."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from crypto.chains import registry
from crypto.chains.base import Block, Chain, NodeError
from crypto.models import ChainState
from crypto.services import sessions
from crypto.watcher import claims, confirming, gaps, health, leases, scanning

log = structlog.get_logger(__name__)
# A run ends by itself after a while, so that other work of the queue gets its turn.
RUN_SECONDS = 10.0


def watch() -> int:
    """Looks at every network whose turn it is; returns how many. Several may run at once."""
    started, count = time.monotonic(), 0
    while time.monotonic() - started < RUN_SECONDS:
        state = leases.claim_next()
        if state is None:
            break
        _look(state)
        count += 1
    return count


def watch_network(network_id: str, mode: str) -> bool:
    """Looks at one network now, whosever turn it is; False if another watcher is at it."""
    state = leases.state_of(network_id, mode)
    if not leases.take(state):
        return False
    _look(state)
    return True


def _look(state: ChainState) -> None:
    try:
        health.judge(state)  # a watcher that was away finds its network closed, and gives the time back below
        _steps(state)
    except leases.LeaseLost:
        log.warning("watcher_lease_lost", network=state.network_id, mode=state.mode)
    except Exception as error:  # one network's trouble must not hold up the others
        log.exception("watch_failed", network=state.network_id, mode=state.mode, error=type(error).__name__)
    finally:
        leases.release(state)


def _steps(state: ChainState) -> None:
    chain = registry.chain_for(state.network, state.mode)
    head = _head(chain, state)
    if head is not None:
        for step in _STEPS:
            _tolerant(step, chain, state, head)
    health.judge(state)
    sessions.expire_due(state)


def _head(chain: Chain, state: ChainState) -> Block | None:
    try:
        head = scanning.believable_head(chain)
    except NodeError as error:
        log.info("no_head", network=state.network_id, mode=state.mode, error=str(error))
        return None
    health.answered(state, head)
    scanning.begin(state, head)
    return head


Step = Callable[[Chain, ChainState, Block], object]
_STEPS: tuple[Step, ...] = (
    scanning.catch_up,
    lambda chain, state, head: gaps.read_due(chain, state),
    confirming.confirm_due,
    lambda chain, state, head: confirming.ask_about_orphans(chain, state),
    lambda chain, state, head: claims.look_up_due(chain, state),
)


def _tolerant(step: Step, chain: Chain, state: ChainState, head: Block) -> None:
    """What one step could not ask does not keep the others from theirs; the next round asks again."""
    try:
        step(chain, state, head)
    except NodeError as error:
        log.info("step_unanswered", network=state.network_id, mode=state.mode, error=str(error))
