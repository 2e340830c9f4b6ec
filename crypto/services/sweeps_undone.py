"""Sweeps of what was not there in the end: a transfer's credit is taken back, and its sweep left the chain with it."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from crypto.models import ChainTransaction, DepositAddress, Outgoing, Sweep, Token
from crypto.services import sweeps
from crypto.services.outgoing import take_back
from gateway.lib.errors import IllegalTransition
from gateway.lib.work import ended

Status = Sweep.Status
_GONE = "Its transaction left the chain, and so did what it had swept"


def forget_transfer(row: ChainTransaction) -> None:
    """Its address has received that much less. In the caller's transaction, before the transfer's status changes.

    Raises `IllegalTransition` while a sweep of it is on its way, or where one stands on the chain: what was swept was
    there.
    """
    if row.address_id is None:
        return
    token = Token.objects.get(network=row.network_id, mode=row.mode, currency=row.currency)
    _stop(row, token)
    address = DepositAddress.objects.select_for_update(no_key=True).get(pk=row.address_id)
    _undo(address, token, row.amount_minor)
    address.refresh_from_db()
    left = address.held_minor - row.amount_minor
    state = {} if left else {"sweep_status": DepositAddress.SweepStatus.SWEPT if address.swept_minor else ""}
    DepositAddress.objects.filter(pk=address.pk).update(
        received_minor=F("received_minor") - row.amount_minor, updated_at=timezone.now(), **state
    )


def _stop(row: ChainTransaction, token: Token) -> None:
    """One that is open is given up, unless something of it was signed."""
    for sweep in Sweep.objects.filter(address=row.address_id, token=token, status__in=sweeps.OPEN):
        if sweep.outgoing is not None and not take_back(outgoing=sweep.outgoing):
            raise IllegalTransition("It is being swept at this moment: wait until that has ended.")
        sweeps.end_sweep(sweep=sweep, swept=False, failure="What it was to sweep left the chain")


def _undo(address: DepositAddress, token: Token, minor: int) -> None:
    """Newest first, as many as it takes."""
    held = sweeps.held(address, token)[0]
    done = Sweep.objects.filter(address=address, token=token, status=Status.SWEPT)
    for sweep in done.filter(outgoing__flag=Outgoing.Flag.VANISHED).order_by("-swept_at", "-pk"):
        if held >= minor:
            break
        sweep.advance(Status.FAILED, failure=_GONE, swept_at=None)
        DepositAddress.objects.filter(pk=address.pk).update(swept_minor=F("swept_minor") - sweep.amount_minor)
        held += sweep.amount_minor
    if held < minor:
        raise IllegalTransition("It was swept to the hot wallet by a transaction that stands on the chain. Look there.")


def may_count_again(sweep: Sweep) -> bool:
    """A sweep that comes back: whether what it swept counts again too."""
    return not was_undone(sweep) or sweeps.held(sweep.address, sweep.token)[0] >= sweep.amount_minor


def was_undone(sweep: Sweep) -> bool:
    return sweep.status == Status.FAILED and sweep.failure == _GONE


def count_again(sweep: Sweep) -> None:
    """In the transaction that notes that it is in the chain again."""
    sweep.advance(Status.SWEPT, swept_at=timezone.now(), failure="", **ended())
    DepositAddress.objects.filter(pk=sweep.address_id).update(swept_minor=F("swept_minor") + sweep.amount_minor)
