"""The signer's work: takes what is due, signs its first form and broadcasts it; `crypto.following` does the rest.

No transaction is open while a node is asked. What is signed is written down before it is sent, and what was sent
without an answer is only ever sent again as the very same bytes, or as another form that excludes the first.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from crypto import following, keys, vanished
from crypto.chains.base import Chain, NodeError, Refused, TooDear
from crypto.chains.registry import chain_for
from crypto.forms import broadcast, lacking, payment_of, put_off, sign_form, wait_for_funds
from crypto.models import Outgoing, Sender
from crypto.services import endowing
from crypto.services.outgoing import OPEN, give_nonce_back, note_ahead, sender_of, soon, stop_sender, take_nonce
from crypto.services.outgoing_ends import fail_outgoing
from crypto.services.outgoing_vanished import GONE
from gateway.lib.crash import crash_point
from gateway.lib.work import backoff, drive

log = structlog.get_logger(__name__)
Status, Waits = Outgoing.Status, Outgoing.Waits
# One node that claims too much is not believed at once.
_LOOKS_AHEAD = 3


def drive_outgoing(limit: int = 100) -> int:
    """Takes every due intent one step further. Returns how many it dealt with."""
    if settings.PROCESS != keys.SIGNER:
        log.error("outgoing_not_driven", reason="this process is not the signer")
        return 0
    endowing.mint_what_is_due()
    rows = Outgoing.objects.filter(Q(status__in=OPEN) | GONE).select_related("network", "token")
    return drive(rows, _step, limit=limit)


def _step(outgoing: Outgoing) -> None:
    crash_point("outgoing.claimed")
    try:
        chain = chain_for(outgoing.network, outgoing.mode)
        if outgoing.status == Status.WAITING:
            _sign_first(outgoing, chain)
        elif outgoing.status == Status.SIGNED:
            broadcast(outgoing, following.newest(outgoing), chain)
        elif outgoing.status not in OPEN:
            vanished.look_for(outgoing, chain)
        else:
            following.follow(outgoing, chain)
    except (NodeError, LookupError, keys.KeysMissing) as error:
        if isinstance(error, Refused) and _ends_sweep(outgoing):
            fail_outgoing(outgoing=outgoing, failure=str(error))
            return
        log.warning("outgoing_put_off", outgoing=outgoing.pk, error=str(error)[:200])
        # A flagged one keeps the words that tell a person why.
        said = {} if outgoing.flag else {"failure": str(error)[:200]}
        put_off(outgoing, timezone.now() + backoff(outgoing.tries, most=60), _why(error), **said)


def _ends_sweep(outgoing: Outgoing) -> bool:
    """A sweep that cannot be signed is made anew later; meanwhile another token of its address has its turn."""
    if outgoing.purpose != Outgoing.Purpose.SWEEP or outgoing.status != Status.WAITING:
        return False
    give_nonce_back(outgoing=outgoing)
    return outgoing.nonce is None


def _why(error: Exception) -> Outgoing.Waits:
    if isinstance(error, Refused):
        return Waits.REFUSED
    if isinstance(error, TooDear):
        return Waits.FEE
    return Waits.KEYS if isinstance(error, keys.KeysMissing) else Waits.NODE


def _sign_first(outgoing: Outgoing, chain: Chain) -> None:
    with _turn(outgoing) as sender:
        if sender is None:
            put_off(outgoing, soon(outgoing.network, outgoing.mode), Waits.TURN)
        elif sender.stopped_at is not None:
            give_nonce_back(outgoing=outgoing)
            put_off(outgoing, timezone.now() + timedelta(minutes=1), Waits.STOPPED)
        else:
            _sign_in_turn(outgoing, chain, sender)


@contextmanager
def _turn(outgoing: Outgoing) -> Iterator[Sender | None]:
    """One signer at a time makes the first forms of a sender; None: another one is at it."""
    sender, now = sender_of(outgoing), timezone.now()
    lease = secrets.token_hex(8)
    free = Sender.objects.filter(Q(leased_until__isnull=True) | Q(leased_until__lt=now), pk=sender.pk)
    until = now + timedelta(seconds=2 * settings.WORK_LEASE_SECONDS)
    if not free.update(lease=lease, leased_until=until):
        yield None
        return
    sender.refresh_from_db()
    try:
        yield sender
    finally:
        Sender.objects.filter(pk=sender.pk, lease=lease).update(lease="", leased_until=None)


def _sign_in_turn(outgoing: Outgoing, chain: Chain, sender: Sender) -> None:
    fee = chain.fee(payment_of(outgoing))
    lack = lacking(outgoing, chain, fee)
    if lack:
        give_nonce_back(outgoing=outgoing)
        wait_for_funds(outgoing, lack)
        return
    if chain.uses_nonces and not _takes_nonce(outgoing, chain, sender):
        put_off(outgoing, soon(outgoing.network, outgoing.mode), Waits.TURN)
        return
    crash_point("outgoing.nonce_taken")
    try:
        attempt = sign_form(outgoing, chain, fee, known=0)
    except Exception:
        give_nonce_back(outgoing=outgoing)
        raise
    if attempt is not None:
        broadcast(outgoing, attempt, chain)


def _takes_nonce(outgoing: Outgoing, chain: Chain, sender: Sender) -> bool:
    mined = chain.next_nonce(outgoing.sender)
    looks = note_ahead(sender=sender, mined=mined)
    if looks:
        chain.check_again()  # another chain's node would be ahead as well
    if looks >= _LOOKS_AHEAD:
        stop_sender(sender=sender, reason=f"the chain has mined nonce {mined - 1}, which was never given away here")
    return not looks and take_nonce(outgoing=outgoing, sender=sender, mined=mined)
