"""What every step of a payout shares: its row as it stands, its trail, its postings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts import audit
from accounts.actors import Actor
from accounts.models import AuditRecord
from ledger.services import AccountKey, Line, merchant_account, post
from payouts.models import Payout
from webhooks.services import emit


def lock(payout: Payout) -> Payout:
    """The payout as it stands now, and nobody else's until the transaction ends."""
    rows = Payout.objects.select_for_update(no_key=True, of=("self",)).select_related("merchant")
    return rows.get(pk=payout.pk)


def write_down(actor: Actor, payout: Payout, action: str, *, event: str = "", **data: Any) -> None:
    """One row in the audit trail, and with `event` one for the merchant. `detail` is what a timeline shows."""
    audit.record(actor, action, payout.public_id, merchant=payout.merchant_id, mode=payout.mode, **data)
    if event:
        emit(
            event_type=event, merchant=payout.merchant, mode=payout.mode, subject=payout,
            subject_id=payout.public_id,
        )


def entry(actor: Actor, payout: Payout, action: str, **data: Any) -> AuditRecord:
    """The same row of the audit trail, for whoever writes it together with the payout."""
    return audit.entry(actor, action, payout.public_id, merchant=payout.merchant_id, mode=payout.mode, **data)


def available(payout: Payout, sign: int) -> Line:
    return Line(_account(payout, "available"), sign * payout.held.minor)


def reserved(payout: Payout, sign: int) -> Line:
    return Line(_account(payout, "reserved"), sign * payout.held.minor)


def _account(payout: Payout, kind: str) -> AccountKey:
    return merchant_account(payout.merchant_id, payout.mode, payout.currency, kind)


_at_end: list[Callable[[Payout], None]] = []


def at_end(listener: Callable[[Payout], None]) -> None:
    """Whoever made payouts for a purpose of its own is told of each end, in its transaction."""
    if listener not in _at_end:
        _at_end.append(listener)


def step_reference(payout: Payout, step: str) -> str:
    """What `hold`, `settle`, `release` and `return` are booked under; each once."""
    return f"payout:{payout.public_id}:{step}"


def post_step(payout: Payout, step: str, lines: list[Line]) -> None:
    """Books how a payout ended: `settle`, or `release`, or after a `settle` its `return`."""
    post(kind=f"payout.{step}", reference=step_reference(payout, step), mode=payout.mode, lines=lines)
    for listener in _at_end:
        listener(payout)
