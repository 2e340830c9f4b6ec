"""How a simulated node misbehaves on demand: kept with the chain, so that every process meets the same node."""

from __future__ import annotations

import random

from crypto.chains.base import NodeBusy, NodeDown, NodeTimeout, NodeWrong
from crypto.models.simulated import SimulatedNetwork

# lost_answer: a broadcast arrives, its answer does not. backwards and ahead: heights alone.
KINDS = ("timeout", "down", "busy", "null", "html", "backwards", "ahead", "lost_answer")
_ERRORS = {
    "timeout": NodeTimeout("no answer within 10 s"),
    "down": NodeDown("connection refused"),
    "busy": NodeBusy("rate limit reached"),
    "null": NodeWrong("answered null"),
    "html": NodeWrong("answered no JSON"),
}
_dice: dict[tuple[int, int], random.Random] = {}


def strike(chain: SimulatedNetwork, call: str) -> str:
    """Raises what this call meets, or returns the kind of its other trouble (empty: none)."""
    faults = chain.faults
    calls = faults.get("calls") or (call,)
    if not faults.get("rate") or call not in calls:
        return ""
    dice = _dice.setdefault((chain.pk, faults["seed"]), random.Random(faults["seed"]))
    if dice.random() >= faults["rate"]:
        return ""
    kind: str = dice.choice(faults["kinds"])
    if kind in _ERRORS:
        raise type(_ERRORS[kind])(*_ERRORS[kind].args)
    return kind


def shown_height(chain: SimulatedNetwork, height: int, trouble: str) -> int:
    """What this node says the height is."""
    faults = chain.faults
    if (frozen := faults.get("frozen_at")) is not None:
        height = min(height, frozen)
    height += faults.get("lie", 0) - faults.get("lag", 0)
    return height + {"backwards": -5, "ahead": 1000}.get(trouble, 0)
