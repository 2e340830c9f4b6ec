"""A merchant's return secret, one a mode: made when it is first needed, kept encrypted, and shown to its owner.

It signs the way back from a hosted page by Razorpay's formula, so that a shop can tell a payer who paid from one who
typed an address.
"""

from __future__ import annotations

import hashlib
import hmac

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.errors import SecretReplaced
from accounts.models import Merchant, ReturnSecret
from gateway.lib import secrets


def sign_return(*, merchant: Merchant, mode: str, order_id: str, payment_id: str) -> str:
    """Hex HMAC-SHA-256 of `order_id|payment_id` under the merchant's return secret."""
    secret = reveal_return_secret(return_secret_of(merchant, mode))
    return hmac.new(secret.encode(), f"{order_id}|{payment_id}".encode(), hashlib.sha256).hexdigest()


def return_secret_of(merchant: Merchant, mode: str) -> ReturnSecret:
    """Made now if there is none; of two who make it at once, both get the same."""
    row = ReturnSecret.objects.filter(merchant=merchant, mode=mode).first()
    if row is None:
        fresh = {"secret_encrypted": secrets.encrypt(_new(mode))}
        row, _ = ReturnSecret.objects.get_or_create(merchant=merchant, mode=mode, defaults=fresh)
    return row


def reveal_return_secret(row: ReturnSecret) -> str:
    return secrets.decrypt(row.secret_encrypted)


@transaction.atomic
def show_return_secret(*, actor: Actor, row: ReturnSecret) -> str:
    """The secret in clear, for its owner's eyes; that it was shown is written down."""
    target = row.merchant.public_id
    audit.record(actor, "return_secret.shown", target, merchant=row.merchant_id, mode=row.mode)
    return reveal_return_secret(row)


@transaction.atomic
def regenerate_return_secret(*, actor: Actor, merchant: Merchant, mode: str, replaces: ReturnSecret) -> ReturnSecret:
    """A new secret; it alone signs from now on. `SecretReplaced`, and no change, if `replaces` is no longer the one."""
    changes = {"secret_encrypted": secrets.encrypt(_new(mode)), "created_at": timezone.now()}
    rows = ReturnSecret.objects.filter(merchant=merchant, mode=mode, created_at=replaces.created_at)
    if not rows.update(**changes):
        raise SecretReplaced()
    audit.record(actor, "return_secret.regenerated", merchant.public_id, merchant=merchant, mode=mode)
    return ReturnSecret.objects.get(merchant=merchant, mode=mode)


def _new(mode: str) -> str:
    return secrets.new_key(f"rs_{mode}_")
