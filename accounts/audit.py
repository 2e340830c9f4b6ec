"""The audit trail: `record` adds one row in the caller's transaction; `entry` makes one to be written with others."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.models import AuditRecord, Merchant
from gateway.lib import logs


def record(
    actor: Actor, action: str, target: str, *, merchant: Merchant | int | None = None, mode: str = "", **data: Any
) -> None:
    """Writes down that `actor` did `action` (`payout.approved`) to `target` (a public id).

    `data` holds plain JSON values: what changed, from and to, a reason. Never a secret, a key or a card number.
    """
    entry(actor, action, target, merchant=merchant, mode=mode, **data).save(force_insert=True)


def entry(
    actor: Actor, action: str, target: str, *, merchant: Merchant | int | None = None, mode: str = "", **data: Any
) -> AuditRecord:
    """What `record` writes, not yet written."""
    context = logs.context()
    return AuditRecord(
        actor=actor.user,
        actor_label=actor.label[:80],
        action=action,
        target=target,
        merchant_id=merchant.pk if isinstance(merchant, Merchant) else merchant,
        mode=mode,
        data=data,
        request_id=context.get("request_id", ""),
        address=context.get("address", ""),
    )
