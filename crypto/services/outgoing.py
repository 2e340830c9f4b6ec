"""What is sent on a chain, as rows: an intent first, its nonce under a lock, every signed form before it is broadcast.

A nonce belongs to one intent for good once a form with it is signed; an intent that goes no further before that gives
it back, and it is the next one's. So a sender's nonces have no holes, and two signers never use one twice. Each write
checks the lease that its signer took the row with: whoever was overtaken changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from crypto.chains.base import Fee, Signed, Unsigned
from crypto.models import Attempt, Network, Outgoing, Sender, Token
from gateway.lib.jobs import wake
from gateway.lib.modes import Mode
from gateway.lib.work import ended

log = structlog.get_logger(__name__)
Status = Outgoing.Status
OPEN = (Status.WAITING, Status.SIGNED, Status.SENT, Status.UNKNOWN)
TASK = "crypto.sign_outgoing"
# Told again, should they be true again once it lies deep enough.
_ABOUT_ITS_BLOCK = (Outgoing.Flag.OTHERWISE, Outgoing.Flag.DISPUTED)


def create_outgoing(
    *, purpose: str, network: Network, mode: str, sender: str, sender_index: int, recipient: str, token: Token | None,
    units: int,
) -> Outgoing:
    """The intent to move `units` of `token` (None: the network's coin); due at once. In the caller's transaction."""
    row = Outgoing.objects.create(
        purpose=purpose, network=network, mode=mode, sender=sender, sender_index=sender_index, recipient=recipient,
        token=token, raw_units=str(units), due_at=timezone.now(),
    )
    wake(TASK)
    return row


def lock(outgoing: Outgoing) -> Outgoing:
    rows = Outgoing.objects.select_for_update(no_key=True, of=("self",)).select_related("network", "token")
    return rows.get(pk=outgoing.pk)


def sender_of(outgoing: Outgoing) -> Sender:
    return Sender.objects.get_or_create(
        network=outgoing.network, mode=outgoing.mode, address=outgoing.sender
    )[0]


@transaction.atomic
def take_nonce(*, outgoing: Outgoing, sender: Sender, mined: int) -> bool:
    """Gives `outgoing` the next nonce of its sender; `mined` is the chain's first free one, for a sender's first.

    False: the turn was lost, the sender is stopped, or another intent holds a nonce that is not signed yet.
    """
    row = Sender.objects.select_for_update().get(pk=sender.pk)
    if row.lease != sender.lease or row.stopped_at is not None:
        return False
    if outgoing.nonce is not None:
        return True
    mine = Outgoing.objects.filter(network=outgoing.network, mode=outgoing.mode, sender=outgoing.sender)
    if mine.filter(status=Status.WAITING, nonce__isnull=False).exists():
        return False
    nonce = mined if row.next_nonce is None else row.next_nonce
    own = mine.filter(pk=outgoing.pk, lease=outgoing.lease, status=Status.WAITING, nonce__isnull=True)
    if not own.update(nonce=nonce):
        return False
    Sender.objects.filter(pk=row.pk).update(next_nonce=nonce + 1)
    outgoing.nonce = nonce
    return True


@transaction.atomic
def give_nonce_back(*, outgoing: Outgoing) -> None:
    """Nothing was ever signed with it: it is the next intent's. No effect on an intent that has a signed form."""
    sender = Sender.objects.select_for_update().get(pk=sender_of(outgoing).pk)
    row = lock(outgoing)
    if row.nonce is None or row.status != Status.WAITING or row.attempts.exists():
        return
    if sender.next_nonce == row.nonce + 1:
        Sender.objects.filter(pk=sender.pk).update(next_nonce=row.nonce)
        Outgoing.objects.filter(pk=row.pk).update(nonce=None)
        outgoing.nonce = None


@transaction.atomic
def take_back(*, outgoing: Outgoing) -> bool:
    """Ends an intent of which no form was ever signed, whoever holds its lease; False: one was."""
    give_nonce_back(outgoing=outgoing)
    row = lock(outgoing)
    if row.status != Status.WAITING or row.nonce is not None:
        return False
    row.advance(Status.FAILED, failure="Taken back before it was signed", waits_for="", **ended())
    return True


@transaction.atomic
def keep_attempt(
    *, outgoing: Outgoing, known: int, unsigned: Unsigned, signed: Signed, fee: Fee, cancels: bool = False
) -> Attempt | None:
    """Writes a signed form down, before anybody may broadcast it. None: another signer was quicker.

    `known` is how many forms the caller knew of; with another one since, this one must never be sent.
    """
    row = lock(outgoing)
    if row.lease != outgoing.lease or row.status != outgoing.status or row.attempts.count() != known:
        return None
    attempt = Attempt.objects.create(
        outgoing=row, number=known + 1, cancels=cancels, transaction_hash=signed.transaction_hash, raw=signed.raw,
        fee={"terms": fee.terms, "most": str(fee.most)}, dead_after_height=unsigned.dead_after_height,
    )
    if row.status == Status.WAITING:
        outgoing.advance(Status.SIGNED, waits_for="", failure="")
    return attempt


def fee_of(attempt: Attempt) -> Fee:
    return Fee(attempt.fee["terms"], int(attempt.fee["most"]))


@transaction.atomic
def note_broadcast(
    *, outgoing: Outgoing, attempt: Attempt, status: str, answer: str, due_at: datetime, **more: Any
) -> None:
    """What a node said to a form: `status` is what the intent is now (its own: unchanged)."""
    Attempt.objects.filter(pk=attempt.pk).update(broadcast_at=timezone.now(), answer=answer[:200])
    row = lock(outgoing)
    if row.lease != outgoing.lease or row.status not in OPEN:
        return
    changes = more | ended(due_at)
    if status == Status.SENT and row.sent_at is None:
        changes["sent_at"] = timezone.now()
    if row.status == status:
        Outgoing.objects.filter(pk=row.pk).update(**changes)
    else:
        row.advance(status, **changes)


@transaction.atomic
def note_mined(*, outgoing: Outgoing, transaction_hash: str, height: int | None, due_at: datetime) -> None:
    """A form is in a block, not deep enough yet; or (`height` None) it left its block again."""
    row = lock(outgoing)
    if row.lease != outgoing.lease or row.status not in OPEN:
        return
    if height is None:
        log.warning("outgoing_reorganised", outgoing=row.pk, network=row.network_id, hash=row.transaction_hash)
    changes: dict[str, Any] = {"transaction_hash": transaction_hash, "height": height, "missing": 0, "tries": 0}
    changes |= {"waits_for": ""} | ended(due_at)
    if row.flag in _ABOUT_ITS_BLOCK:
        changes["flag"] = ""
    if height is not None and row.status in (Status.SIGNED, Status.UNKNOWN):
        if row.status == Status.SIGNED:
            row.advance(Status.UNKNOWN)
        row.advance(Status.SENT, **changes, sent_at=row.sent_at or timezone.now())
    else:
        Outgoing.objects.filter(pk=row.pk).update(**changes)


@transaction.atomic
def note_ahead(*, sender: Sender, mined: int) -> int:
    """The chain has mined nonces of this sender that we never gave away. Returns at how many looks in a row."""
    row = Sender.objects.select_for_update().get(pk=sender.pk)
    ahead = row.ahead + 1 if row.next_nonce is not None and mined > row.next_nonce else 0
    if ahead != row.ahead:
        Sender.objects.filter(pk=row.pk).update(ahead=ahead)
    return ahead


def stop_sender(*, sender: Sender, reason: str) -> None:
    """Nothing more is signed for it until an operator has looked (`resume_sender`)."""
    rows = Sender.objects.filter(pk=sender.pk, stopped_at__isnull=True)
    if rows.update(stopped_at=timezone.now(), stopped_reason=reason[:200]):
        log.error("sender_stopped", address=sender.address, network=sender.network_id, mode=sender.mode, reason=reason)


def flag_outgoing(*, outgoing: Outgoing, flag: str, detail: str, due_at: datetime, **changes: Any) -> None:
    """A person must look at it, and is told once; at `due_at` the chain is asked again all the same. `changes` are
    what else is known of it now."""
    if outgoing.flag != flag:
        log.error("outgoing_flagged", outgoing=outgoing.pk, network=outgoing.network_id, flag=flag, detail=detail)
    rows = Outgoing.objects.filter(pk=outgoing.pk, lease=outgoing.lease, status__in=OPEN)
    rows.update(flag=flag, failure=detail[:200], **changes, **ended(due_at))


def soon(network: Network, mode: str, blocks: int = 1) -> datetime:
    """When it is worth looking again for something that takes `blocks` blocks; a minute at most."""
    block = settings.SIMULATED_BLOCK_SECONDS if mode == Mode.TEST else network.block_milliseconds / 1000
    return timezone.now() + timedelta(seconds=min(max(blocks * block, 0.5), 60))
