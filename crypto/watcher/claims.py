"""Looks claimed transactions up: what they moved, to whom, in which token. Nothing is counted that a scan would not.

Anybody may name anything, also what no node can answer: that is put off, and holds up nobody behind it.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from crypto import formats
from crypto.chains import registry
from crypto.chains.base import Chain, NodeDown, NodeError, NodeWrong, Receipt, Transfer
from crypto.models import ChainState, ChainTransaction, Session, TransactionClaim
from crypto.services.deposits import Sighting, write_sighting
from crypto.services.records import lock, name_transfer, note
from gateway.lib.work import backoff

_BATCH = 20
_TRIES = 12
_LONGEST_WAIT = 600.0
_FAILURES = 3  # in one look
_BUSY = timedelta(seconds=30)
NOT_FOUND = "The network does not know this transaction. Is it of this network?"
UNREADABLE = "The network's nodes cannot tell what it is. They are asked again."
WAITING = "The network knows it; it is not in a block yet."
FAILED = "The transaction failed on chain: it moved nothing."
OTHER_ADDRESS = "It pays nothing to this payment's address."
OTHER_TOKEN = "It pays a token that is not accepted here."  # noqa: S105 - words
OTHER_SESSION = "It is counted for another payment already."
FOUND = "Found. It counts once the network has confirmed it."
COUNTED = "It is counted for this payment."


def look_up_due(chain: Chain, state: ChainState) -> None:
    due = TransactionClaim.objects.filter(
        session__network=state.network_id, session__mode=state.mode, due_at__lte=timezone.now()
    )
    failures = 0
    for claim in due.select_related("session__network", "session__address").order_by("due_at", "id")[:_BATCH]:
        try:
            _look_up(claim, chain)
        except NodeDown:
            raise  # nobody was reached, which says nothing about this one
        except NodeError as error:
            _put_off(claim, error)
            failures += 1
            if failures >= _FAILURES:
                break


def _look_up(claim: TransactionClaim, chain: Chain) -> None:
    receipt = chain.receipt(claim.transaction_hash)
    if receipt is None:
        _later(claim, WAITING if chain.knows(claim.transaction_hash) else NOT_FOUND)
    else:
        _answer(claim, receipt)


def _put_off(claim: TransactionClaim, error: NodeError) -> None:
    """An answer that cannot be read is one, after a while the last; a node that was busy has given none."""
    if isinstance(error, NodeWrong):
        _later(claim, UNREADABLE)
    else:
        TransactionClaim.objects.filter(pk=claim.pk).update(due_at=timezone.now() + _BUSY)


def _later(claim: TransactionClaim, result: str) -> None:
    """Asked again for about an hour; a payer may be quicker than the nodes."""
    tries = claim.tries + 1
    due_at = None if tries >= _TRIES else timezone.now() + backoff(tries, first=2.0, most=_LONGEST_WAIT)
    TransactionClaim.objects.filter(pk=claim.pk).update(result=result, tries=tries, due_at=due_at)


def _answer(claim: TransactionClaim, receipt: Receipt) -> None:
    if not receipt.succeeded:
        return _end(claim, FAILED)
    found, why = _ours(claim.session, receipt)
    if not found:
        return _end(claim, why)
    with transaction.atomic():
        session = lock(claim.session_id)
        rows = [write_sighting(sighting) for sighting in found]
        mine = [row for row in rows if row.session_id == session.pk or _take_over(claim, session, row)]
        _end(claim, _words(mine), attached=bool(mine))
        if mine:
            note(session, "transaction_claimed", f"Transaction {claim.transaction_hash[:18]}… was named and found")
    return None


def _words(mine: list[ChainTransaction]) -> str:
    if not mine:
        return OTHER_SESSION
    return COUNTED if all(row.status == ChainTransaction.Status.CONFIRMED for row in mine) else FOUND


def _end(claim: TransactionClaim, result: str, attached: bool = False) -> None:
    TransactionClaim.objects.filter(pk=claim.pk).update(result=result, attached=attached, due_at=None)


def _ours(session: Session, receipt: Receipt) -> tuple[list[Sighting], str]:
    """Its transfers of our tokens to the session's own address; or none, and why."""
    ours = session.address.lookup
    to_us = [transfer for transfer in receipt.transfers if _spelled(session, transfer.recipient) == ours]
    if not to_us:
        return [], OTHER_ADDRESS
    tokens = {
        _spelled(session, token.contract): token for token in registry.known_tokens(session.network, session.mode)
    }
    found = [
        Sighting(transfer, tokens[contract], session.address, receipt.time)
        for transfer in to_us if transfer.units > 0 and (contract := _contract(session, transfer)) in tokens
    ]
    return found, "" if found else OTHER_TOKEN


def _spelled(session: Session, address: str) -> str:
    return formats.lookup_form(session.network, address)


def _contract(session: Session, transfer: Transfer) -> str:
    return _spelled(session, transfer.contract)


def _take_over(claim: TransactionClaim, session: Session, row: ChainTransaction) -> bool:
    """An operator may give an uncredited transfer to an earlier session of the same merchant and address."""
    operator = claim.claimed_by is not None and claim.claimed_by.is_operator
    if not operator or row.status != ChainTransaction.Status.PENDING or row.merchant_id != session.merchant_id:
        return False
    before = lock(row.session_id) if row.session_id is not None else None
    # Another watcher, whose lease ran out at a slow node, may have credited it since it was read.
    free = ChainTransaction.objects.filter(pk=row.pk, session=before, status=ChainTransaction.Status.PENDING)
    if not free.update(session=session, updated_at=timezone.now()):
        return False
    name_transfer(session)
    if before is not None:
        name_transfer(before)
    return True
