"""A withdrawal's postings and ends: held once, then settled or released once, with its trail and its event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from crypto import accounts
from crypto.models import Withdrawal
from gateway.lib.crash import crash_point
from gateway.lib.errors import IllegalTransition
from gateway.lib.work import ended
from ledger.services import Line, post
from webhooks.services import emit

Status = Withdrawal.Status
_CHAIN = Actor.system("chain")


def lock(withdrawal: Withdrawal) -> Withdrawal:
    rows = Withdrawal.objects.select_for_update(no_key=True, of=("self",)).select_related("merchant", "network")
    return rows.get(pk=withdrawal.pk)


def write_down(actor: Actor, row: Withdrawal, action: str, *, event: str = "", **data: Any) -> None:
    """One row in the audit trail, and with `event` one for the merchant. `detail` is what a timeline shows."""
    audit.record(actor, action, row.public_id, merchant=row.merchant_id, mode=row.mode, **data)
    if event:
        emit(event_type=event, merchant=row.merchant, mode=row.mode, subject=row, subject_id=row.public_id)


def post_hold(row: Withdrawal) -> None:
    post_step(row, "hold", [*available(row, -1), *reserved(row, 1)])


@transaction.atomic
def complete_withdrawal(*, withdrawal: Withdrawal) -> None:
    """Its transaction is confirmed: what was held has left the chain's custody, and the fee is earned."""
    row = lock(withdrawal)
    row.advance(Status.COMPLETED, completed_at=timezone.now(), trouble="", **ended())
    hash_ = row.outgoing.transaction_hash if row.outgoing is not None else ""
    write_down(_CHAIN, row, "withdrawal.completed", event="withdrawal.completed", detail=f"Transaction {hash_}")
    crash_point("withdrawal.before_settlement")
    network = str(row.network_id)
    post_step(row, "settle", [
        *reserved(row, -1),
        Line(accounts.custody(row.mode, row.currency, network), row.net.minor),
        Line(accounts.fees(row.mode, row.currency, network), row.fee_minor - row.tax_minor),
        Line(accounts.tax(row.mode, row.currency, network), row.tax_minor),
    ])


@transaction.atomic
def fail_withdrawal(*, withdrawal: Withdrawal, code: str, reason: str, actor: Actor = _CHAIN) -> None:
    """Nothing was sent, and nothing will be: all that was held is available again."""
    row = lock(withdrawal)
    if row.status == Status.COMPLETED:
        raise IllegalTransition("Cannot become failed: it is completed.")
    end_failed(actor, row, code, reason)
    post_step(row, "release", [*reserved(row, -1), *available(row, 1)])


def end_failed(actor: Actor, row: Withdrawal, code: str, reason: str) -> None:
    row.advance(
        Status.FAILED, failure_code=code[:40], failure_reason=reason[:200], completed_at=timezone.now(), trouble="",
        **ended(),
    )
    write_down(actor, row, "withdrawal.failed", event="withdrawal.failed", detail=reason[:200])


def available(row: Withdrawal, sign: int) -> Iterator[Line]:
    """What is held of each network, to (or from) the merchant's available balances."""
    for network, minor in row.held.items():
        yield Line(accounts.available(row.merchant_id, row.mode, row.currency, network), sign * minor)


def reserved(row: Withdrawal, sign: int) -> Iterator[Line]:
    for network, minor in row.held.items():
        yield Line(accounts.reserved(row.merchant_id, row.mode, row.currency, network), sign * minor)


def post_step(row: Withdrawal, step: str, lines: list[Line]) -> None:
    """Books `hold`, `settle`, `release`, `convert` or `return`; each once."""
    reference = f"crypto:withdrawal:{row.pk}:{step}"
    post(kind=f"withdrawal.{step}", reference=reference, mode=row.mode, lines=lines)
