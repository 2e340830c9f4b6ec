"""How an intent ends: confirmed at depth, or failed for certain. Its fee is booked, and whoever wanted it is told, in
one transaction; a second report of the same end changes nothing.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import Merchant
from accounts.operators import super_admin
from crypto import formats
from crypto.chains.base import Receipt, Transfer
from crypto.models import Attempt, ChainTransaction, Outgoing, Sender
from crypto.services import house_withdrawals, sweeps, withdrawal_ends
from crypto.services.gas import book_fee, native_minor
from crypto.services.outgoing import OPEN, flag_outgoing, lock
from gateway.lib.crash import crash_point
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.work import ended

log = structlog.get_logger(__name__)
Status, Purpose, Flag = Outgoing.Status, Outgoing.Purpose, Outgoing.Flag
_AGAIN = timedelta(minutes=1)


@transaction.atomic
def end_outgoing(*, outgoing: Outgoing, attempt: Attempt, receipt: Receipt) -> None:
    """A form of it is mined, as deep as the network asks for."""
    row = lock(outgoing)
    if row.status not in OPEN:
        return
    moved = _moved(row, receipt)
    good = receipt.succeeded and not attempt.cancels
    if good and not did_as_meant(row, attempt, receipt):
        detail = f"{receipt.transaction_hash} moved something else"
        # Looked at again: another node may show the transfer, and giving up what was paid pays it twice.
        flag_outgoing(
            outgoing=outgoing, flag=Flag.OTHERWISE, detail=detail, due_at=timezone.now() + _AGAIN,
            transaction_hash=receipt.transaction_hash, height=receipt.height, taken_raw=str(receipt.fee),
        )
        return
    crash_point("outgoing.before_booking")
    if row.status == Status.SIGNED:
        row.advance(Status.UNKNOWN)
    row.advance(
        Status.CONFIRMED if good else Status.FAILED, transaction_hash=receipt.transaction_hash,
        height=receipt.height, fee_raw=str(receipt.fee), confirmed_at=timezone.now(), flag="", waits_for="",
        failure="" if good else "Cancelled" if attempt.cancels else "The chain carried it out and it failed", **ended(),
    )
    book_fee(outgoing=row, fee=receipt.fee)
    if row.token is not None and not attempt.cancels:
        _list_transaction(row, receipt, moved)
    _tell(row)
    crash_point("outgoing.after_booking")


@transaction.atomic
def fail_outgoing(*, outgoing: Outgoing, failure: str) -> None:
    """Ends an intent of which no form was mined and none ever can be."""
    row = lock(outgoing)
    if row.status in OPEN and row.lease == outgoing.lease:
        _fail(row, failure)


def _fail(row: Outgoing, failure: str, **changes: str) -> None:
    if row.status == Status.SIGNED:
        row.advance(Status.UNKNOWN)
    row.advance(Status.FAILED, failure=failure[:200], waits_for="", **changes, **ended())
    _tell(row)


@transaction.atomic
def give_up_outgoing(*, actor: Actor, outgoing: Outgoing, note: str) -> Outgoing:
    """A super admin ends an intent whose nonce somebody else used, or that moved something else than was meant,
    after looking at the chain. What it was for is released; what its own mined form cost is booked with it.

    Raises `NotAllowed`, `InvalidFields`, `IllegalTransition` (nothing is odd about it).
    """
    check_super_admin(actor, note)
    row = lock(outgoing)
    if row.flag not in (Flag.FOREIGN, Flag.OTHERWISE) or row.status not in OPEN:
        raise IllegalTransition("Only a flagged transaction can be given up; the others end by themselves.")
    taken = row.taken_raw if row.flag == Flag.OTHERWISE else ""
    _fail(row, f"Given up by an operator: {note.strip()}", **({"fee_raw": taken} if taken else {}))
    book_fee(outgoing=row, fee=int(taken or 0))
    detail = note.strip()[:200]
    audit.record(actor, "outgoing.given_up", f"outgoing-{row.pk}", mode=row.mode, flag=row.flag, detail=detail)
    return row


@transaction.atomic
def resume_sender(*, actor: Actor, sender: Sender, note: str) -> None:
    """Signing for a stopped sender goes on; its next nonce is asked of the chain anew, once nothing of its is open.

    Raises `NotAllowed`, `InvalidFields`, `IllegalTransition`.
    """
    check_super_admin(actor, note)
    row = Sender.objects.select_for_update().get(pk=sender.pk)
    signed = Outgoing.objects.filter(network=row.network, mode=row.mode, sender=row.address, status__in=OPEN)
    if row.stopped_at is None:
        raise IllegalTransition("Sending from this address is not stopped.")
    if signed.exclude(status=Status.WAITING).exists():
        raise IllegalTransition("Some of its transactions are still under way. Give up the flagged ones first.")
    Sender.objects.filter(pk=row.pk).update(stopped_at=None, stopped_reason="", next_nonce=None, ahead=0)
    audit.record(actor, "sender.resumed", row.address[:64], mode=row.mode, detail=note.strip()[:200])


def check_super_admin(actor: Actor, note: str) -> None:
    super_admin(actor)
    if not note.strip():
        raise InvalidFields(note="is required")


def did_as_meant(row: Outgoing, attempt: Attempt, receipt: Receipt) -> bool:
    """Whether this receipt of one of its forms says that the intent was carried out."""
    if not receipt.succeeded or attempt.cancels:
        return False
    return row.token is None or _moved(row, receipt) is not None


def _moved(row: Outgoing, receipt: Receipt) -> Transfer | None:
    """The transfer that was meant, among those of its transaction."""
    if row.token is None:
        return None
    network = row.network
    meant = (
        formats.lookup_form(network, row.token.contract), formats.lookup_form(network, row.sender),
        formats.lookup_form(network, row.recipient), int(row.raw_units),
    )
    return next((each for each in receipt.transfers if _as_meant(row, each) == meant), None)


def _as_meant(row: Outgoing, transfer: Transfer) -> tuple[str, str, str, int]:
    form = formats.lookup_form
    return (
        form(row.network, transfer.contract), form(row.network, transfer.sender), form(row.network, transfer.recipient),
        transfer.units,
    )


def _list_transaction(row: Outgoing, receipt: Receipt, moved: Transfer | None) -> None:
    """The merchant's list of transactions has it, the failed ones too."""
    token = row.token
    assert token is not None
    kind = ChainTransaction.Type.SWEEP if row.purpose == Purpose.SWEEP else ChainTransaction.Type.OUTGOING
    minor, address = formats.to_minor(int(row.raw_units), token.decimals)[0], None
    if row.purpose == Purpose.SWEEP:
        minor, address = row.sweep.amount_minor, row.sweep.address
    ChainTransaction.objects.get_or_create(
        network=row.network, mode=row.mode, transaction_hash=receipt.transaction_hash,
        position=moved.position if moved else 0,
        defaults={
            "type": kind, "merchant": _merchant(row), "currency": token.currency, "amount_minor": minor,
            "status": ChainTransaction.Status.CONFIRMED if moved else ChainTransaction.Status.FAILED,
            "raw_units": row.raw_units, "sender": row.sender, "recipient": row.recipient, "height": receipt.height,
            "block_hash": receipt.block_hash, "block_time": receipt.time, "confirmed_at": row.confirmed_at,
            "gas_used": str(receipt.gas_used), "gas_price": str(receipt.gas_price), "address": address,
            "gas_fee_minor": native_minor(row.network, receipt.fee, up=True),
        },
    )


def _merchant(row: Outgoing) -> Merchant | None:
    if row.purpose == Purpose.SWEEP:
        return row.sweep.merchant
    return row.withdrawal.merchant if row.purpose == Purpose.WITHDRAWAL else None


def _tell(row: Outgoing) -> None:
    good = row.status == Status.CONFIRMED
    if row.purpose == Purpose.SWEEP:
        sweeps.end_sweep(sweep=row.sweep, swept=good, failure=row.failure)
    elif row.purpose == Purpose.GAS:
        sweeps.gas_came(funding=row.gas_funding)
    elif row.purpose == Purpose.HOUSE:
        house_withdrawals.end_house_withdrawal(withdrawal=row.house_withdrawal, sent=good, failure=row.failure)
    elif good:
        withdrawal_ends.complete_withdrawal(withdrawal=row.withdrawal)
    else:
        withdrawal_ends.fail_withdrawal(withdrawal=row.withdrawal, code="not_sent", reason=row.failure)
