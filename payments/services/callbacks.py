"""A provider's own messages to us: each has at most one effect, in whatever order and however often they come."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from django.db import DatabaseError, IntegrityError, transaction

from accounts.actors import Actor
from gateway.lib.providers import Outcome
from payments.errors import BadCallback
from payments.models import Payment, ProviderEvent, Refund
from payments.providers import registry
from payments.providers.base import Callback
from payments.services.outcomes import apply_outcome
from payments.services.refunds import apply_refund_outcome

log = structlog.get_logger(__name__)


def receive_callback(*, provider: str, headers: Mapping[str, str], body: bytes) -> str:
    """Reads what came for `provider` (`headers` have lower-case names) and applies it; returns its effect.

    Raises `BadCallback` for what its adapter does not take for authentic, or cannot read.
    """
    try:
        event = registry.get(provider).read_callback(headers, body)
    except (BadCallback, DatabaseError):
        raise
    except Exception as error:  # a message that our adapter could not read is no message
        log.exception("callback_unreadable", provider=provider, error=type(error).__name__)
        raise BadCallback("This callback is not readable.") from error
    effect = apply_provider_event(provider=provider, event=event)
    log.info("callback_applied", provider=provider, subject=event.reference, effect=effect)
    return effect


@transaction.atomic
def apply_provider_event(*, provider: str, event: Callback) -> str:
    """Applies an authentic callback of `provider`; returns its effect, `duplicate` for one that came before.

    A second copy at the same instant waits for the first one's commit, on the event's unique id.
    """
    try:
        with transaction.atomic():
            row = ProviderEvent.objects.create(
                provider=provider, event_id=event.event_id, subject=event.reference, effect="none"
            )
    except IntegrityError:
        return "duplicate"
    row.effect = _effect(provider, event.reference, event.outcome)
    row.save(update_fields=["effect"])
    return row.effect


def _effect(provider: str, reference: str, outcome: Outcome) -> str:
    """Only a subject that this provider was asked about is its business."""
    actor = Actor.system(provider)
    payment = Payment.objects.filter(public_id=reference, provider=provider).first()
    if payment is not None:
        return apply_outcome(actor=actor, payment=payment, outcome=outcome)
    refund = Refund.objects.filter(public_id=reference, payment__provider=provider).first()
    if refund is not None:
        return apply_refund_outcome(actor=actor, refund=refund, outcome=outcome)
    return "unknown_subject"
