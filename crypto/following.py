"""What became of a broadcast: found by the hash of each of its forms, never guessed from an answer that did not come.

With a nonce, all forms of an intent exclude each other, so a later one may offer more, or cancel. Without (Tron,
Solana) a further form is made only when every earlier one can no longer be mined, by two looks behind the network's
depth. Mined is not the end: an intent ends at depth, and its bytes are sent again if its block vanishes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from crypto import forms, opinions
from crypto.chains.base import Chain, Fee, NodeError, Receipt
from crypto.models import Attempt, Outgoing
from crypto.services.outgoing import fee_of, flag_outgoing, note_mined, sender_of, soon, stop_sender
from crypto.services.outgoing_ends import did_as_meant, end_outgoing, fail_outgoing

log = structlog.get_logger(__name__)
Status, Flag, Waits = Outgoing.Status, Outgoing.Flag, Outgoing.Waits
_LOOKS_MISSING = 5  # before a nonce counts as used by somebody else
_LOOKS_DEAD = 2  # before an expired form counts as never mined
_MOST_FORMS = 12
_MOST_REFUSALS = 5


def newest(outgoing: Outgoing) -> Attempt:
    return outgoing.attempts.order_by("-number")[0]


def follow(outgoing: Outgoing, chain: Chain) -> None:
    attempts = list(outgoing.attempts.order_by("-number"))
    head = chain.height()
    for attempt in attempts:
        receipt = chain.receipt(attempt.transaction_hash)
        if receipt is not None:
            _mined(outgoing, chain, attempt, receipt, head)
            return
    if outgoing.height is not None:
        note_mined(outgoing=outgoing, transaction_hash="", height=None, due_at=timezone.now())
        forms.wake_at(timezone.now())
    elif chain.uses_nonces:
        _not_mined(outgoing, chain, attempts)
    else:
        _not_mined_without_nonce(outgoing, chain, attempts)


def _mined(outgoing: Outgoing, chain: Chain, attempt: Attempt, receipt: Receipt, head: int) -> None:
    depth = head - receipt.height + 1
    missing = outgoing.network.confirmations - depth
    if missing > 0 or chain.block(receipt.height).hash != receipt.block_hash:
        due = soon(outgoing.network, outgoing.mode, max(missing, 1))
        note_mined(
            outgoing=outgoing, transaction_hash=receipt.transaction_hash, height=receipt.height, due_at=due
        )
        forms.wake_at(due)
        return
    if did_as_meant(outgoing, attempt, receipt) or opinions.allow_end(outgoing, chain, receipt):
        end_outgoing(outgoing=outgoing, attempt=attempt, receipt=receipt)


# With a nonce --------------------------------------------------------------------------------------------
def _not_mined(outgoing: Outgoing, chain: Chain, attempts: list[Attempt]) -> None:
    assert outgoing.nonce is not None
    last = attempts[0]
    if chain.next_nonce(outgoing.sender) > outgoing.nonce:
        _nonce_is_used(outgoing, chain, attempts)
    elif outgoing.refusals >= _MOST_REFUSALS and not last.cancels:
        _replace(outgoing, chain, attempts, cancels=True)
    elif _is_stuck(last):
        _replace(outgoing, chain, attempts, cancels=last.cancels)
    elif not chain.knows(last.transaction_hash):
        forms.broadcast(outgoing, last, chain)
    else:
        forms.put_off(outgoing, soon(outgoing.network, outgoing.mode, 2))


def _nonce_is_used(outgoing: Outgoing, chain: Chain, attempts: list[Attempt]) -> None:
    """By one of our forms whose receipt this node does not have yet; or, look after look, by somebody else."""
    missing = outgoing.missing + 1
    if missing >= _LOOKS_MISSING and outgoing.flag != Flag.FOREIGN:  # one that was stuck may be cancelled elsewhere
        if opinions.is_shown(outgoing, chain, attempts):
            return
        reason = f"nonce {outgoing.nonce} was used by a transaction that is not ours"
        stop_sender(sender=sender_of(outgoing), reason=reason)
        flag_outgoing(
            outgoing=outgoing, flag=Flag.FOREIGN, detail=reason, due_at=timezone.now() + timedelta(minutes=1)
        )
        return
    due = timezone.now() + timedelta(seconds=2 if missing < _LOOKS_MISSING else 60)
    forms.put_off(outgoing, due, missing=min(missing, 1000))


def _is_stuck(last: Attempt) -> bool:
    """Waiting too long, or told that it offers too little."""
    waited = (timezone.now() - last.signed_at).total_seconds()
    return waited >= settings.OUTGOING_REPLACE_SECONDS or last.answer.startswith("underpriced")


def _replace(outgoing: Outgoing, chain: Chain, attempts: list[Attempt], *, cancels: bool) -> None:
    """A form with the same nonce that offers more; with `cancels` one that moves nothing."""
    if len(attempts) >= _MOST_FORMS:
        _no_more_forms(outgoing, chain, attempts)
        return
    fee = _higher_fee(outgoing, chain, attempts[0], cancels=cancels)
    if fee is None:
        return
    moves_coin = outgoing.token_id is None and not cancels
    if chain.native_balance(outgoing.sender) < fee.most + (int(outgoing.raw_units) if moves_coin else 0):
        _stay_with(outgoing, chain, attempts[0], timezone.now() + timedelta(seconds=30), Waits.GAS)
        return
    log.warning("outgoing_replaced", outgoing=outgoing.pk, form=len(attempts) + 1, cancels=cancels)
    attempt = forms.sign_form(outgoing, chain, fee, known=len(attempts), cancels=cancels)
    if attempt is not None:
        forms.broadcast(outgoing, attempt, chain)


def _no_more_forms(outgoing: Outgoing, chain: Chain, attempts: list[Attempt]) -> None:
    """A person is told once, and the next look, which comes at once, keeps the last form known."""
    if outgoing.flag != Flag.STUCK:
        detail = f"{len(attempts)} forms"
        flag_outgoing(outgoing=outgoing, flag=Flag.STUCK, detail=detail, due_at=timezone.now())
        return
    _stay_with(outgoing, chain, attempts[0], timezone.now() + timedelta(minutes=1))


def _higher_fee(outgoing: Outgoing, chain: Chain, last: Attempt, *, cancels: bool) -> Fee | None:
    """None: there is none (above the ceiling, or it would fail now), and the node had forgotten the last form."""
    try:
        return chain.fee(forms.payment_of(outgoing, cancels=cancels), beyond=fee_of(last))
    except NodeError:
        if chain.knows(last.transaction_hash):
            raise
    forms.broadcast(outgoing, last, chain)
    return None


def _stay_with(outgoing: Outgoing, chain: Chain, last: Attempt, due_at: datetime, waits_for: str = "") -> None:
    """No other form can be made: a node that forgot this one gets it again, or its nonce blocks all later ones."""
    if chain.knows(last.transaction_hash):
        forms.put_off(outgoing, due_at, waits_for)
    else:
        forms.broadcast(outgoing, last, chain)


# Without a nonce -----------------------------------------------------------------------------------------
def _not_mined_without_nonce(outgoing: Outgoing, chain: Chain, attempts: list[Attempt]) -> None:
    last = attempts[0]
    dead = last.dead_after_height
    assert dead is not None, "a form without a nonce has an end"
    if not chain.is_dead(dead):
        if chain.knows(last.transaction_hash) or outgoing.refusals >= _MOST_REFUSALS:
            forms.put_off(outgoing, soon(outgoing.network, outgoing.mode, 2))
        else:
            forms.broadcast(outgoing, last, chain)
    elif not chain.is_dead(dead + outgoing.network.confirmations):
        forms.put_off(outgoing, soon(outgoing.network, outgoing.mode, outgoing.network.confirmations))
    elif outgoing.missing + 1 < _LOOKS_DEAD:
        due = soon(outgoing.network, outgoing.mode, outgoing.network.confirmations)
        forms.put_off(outgoing, due, missing=outgoing.missing + 1)
    else:
        _after_its_end(outgoing, chain, attempts)


def _after_its_end(outgoing: Outgoing, chain: Chain, attempts: list[Attempt]) -> None:
    """None of the forms was or can be mined, so another one moves the money for the first time."""
    if not opinions.allow_another(outgoing, chain, attempts):
        return
    if outgoing.refusals >= _MOST_REFUSALS or len(attempts) >= _MOST_FORMS:
        fail_outgoing(outgoing=outgoing, failure=f"{len(attempts)} forms expired unmined: {attempts[0].answer}"[:200])
        return
    fee = chain.fee(forms.payment_of(outgoing))
    lacking = forms.lacking(outgoing, chain, fee)
    if lacking:
        forms.wait_for_funds(outgoing, lacking)
        return
    log.warning("outgoing_signed_anew", outgoing=outgoing.pk, form=len(attempts) + 1)
    attempt = forms.sign_form(outgoing, chain, fee, known=len(attempts))
    if attempt is not None:
        Outgoing.objects.filter(pk=outgoing.pk).update(missing=0)
        forms.broadcast(outgoing, attempt, chain)
