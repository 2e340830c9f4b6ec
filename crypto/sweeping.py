"""A worker's part of sweeps: asks the chain what lies on an address and what moving it costs, and gives the signer
its orders. Holds no key.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from crypto.chains.base import Chain, NodeError, Payment, Refused
from crypto.chains.registry import chain_for
from crypto.models import Outgoing, Sweep
from crypto.queries import hot_wallet
from crypto.services import sweeps
from crypto.services.gas import native_minor
from crypto.services.outgoing import create_outgoing
from gateway.lib.crash import crash_point
from gateway.lib.work import backoff, drive, settle

log = structlog.get_logger(__name__)
Status, Purpose = Sweep.Status, Outgoing.Purpose
HOT = -1
# Fees move between the asking and the sending.
_MARGIN_PERCENT = 150
# At an address that has less than the books say: some minutes, in which a node may only be behind.
_LOOKS = 10


def sweep_what_is_due(limit: int = 100) -> int:
    """Plans what is ripe and takes every due sweep one step further."""
    sweeps.plan_sweeps()
    rows = Sweep.objects.filter(status__in=[Status.PENDING, Status.FUNDING])
    return drive(rows.select_related("address__network", "token"), _step, limit=limit)


def _step(sweep: Sweep) -> None:
    crash_point("sweep.claimed")
    try:
        _look(sweep, chain_for(sweep.address.network, sweep.mode))
    except Refused as error:
        _give_up(sweep, str(error))
    except (NodeError, LookupError) as error:
        log.warning("sweep_put_off", sweep=sweep.pk, error=str(error)[:200])
        settle(sweep, due_at=timezone.now() + backoff(sweep.tries, most=300), failure=str(error)[:200])


def _look(sweep: Sweep, chain: Chain) -> None:
    address, token = sweep.address, sweep.token
    wallet = hot_wallet(address.network, sweep.mode)
    there = chain.token_balance(address.address, token.contract)
    if not wallet:
        _wait(sweep, "No hot wallet yet: the signer has not started")
        return
    if there < int(sweep.raw_units):
        (_give_up if sweep.tries >= _LOOKS else _wait)(sweep, _differs(sweep, there))
        return
    fee = chain.fee(Payment(address.address, wallet, token.contract, int(sweep.raw_units)))
    have = chain.native_balance(address.address)
    if have < fee.most:
        _fund(sweep, wallet, fee.most * _MARGIN_PERCENT // 100 - have)
    else:
        _send(sweep, wallet)


def _differs(sweep: Sweep, there: int) -> str:
    log.error("sweep_differs", sweep=sweep.pk, address=sweep.address.address, found=str(there))
    return f"The chain shows {there} units, {sweep.raw_units} are expected"


@transaction.atomic
def _give_up(sweep: Sweep, why: str) -> None:
    """For now: it is made anew later, and meanwhile another token of the address has its turn."""
    if _still_ours(sweep):
        sweeps.end_sweep(sweep=sweep, swept=False, failure=why)


def _wait(sweep: Sweep, why: str) -> None:
    settle(sweep, due_at=timezone.now() + max(backoff(sweep.tries, most=300), timedelta(seconds=5)), failure=why)


@transaction.atomic
def _fund(sweep: Sweep, wallet: str, units: int) -> None:
    if not _still_ours(sweep):
        return
    outgoing = create_outgoing(
        purpose=Purpose.GAS, network=sweep.address.network, mode=sweep.mode, sender=wallet, sender_index=HOT,
        recipient=sweep.address.address, token=None, units=units,
    )
    if sweep.status == Status.FUNDING:
        sweeps.fund_again(sweep=sweep, outgoing=outgoing, minor=native_minor(sweep.address.network, units, up=True))
    else:
        sweeps.fund_sweep(sweep=sweep, outgoing=outgoing, minor=native_minor(sweep.address.network, units, up=True))
    crash_point("sweep.funded")


@transaction.atomic
def _send(sweep: Sweep, wallet: str) -> None:
    if not _still_ours(sweep):
        return
    outgoing = create_outgoing(
        purpose=Purpose.SWEEP, network=sweep.address.network, mode=sweep.mode, sender=sweep.address.address,
        sender_index=sweep.address.index, recipient=wallet, token=sweep.token, units=int(sweep.raw_units),
    )
    sweeps.send_sweep(sweep=sweep, outgoing=outgoing)
    crash_point("sweep.sent")


def _still_ours(sweep: Sweep) -> bool:
    """Whoever was overtaken orders nothing."""
    return Sweep.objects.select_for_update().filter(pk=sweep.pk, lease=sweep.lease, status=sweep.status).exists()
