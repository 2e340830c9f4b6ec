"""A business is suspended and activated as a whole: its people are out, its keys refused, its pages closed."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from accounts.models import AccountStatus, Merchant
from accounts.operators import acting_for
from gateway.lib.errors import InvalidFields


@transaction.atomic
def suspend_merchant(*, actor: Actor, merchant: Merchant, reason: str) -> Merchant:
    """Its users stay as they are, and come back with it. Raises `NotAllowed`, `NotFound`, `InvalidFields`."""
    acting_for(actor, merchant.pk)
    if not reason.strip():
        raise InvalidFields(reason="is required")
    merchant.advance(AccountStatus.SUSPENDED)
    audit.record(actor, "merchant.suspended", merchant.public_id, merchant=merchant, detail=reason.strip()[:200])
    return merchant


@transaction.atomic
def activate_merchant(*, actor: Actor, merchant: Merchant) -> Merchant:
    acting_for(actor, merchant.pk)
    merchant.advance(AccountStatus.ACTIVE)
    audit.record(actor, "merchant.activated", merchant.public_id, merchant=merchant)
    return merchant
