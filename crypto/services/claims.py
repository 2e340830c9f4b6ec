"""Somebody says "here is my transaction": taken down here, looked up on the chain by the watcher.

A claim moves no money. It makes the gateway look at one transaction; what counts is what the chain says about it, by
the same rules as for what a scan finds.
"""

from __future__ import annotations

import re

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from crypto import base58
from crypto.errors import ClaimRefused
from crypto.models import Network, Session, TransactionClaim
from crypto.services.records import lock, write_down
from gateway.lib.errors import InvalidFields
from gateway.lib.jobs import wake

MOST_BY_PAYER = 5
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{64}", re.ASCII)


def clean_hash(network: Network, text: str) -> str:
    """`text` as the network spells a transaction's hash. Raises `ValueError` with words for whoever typed it."""
    text = text.strip()
    if network.family == Network.Family.SOLANA:
        return _clean_signature(text)
    if not _HEX.fullmatch(text):
        raise ValueError("must be the transaction's hash: 64 letters and digits from 0 to f")
    digits = text[-64:].lower()
    return f"0x{digits}" if network.family == Network.Family.EVM else digits


def _clean_signature(text: str) -> str:
    try:
        data = base58.decode(text) if 64 <= len(text) <= 90 else b""
    except ValueError:
        data = b""
    if len(data) != 64:
        raise ValueError("must be the transaction's signature: about 88 letters and digits")
    return text


@transaction.atomic
def claim_transaction(
    *, actor: Actor, session: Session, transaction_hash: str, claimed_by: User | None = None
) -> TransactionClaim:
    """Has the watcher look `transaction_hash` up for `session`; asked again, an unanswered one is looked up again.

    `claimed_by`: an operator or the merchant; None is the payer, who may name a few. Raises `InvalidFields`,
    `ClaimRefused`.
    """
    try:
        cleaned = clean_hash(session.network, transaction_hash)
    except ValueError as error:
        raise InvalidFields(transaction_hash=str(error)) from error
    row = lock(session.pk)
    claim = row.claims.filter(transaction_hash=cleaned).first()
    if claim is None:
        if claimed_by is None and row.claims.filter(claimed_by__isnull=True).count() >= MOST_BY_PAYER:
            raise ClaimRefused("Too many transactions were named for this payment. Ask the shop.")
        claim = TransactionClaim.objects.create(session=row, transaction_hash=cleaned, claimed_by=claimed_by)
        write_down(actor, row, "session.transaction_claimed", detail=cleaned)
    elif not claim.attached:
        by = claimed_by or claim.claimed_by
        TransactionClaim.objects.filter(pk=claim.pk).update(due_at=timezone.now(), tries=0, claimed_by=by)
        claim.refresh_from_db()
    wake("crypto.watch", network=row.network_id, mode=row.mode)
    return claim
