"""Starts what is approved: an intent for the signer, or a payout. What cannot start yet says why, and waits."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from crypto import formats
from crypto.chains.registry import token_for
from crypto.errors import AddressRemoved
from crypto.models import Outgoing, Withdrawal
from crypto.queries import hot_wallet
from crypto.services import withdrawal_fiat
from crypto.services.allow_list import is_removed
from crypto.services.outgoing import create_outgoing
from crypto.services.withdrawal_ends import fail_withdrawal, lock, write_down
from gateway.lib.crash import crash_point
from gateway.lib.errors import GatewayError
from gateway.lib.work import drive, ended, settle

log = structlog.get_logger(__name__)
Status, Method = Withdrawal.Status, Withdrawal.Method
TASK = "crypto.drive_withdrawals"
_WORKER = Actor.system("worker")
_HOT = -1
_AGAIN = timedelta(seconds=30)


def drive_withdrawals(limit: int = 100) -> int:
    """Starts approved withdrawals. Returns how many were looked at."""
    rows = Withdrawal.objects.filter(status=Status.PENDING)
    return drive(rows.select_related("merchant", "network"), _step, limit=limit)


def _step(row: Withdrawal) -> None:
    crash_point("withdrawal.claimed")
    try:
        start_withdrawal(actor=_WORKER, withdrawal=row)
    except GatewayError as error:
        log.warning("withdrawal_waits", withdrawal=row.public_id, error=error.message)
        settle(row, due_at=timezone.now() + _AGAIN, trouble=error.message[:200])
    crash_point("withdrawal.after_commit")


@transaction.atomic
def start_withdrawal(*, actor: Actor, withdrawal: Withdrawal) -> None:
    """`processing` from now on, or failed if its wallet was taken off the list meanwhile.

    Without effect on one that has started, ended, or waits for its approval.
    """
    row = lock(withdrawal)
    if row.status != Status.PENDING or (row.needs_approval and row.approved_at is None):
        return
    if row.method == Method.FIAT:
        withdrawal_fiat.pay_out(actor, row)
        return
    if is_removed(row):
        fail_withdrawal(withdrawal=row, code=AddressRemoved.code, reason=AddressRemoved.message, actor=actor)
        return
    wallet = hot_wallet(str(row.network_id), row.mode)
    if not wallet:
        trouble = "No hot wallet yet: the signer has not started"
        Withdrawal.objects.filter(pk=row.pk).update(trouble=trouble, **ended(timezone.now() + _AGAIN))
        return
    _send(actor, row, wallet)


def _send(actor: Actor, row: Withdrawal, wallet: str) -> None:
    network = row.network
    assert network is not None
    token = token_for(network, row.mode, row.currency)
    if token is None:
        raise GatewayError(f"{row.currency} is switched off on {network.name}.")
    outgoing = create_outgoing(
        purpose=Outgoing.Purpose.WITHDRAWAL, network=network, mode=row.mode, sender=wallet, sender_index=_HOT,
        recipient=row.address, token=token, units=formats.to_units(row.net.minor, token.decimals),
    )
    crash_point("withdrawal.ordered")
    row.advance(Status.PROCESSING, processed_at=timezone.now(), outgoing=outgoing, trouble="", **ended())
    write_down(actor, row, "withdrawal.processing", detail=f"{row.net} {row.currency} are being sent on {network.name}")
