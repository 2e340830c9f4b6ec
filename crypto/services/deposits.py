"""What a scan found, written down: transfers to our addresses, seen, moved to another block, gone from the chain.

Nothing here touches the ledger. A transfer is known by transaction and position, so whoever reports it again, or from
another block, reports the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from crypto import formats
from crypto.chains.base import Transfer
from crypto.models import ChainTransaction, DepositAddress, Network, Session, Token
from crypto.services.records import WATCHER, drop_flag, lock, name_transfer, note, set_flag, token_text, write_down
from gateway.lib.money import MAX_MINOR

log = structlog.get_logger(__name__)
Status = ChainTransaction.Status
# A chain's clock and ours may differ by so much.
_CLOCKS_DIFFER = timedelta(minutes=2)
_MISSED = "It left the chain after it was confirmed. The credit stands until somebody decides."


@dataclass(frozen=True, slots=True)
class Sighting:
    """A transfer of one of our tokens to one of our addresses, in a block of this time (None: not asked for)."""

    transfer: Transfer
    token: Token
    address: DepositAddress
    time: datetime | None = None

    @property
    def minor(self) -> int:
        return formats.to_minor(self.transfer.units, self.token.decimals)[0]

    @property
    def dust(self) -> int:
        return formats.to_minor(self.transfer.units, self.token.decimals)[1]


@transaction.atomic
def write_sighting(seen: Sighting) -> ChainTransaction:
    """The row of this transfer, made now or brought up to date."""
    transfer = seen.transfer
    row = _find(seen.address.network, seen.address.mode, transfer.transaction_hash, transfer.position)
    if row is None:
        return _first_seen(seen)
    if was_denied(row):
        _take_up_again(row, seen)
    elif row.block_hash != transfer.block_hash or is_gone(row) or is_missed(row):
        move(row, transfer.height, transfer.block_hash, seen.time)
    return row


def was_denied(row: ChainTransaction) -> bool:
    """By a receipt that called it failed. What the books cannot hold has failed as well, and has no amount."""
    return row.type == ChainTransaction.Type.INCOMING and row.status == Status.FAILED and row.amount_minor > 0


def is_gone(row: ChainTransaction) -> bool:
    """Not credited (any more), and in no block as far as is known."""
    return row.status in (Status.ORPHANED, Status.REVERSED)


def is_missed(row: ChainTransaction) -> bool:
    """Credited, and gone from the chain as far as is known."""
    return row.status == Status.CONFIRMED and row.note == _MISSED


def _take_up_again(row: ChainTransaction, seen: Sighting) -> None:
    """One node's word, which a scan or a claim contradicts now: it waits again, and its receipt decides at depth."""
    row.advance(
        Status.PENDING, height=seen.transfer.height, block_hash=seen.transfer.block_hash, checked_at=None, note="",
        block_time=seen.time or row.block_time,
    )
    log.warning("denied_transfer_seen_again", transaction=row.transaction_hash, network=row.network_id)
    if row.session_id is not None:
        session = lock(row.session_id)
        name_transfer(session)
        note(session, "payment_received", f"Payment found after all ({token_text(row.amount_minor, row.currency)})")
        write_down(WATCHER, session, "session.payment_received", detail=row.transaction_hash)


def _find(network: Network, mode: str, transaction_hash: str, position: int) -> ChainTransaction | None:
    rows = ChainTransaction.objects.filter(network=network, mode=mode)
    return rows.filter(transaction_hash=transaction_hash, position=position).first()


def _first_seen(seen: Sighting) -> ChainTransaction:
    moment = seen.time or timezone.now()
    session = holder_at(seen.address, moment)
    transfer = seen.transfer
    fits = seen.minor <= MAX_MINOR
    row = ChainTransaction.objects.create(
        type=ChainTransaction.Type.INCOMING, status=Status.PENDING if fits else Status.FAILED,
        merchant=session.merchant if session else seen.address.merchant, mode=seen.address.mode,
        network=seen.address.network, currency=seen.token.currency, transaction_hash=transfer.transaction_hash,
        position=transfer.position, amount_minor=seen.minor if fits else 0, raw_units=str(transfer.units),
        sender=transfer.sender[:64], recipient=seen.address.address, height=transfer.height,
        block_hash=transfer.block_hash, block_time=moment, address=seen.address, session=session,
        note="" if fits else "More than the books can hold: nothing was booked.",
    )
    if session is not None:
        _tell_session(lock(session.pk), row, seen, fits)
    log.info("transfer_seen", transaction=transfer.transaction_hash, network=seen.address.network_id, fits=fits)
    return row


def _tell_session(session: Session, row: ChainTransaction, seen: Sighting, fits: bool) -> None:
    """The timeline's `payment_received`, and what is odd already."""
    if not fits:
        set_flag(session, Session.Flag.UNBOOKED)
        note(session, "payment_not_booked", "A transfer came that is larger than the books can hold")
        return
    note(session, "payment_received", f"Payment received ({token_text(row.amount_minor, row.currency)})")
    if row.currency != session.currency:
        set_flag(session, Session.Flag.WRONG_TOKEN)
    if seen.dust:
        set_flag(session, Session.Flag.DUST)
    now = timezone.now()
    Session.objects.filter(pk=session.pk).update(seen_at=session.seen_at or now, updated_at=now)
    name_transfer(session)
    write_down(WATCHER, session, "session.payment_received", detail=row.transaction_hash)


def holder_at(address: DepositAddress, moment: datetime) -> Session | None:
    """The session that had `address` then: the last one that got it before, else the first there was."""
    sessions = Session.objects.filter(address=address).select_related("merchant")
    before = sessions.filter(created_at__lte=moment + _CLOCKS_DIFFER).order_by("-created_at").first()
    return before or sessions.order_by("created_at").first()


def _hold(row: ChainTransaction) -> Session | None:
    """Its session, and then the row as it stands now: locked in the order in which it is credited and taken back."""
    session = lock(row.session_id) if row.session_id else None
    locked = ChainTransaction.objects.select_for_update(no_key=True)
    row.refresh_from_db(fields=["status", "note", "height", "block_hash"], from_queryset=locked)
    return session


@transaction.atomic
def move(row: ChainTransaction, height: int, block_hash: str, time: datetime | None) -> None:
    """The transfer is in this block now, perhaps again. A confirmed one keeps its credit, and is no longer missed."""
    session = _hold(row)
    where: dict[str, Any] = {
        "height": height, "block_hash": block_hash, "checked_at": None, "updated_at": timezone.now()
    }
    if time is not None:
        where["block_time"] = time
    if is_gone(row):
        row.advance(Status.PENDING, note="", **where)
    else:
        if row.status == Status.CONFIRMED:
            where["note"] = ""  # it said that it had vanished; should it do so again, that is told again
        ChainTransaction.objects.filter(pk=row.pk).update(**where)
        row.height, row.block_hash = height, block_hash
    if session is None:
        return
    name_transfer(session)
    set_flag(session, Session.Flag.REORGANISED)
    if row.status == Status.CONFIRMED:
        drop_vanished(session)
    note(session, "payment_moved", f"Payment is in another block now ({block_hash[:18]}…)")


def drop_vanished(session: Session) -> None:
    """Unless another credited transfer of it is still missed."""
    if not session.transactions.filter(note=_MISSED).exists():
        drop_flag(session, Session.Flag.VANISHED)


@transaction.atomic
def orphan(row: ChainTransaction) -> None:
    """No block has the transfer any more. It was not credited, so there is nothing to take back."""
    session = lock(row.session_id) if row.session_id else None
    row.advance(Status.ORPHANED, checked_at=timezone.now())
    log.warning("transfer_left_the_chain", transaction=row.transaction_hash, network=row.network_id)
    if session is not None:
        name_transfer(session)
        set_flag(session, Session.Flag.REORGANISED)
        note(session, "payment_reverted", "The payment left the chain in a reorganisation; it is not counted")
        write_down(WATCHER, session, "session.payment_orphaned", detail=row.transaction_hash)


@transaction.atomic
def flag_vanished(row: ChainTransaction) -> None:
    """A credited transfer is gone, deeper than the network's confirmations. Never taken back silently."""
    session, now = _hold(row), timezone.now()
    if is_missed(row) or row.status != Status.CONFIRMED:
        return  # told before, or its credit was taken back since it was read
    ChainTransaction.objects.filter(pk=row.pk).update(note=_MISSED, checked_at=now, updated_at=now)
    log.error("confirmed_transfer_vanished", transaction=row.transaction_hash, network=row.network_id, mode=row.mode)
    if session is not None:
        set_flag(session, Session.Flag.VANISHED)
        note(session, "payment_vanished", "A confirmed payment left the chain: the gateway's operator must look")
        write_down(WATCHER, session, "session.payment_vanished", detail=row.transaction_hash)


@transaction.atomic
def reject(row: ChainTransaction, why: str) -> None:
    """The chain says that it moved nothing after all."""
    session = lock(row.session_id) if row.session_id else None
    row.advance(Status.FAILED, note=why)
    if session is not None:
        name_transfer(session)
        note(session, "payment_rejected", why)
        write_down(WATCHER, session, "session.payment_rejected", detail=row.transaction_hash)


def doubt(row: ChainTransaction, why: str) -> None:
    """A receipt that contradicts the scan: not credited, asked for again, and shown to operators."""
    if row.note != why:
        log.error("receipt_contradicts_scan", transaction=row.transaction_hash, network=row.network_id, why=why)
    ChainTransaction.objects.filter(pk=row.pk).update(note=why, checked_at=timezone.now())
