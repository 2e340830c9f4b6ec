"""A provider's own messages to us: each has at most one effect, in whatever order and however often they come."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.actors import Actor
from gateway.lib.callbacks import apply_once, receive
from payments.models import Payment, ProviderEvent, Refund
from payments.providers import registry
from payments.providers.base import Callback, Chargeback
from payments.services.disputes import apply_chargeback
from payments.services.outcomes import apply_outcome
from payments.services.refunds import apply_refund_outcome


def receive_callback(*, provider: str, headers: Mapping[str, str], body: bytes) -> str:
    """Reads what came for `provider` (`headers` have lower-case names) and applies it; returns its effect.

    Raises `BadCallback` for what its adapter does not take for authentic, or cannot read.
    """
    return receive(
        provider=provider, reader=registry.get(provider), headers=headers, body=body,
        apply=lambda event: apply_provider_event(provider=provider, event=event),
    )


def apply_provider_event(*, provider: str, event: Callback | Chargeback) -> str:
    """Applies an authentic callback of `provider`; returns its effect, `duplicate` for one that came before."""
    return apply_once(ProviderEvent, provider, event, lambda: _effect(provider, event))


def _effect(provider: str, event: Callback | Chargeback) -> str:
    """Only a subject that this provider was asked about is its business."""
    actor = Actor.system(provider)
    payment = Payment.objects.filter(public_id=event.reference, provider=provider).first()
    if isinstance(event, Chargeback):
        return apply_chargeback(actor=actor, payment=payment, told=event) if payment else "unknown_subject"
    if payment is not None:
        return apply_outcome(actor=actor, payment=payment, outcome=event.outcome)
    refund = Refund.objects.filter(public_id=event.reference, payment__provider=provider).first()
    if refund is not None:
        return apply_refund_outcome(actor=actor, refund=refund, outcome=event.outcome)
    return "unknown_subject"
