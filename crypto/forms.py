"""Signed forms of an intent: what a form costs, signing one, sending its bytes. For the signer's process.

A form is written down before it is sent. Whatever a node answers, the form stays: only its hash tells what became of
it, and only its very bytes are sent again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from crypto import keys
from crypto.chains.base import Chain, Fee, NodeDown, NodeError, Payment, Refused, Signed
from crypto.models import Attempt, Outgoing
from crypto.services import endowing
from crypto.services.outgoing import TASK, keep_attempt, note_broadcast, soon
from crypto.services.outgoing_ends import fail_outgoing
from gateway.lib.crash import crash_point
from gateway.lib.jobs import wake
from gateway.lib.modes import Mode
from gateway.lib.work import backoff, settle

log = structlog.get_logger(__name__)
Status, Waits, Purpose = Outgoing.Status, Outgoing.Waits, Outgoing.Purpose
_SHORT_SECONDS = 5.0
# What is asked again less and less often.
_UNANSWERED = (Waits.NODE, Waits.FEE, Waits.REFUSED, Waits.KEYS)


def payment_of(outgoing: Outgoing, *, cancels: bool = False) -> Payment:
    if cancels:
        return Payment(outgoing.sender, outgoing.sender, None, 0)
    contract = outgoing.token.contract if outgoing.token is not None else None
    return Payment(outgoing.sender, outgoing.recipient, contract, int(outgoing.raw_units))


def sign_form(outgoing: Outgoing, chain: Chain, fee: Fee, *, known: int, cancels: bool = False) -> Attempt | None:
    """One more form, signed and written down; None if another signer was quicker, and this one is forgotten."""
    unsigned = chain.build(payment_of(outgoing, cancels=cancels), nonce=outgoing.nonce, fee=fee)
    crash_point("sign.before")
    signed = keys.sign(outgoing.network, outgoing.mode, outgoing.sender_index, unsigned)
    crash_point("sign.after")
    return keep_attempt(outgoing=outgoing, known=known, unsigned=unsigned, signed=signed, fee=fee, cancels=cancels)


def broadcast(outgoing: Outgoing, attempt: Attempt, chain: Chain) -> None:
    """Sends a form's bytes, for the first time or again, and records what the node said."""
    crash_point("broadcast.before")
    status, answer, more = _said(outgoing, attempt, chain)
    crash_point("broadcast.after")
    later = timezone.now() + backoff(outgoing.tries, most=30)
    due = soon(outgoing.network, outgoing.mode) if status == Status.SENT else later
    note_broadcast(outgoing=outgoing, attempt=attempt, status=status, answer=answer, due_at=due, **more)
    wake_at(due)


def _said(outgoing: Outgoing, attempt: Attempt, chain: Chain) -> tuple[str, str, dict[str, Any]]:
    """What the intent is now, the node's words, and what else changes."""
    try:
        chain.broadcast(Signed(attempt.raw, attempt.transaction_hash))
    except Refused as error:
        return _refused(outgoing, error)
    except NodeDown as error:
        return outgoing.status, str(error), {"waits_for": Waits.NODE}
    except NodeError as error:
        return Status.UNKNOWN, str(error), {"waits_for": Waits.NODE}
    return Status.SENT, "taken", {"waits_for": "", "refusals": 0, "tries": 0}


def _refused(outgoing: Outgoing, error: Refused) -> tuple[str, str, dict[str, Any]]:
    """Another node may have taken it, or the very same one before: only its hash tells."""
    answer = f"{error.reason}: {error}"
    log.warning("broadcast_refused", outgoing=outgoing.pk, answer=answer[:200])
    if error.reason == "no_gas":
        _ask_for_gas(outgoing)
        return outgoing.status, answer, {"waits_for": Waits.GAS}
    return Status.UNKNOWN, answer, {"waits_for": "", "refusals": outgoing.refusals + (error.reason == "other")}


# Funds ---------------------------------------------------------------------------------------------------
def lacking(outgoing: Outgoing, chain: Chain, fee: Fee) -> str:
    """What the sender has too little of, once everything of its that is on the way is paid."""
    others = Outgoing.objects.filter(
        network=outgoing.network, mode=outgoing.mode, sender=outgoing.sender, height__isnull=True,
        status__in=[Status.SIGNED, Status.SENT, Status.UNKNOWN],
    )
    on_the_way = list(others.exclude(pk=outgoing.pk).prefetch_related("attempts"))
    units = int(outgoing.raw_units)
    if outgoing.token is not None:
        promised = sum(int(row.raw_units) for row in on_the_way if row.token_id == outgoing.token_id)
        if chain.token_balance(outgoing.sender, outgoing.token.contract) - promised < units:
            return Waits.TOKENS
    gas = sum(max(int(attempt.fee["most"]) for attempt in row.attempts.all()) for row in on_the_way)
    coins = sum(int(row.raw_units) for row in on_the_way if row.token_id is None)
    own = fee.most + (units if outgoing.token is None else 0)
    return Waits.GAS if chain.native_balance(outgoing.sender) - gas - coins < own else ""


def wait_for_funds(outgoing: Outgoing, lack: str) -> None:
    """The hot wallet is filled by sweeps and by the house; an address that cannot pay is the sweep's to fund again.

    Only for an intent of which no form can be mined.
    """
    if outgoing.purpose == Purpose.SWEEP:
        fail_outgoing(outgoing=outgoing, failure=Waits(lack).label)
        return
    if lack == Waits.GAS:
        _ask_for_gas(outgoing)
    put_off(outgoing, timezone.now() + timedelta(seconds=_SHORT_SECONDS), lack)


def _ask_for_gas(outgoing: Outgoing) -> None:
    """The simulated chain gives it; on a real one an operator must."""
    if outgoing.mode == Mode.TEST:
        endowing.give_gas(network=outgoing.network, mode=outgoing.mode, address=outgoing.sender)


# When to look again --------------------------------------------------------------------------------------
def put_off(outgoing: Outgoing, due_at: datetime, waits_for: str = "", **changes: Any) -> None:
    if waits_for not in _UNANSWERED:
        changes["tries"] = 0
        if not outgoing.flag:
            changes["failure"] = ""  # a node's words of before say nothing of now
    if settle(outgoing, due_at=due_at, waits_for=waits_for, **changes):
        wake_at(due_at)


def wake_at(due_at: datetime) -> None:
    """The sweep does for what is due later than it comes by anyway."""
    after = (due_at - timezone.now()).total_seconds()
    if after < settings.SWEEP_SECONDS:
        wake(TASK, after_seconds=max(after, 0.1))
