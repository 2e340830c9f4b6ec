"""A business is suspended and activated as a whole: its people are out, its keys refused, its pages closed."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.actors import Actor, team_merchants
from accounts.models import AccountStatus, Merchant
from gateway.lib.errors import InvalidFields, NotAllowed, NotFound


@transaction.atomic
def suspend_merchant(*, actor: Actor, merchant: Merchant, reason: str) -> Merchant:
    """Its users stay as they are, and come back with it. Raises `NotAllowed`, `NotFound`, `InvalidFields`."""
    _check_operator(actor, merchant)
    if not reason.strip():
        raise InvalidFields(reason="is required")
    merchant.advance(AccountStatus.SUSPENDED)
    audit.record(actor, "merchant.suspended", merchant.public_id, merchant=merchant, detail=reason.strip()[:200])
    return merchant


@transaction.atomic
def activate_merchant(*, actor: Actor, merchant: Merchant) -> Merchant:
    _check_operator(actor, merchant)
    merchant.advance(AccountStatus.ACTIVE)
    audit.record(actor, "merchant.activated", merchant.public_id, merchant=merchant)
    return merchant


def _check_operator(actor: Actor, merchant: Merchant) -> None:
    if actor.user is None or not actor.user.is_operator:
        raise NotAllowed()
    if not team_merchants(actor.user).filter(pk=merchant.pk).exists():
        raise NotFound()
