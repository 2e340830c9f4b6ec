"""What each contract calls an event, and what it says about it.

Contracts lie above this app, so they register themselves; nothing here knows what a payload looks like.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from webhooks.models import Event

Payload = dict[str, Any]
Renderer = Callable[[str, Any], tuple[str, Payload] | None]
# Puts a payload into its frame, for a contract whose frame names the event's own id.
Envelope = Callable[[Event, str, Payload], Payload]
Sample = Callable[[str], Payload]


@dataclass(frozen=True, slots=True)
class _Contract:
    render: Renderer
    events: tuple[str, ...]
    envelope: Envelope | None
    sample: Sample | None
    on_request: frozenset[str]


_contracts: dict[str, _Contract] = {}


def register_renderer(
    contract: str,
    renderer: Renderer,
    events: Sequence[str],
    *,
    envelope: Envelope | None = None,
    sample: Sample | None = None,
    on_request: Sequence[str] = (),
) -> None:
    """Makes `contract` speak: `renderer(event_type, subject)` gives its event's name and payload, or None.

    `events` are all of its event names; those `on_request` reach only an endpoint that names them. `sample(name)`
    gives a payload for a test delivery. Called once, at start; registering again replaces.
    """
    _contracts[contract] = _Contract(renderer, tuple(events), envelope, sample, frozenset(on_request))


def event_names(contract: str) -> list[str]:
    known = _contracts.get(contract)
    return list(known.events) if known else []


def usual_event_names(contract: str) -> list[str]:
    """What an endpoint that names no events is told."""
    known = _contracts.get(contract)
    return [name for name in known.events if name not in known.on_request] if known else []


def is_wanted(contract: str, name: str, named: Sequence[str]) -> bool:
    """Whether an endpoint of `contract` that names the events `named` (none: the usual ones) is told of `name`."""
    return name in (named or usual_event_names(contract))


def render(contract: str, event: Event, subject: object) -> tuple[str, str] | None:
    """The event's name in `contract`'s words and the body to send, fixed from now on; None if it has no such event."""
    known = _contracts.get(contract)
    rendered = known.render(event.type, subject) if known else None
    if known is None or rendered is None:
        return None
    name, payload = rendered
    return name, _as_text(known, event, name, payload)


def render_sample(contract: str, event: Event, wanted: Sequence[str] = ()) -> tuple[str, str]:
    """A body in `contract`'s shape that reports nothing: of the first event `wanted`, or of the contract's first."""
    known = _contracts.get(contract)
    name = next(iter(wanted), "") or (known.events[0] if known and known.events else "webhook.test")
    if known is None or known.sample is None:
        return name, _compact({"event": name, "test": True, "timestamp": _now()})
    return name, _as_text(known, event, name, known.sample(name))


def _as_text(known: _Contract, event: Event, name: str, payload: Payload) -> str:
    return _compact(known.envelope(event, name, payload) if known.envelope else payload)


def _compact(payload: Payload) -> str:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _now() -> str:
    return timezone.now().isoformat(timespec="seconds").replace("+00:00", "Z")
