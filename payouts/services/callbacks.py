"""A bank's own messages to us: each does what the same answer of `status` would do, at most once."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.actors import Actor
from gateway.lib.callbacks import Callback, apply_once, receive
from gateway.lib.providers import Outcome
from payouts.models import BankEvent, Payout
from payouts.providers import registry
from payouts.services.outcomes import apply_outcome


def receive_callback(*, provider: str, headers: Mapping[str, str], body: bytes) -> str:
    """Reads what came for `provider` (`headers` have lower-case names) and applies it; returns its effect.

    Raises `BadCallback` for what its adapter does not take for authentic, or cannot read; `ProviderUnavailable` for
    one without callbacks.
    """
    return receive(
        provider=provider, reader=registry.caller(provider), headers=headers, body=body,
        apply=lambda event: apply_bank_event(provider=provider, event=event),
    )


def apply_bank_event(*, provider: str, event: Callback) -> str:
    """Applies an authentic callback of `provider`; returns its effect, `duplicate` for one that came before."""
    return apply_once(BankEvent, provider, event, lambda: _effect(provider, event.reference, event.outcome))


def _effect(provider: str, reference: str, outcome: Outcome) -> str:
    """Only a payout that this bank was given is its business."""
    payout = Payout.objects.filter(public_id=reference, provider=provider).first()
    if payout is None:
        return "unknown_subject"
    return apply_outcome(actor=Actor.system(provider), payout=payout, outcome=outcome)
