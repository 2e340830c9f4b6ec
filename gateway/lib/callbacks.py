"""What providers and banks tell us unasked: each message has at most one effect, in whatever order and however often
they come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog
from django.db import DatabaseError, IntegrityError, models, transaction

from gateway.lib.errors import GatewayError
from gateway.lib.providers import Outcome

log = structlog.get_logger(__name__)
_LONGEST_ID, _LONGEST_REFERENCE = 80, 64  # as the columns of `EventModel`


class BadCallback(GatewayError):
    """Unsigned, forged or unreadable: it has no effect."""

    code = "bad_callback"
    message = "This callback is not authentic."


@dataclass(frozen=True, slots=True)
class Message:
    """What every message has: `event_id` is the provider's and unique, `reference` is ours.

    An id that its column cannot hold is kept as its hash: cut off, it could be another's. A reference that it cannot
    hold is nothing of ours.
    """

    event_id: str
    reference: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "event_id", kept_id(self.event_id))
        if len(self.reference) > _LONGEST_REFERENCE or not self.reference.isprintable():
            object.__setattr__(self, "reference", ascii(self.reference)[:_LONGEST_REFERENCE])


@dataclass(frozen=True, slots=True)
class Callback(Message):
    """What became of what we asked for: the same as an answer of `status`."""

    outcome: Outcome


def kept_id(text: str) -> str:
    """A provider's id as its column keeps it. Raises `ValueError` for none."""
    if not text:
        raise ValueError("something without an id could not be told from the next one")
    if len(text) <= _LONGEST_ID and text.isprintable():
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


class EventModel(models.Model):
    """A message that came. Its id is unique for its provider, so it has at most one effect."""

    provider = models.CharField(max_length=24)
    event_id = models.CharField(max_length=_LONGEST_ID)
    subject = models.CharField(max_length=_LONGEST_REFERENCE)
    effect = models.CharField(max_length=40)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"


M_co = TypeVar("M_co", bound=Message, covariant=True)
M = TypeVar("M", bound=Message)


class Reader(Protocol[M_co]):
    def read_callback(self, headers: Mapping[str, str], body: bytes) -> M_co: ...


def receive(
    *, provider: str, reader: Reader[M], headers: Mapping[str, str], body: bytes, apply: Callable[[M], str]
) -> str:
    """Reads what came for `provider` (`headers` have lower-case names) and applies it; returns its effect.

    Raises `BadCallback` for what its adapter does not take for authentic, or cannot read.
    """
    try:
        event = reader.read_callback(headers, body)
    except (BadCallback, DatabaseError):
        raise
    except Exception as error:  # a message that our adapter could not read is no message
        log.exception("callback_unreadable", provider=provider, error=type(error).__name__)
        raise BadCallback("This callback is not readable.") from error
    effect = apply(event)
    log.info("callback_applied", provider=provider, subject=event.reference, effect=effect)
    return effect


@transaction.atomic
def apply_once(events: type[EventModel], provider: str, event: Message, effect: Callable[[], str]) -> str:
    """Does `effect` for the first copy of an authentic message; returns it, or `duplicate`.

    A second copy at the same instant waits for the first one's commit, on the event's unique id.
    """
    try:
        with transaction.atomic():
            row = events._default_manager.create(
                provider=provider, event_id=event.event_id, subject=event.reference, effect="none"
            )
    except IntegrityError:
        return "duplicate"
    row.effect = effect()
    row.save(update_fields=["effect"])
    return row.effect
