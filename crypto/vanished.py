"""The signer's look at what had ended and left the chain: found again, or its very bytes sent again, never a new form.

Only bytes that repeat what is booked are sent: those of a completed intent, and those that cancelled one. A transfer
that failed on chain could succeed at a second try, after its money was released.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from crypto.chains.base import Chain, NodeError, Receipt, Signed
from crypto.models import Attempt, Outgoing
from crypto.services.outgoing import soon
from crypto.services.outgoing_ends import did_as_meant
from crypto.services.outgoing_vanished import note_back
from crypto.services.sweeps_undone import may_count_again
from gateway.lib.work import settle

_AGAIN = timedelta(minutes=1)


def look_for(outgoing: Outgoing, chain: Chain) -> None:
    for attempt in outgoing.attempts.order_by("-number"):
        receipt = chain.receipt(attempt.transaction_hash)
        if receipt is not None:
            _is_mined(outgoing, chain, attempt, receipt)
            return
    booked = outgoing.attempts.filter(transaction_hash=outgoing.transaction_hash).first()
    if booked is not None and _may_be_sent(outgoing, chain, booked):
        _send_again(booked, chain)
    settle(outgoing, due_at=timezone.now() + _AGAIN)


def _is_mined(outgoing: Outgoing, chain: Chain, attempt: Attempt, receipt: Receipt) -> None:
    """Another form, or another outcome than what is booked, stays with people."""
    as_booked = attempt.transaction_hash == outgoing.transaction_hash and (
        did_as_meant(outgoing, attempt, receipt) == (outgoing.status == Outgoing.Status.CONFIRMED)
    )
    missing = outgoing.network.confirmations - (chain.height() - receipt.height + 1)
    if not as_booked:
        settle(outgoing, due_at=timezone.now() + _AGAIN)
    elif missing > 0 or chain.block(receipt.height).hash != receipt.block_hash:
        settle(outgoing, due_at=soon(outgoing.network, outgoing.mode, max(missing, 1)))
    elif outgoing.purpose == Outgoing.Purpose.SWEEP and not may_count_again(outgoing.sweep):
        settle(outgoing, due_at=timezone.now() + _AGAIN)  # the transfer that it swept is not credited again yet
    else:
        note_back(outgoing=outgoing, height=receipt.height)


def _may_be_sent(outgoing: Outgoing, chain: Chain, booked: Attempt) -> bool:
    if outgoing.status != Outgoing.Status.CONFIRMED and not booked.cancels:
        return False
    if chain.uses_nonces:
        possible = outgoing.nonce is not None and chain.next_nonce(outgoing.sender) <= outgoing.nonce
    else:
        possible = booked.dead_after_height is not None and not chain.is_dead(booked.dead_after_height)
    return possible and not chain.knows(booked.transaction_hash)


def _send_again(booked: Attempt, chain: Chain) -> None:
    try:
        chain.broadcast(Signed(booked.raw, booked.transaction_hash))
        answer = "taken"
    except NodeError as error:
        answer = str(error)
    Attempt.objects.filter(pk=booked.pk).update(broadcast_at=timezone.now(), answer=answer[:200])
