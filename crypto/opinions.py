"""What one node's word is not enough for: that a withdrawal failed, or that none of its forms was ever mined.

Believed, either lets the same money be sent again: the hold is released and the merchant withdraws once more, or
another form is signed. So every node of the network is asked, and two must say the same. Where only one is configured
there is nobody else to ask, and the depth decides alone. Whatever is not agreed on ends nothing: it is asked again each
minute, and a person sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from crypto import forms
from crypto.chains.base import Chain, NodeError, Receipt
from crypto.models import Attempt, Outgoing
from crypto.services.outgoing import flag_outgoing

_AGAIN = timedelta(minutes=1)
_PATIENT_LOOKS = 15  # without a second node's answer, before a person is told
Answers = Sequence[Receipt | NodeError | None]


def allow_end(outgoing: Outgoing, chain: Chain, receipt: Receipt) -> bool:
    """Whether a receipt that says that `outgoing` was not carried out may be acted upon; else it is put off."""
    if outgoing.purpose not in Outgoing.LEAVING:
        return True  # a sweep that is made again moves nothing twice
    chain.check_again()
    answers = chain.receipts(receipt.transaction_hash)
    if any(_told(each) != _told(receipt) for each in answers if not isinstance(each, NodeError)):
        _dispute(outgoing, f"One node says that {receipt.transaction_hash} failed, another says something else")
        return False
    return _answered(outgoing, answers)


def allow_another(outgoing: Outgoing, chain: Chain, attempts: list[Attempt]) -> bool:
    """Whether no node shows any form of a withdrawal, so that none was mined; else it is put off."""
    if outgoing.purpose not in Outgoing.LEAVING:
        return True
    chain.check_again()
    for attempt in attempts:
        answers = chain.receipts(attempt.transaction_hash)
        if _is_shown(outgoing, attempt, answers) or not _answered(outgoing, answers):
            return False
    return True


def is_shown(outgoing: Outgoing, chain: Chain, attempts: list[Attempt]) -> bool:
    """Whether some node shows a form of it, which the one that was asked before did not; then it is put off."""
    chain.check_again()
    return any(_is_shown(outgoing, each, chain.receipts(each.transaction_hash)) for each in attempts)


def _is_shown(outgoing: Outgoing, attempt: Attempt, answers: Answers) -> bool:
    if not any(isinstance(each, Receipt) for each in answers):
        return False
    _dispute(outgoing, f"One node knows no block with {attempt.transaction_hash}, another shows one")
    return True


def _answered(outgoing: Outgoing, answers: Answers) -> bool:
    """Two nodes, where there are two."""
    if sum(not isinstance(each, NodeError) for each in answers) >= min(2, len(answers)):
        return True
    words = "No second node answers, and one node's word does not release money"
    if outgoing.tries >= _PATIENT_LOOKS:
        _dispute(outgoing, words)
    else:
        said = {} if outgoing.flag else {"failure": words}
        forms.put_off(outgoing, timezone.now() + _AGAIN, Outgoing.Waits.NODE, **said)
    return False


def _told(receipt: Receipt | NodeError | None) -> object:
    """What must be the same at both. A fee that differs does not make the money come or go."""
    if not isinstance(receipt, Receipt):
        return None
    return receipt.block_hash, receipt.succeeded, receipt.transfers


def _dispute(outgoing: Outgoing, detail: str) -> None:
    flag_outgoing(
        outgoing=outgoing, flag=Outgoing.Flag.DISPUTED, detail=detail, due_at=timezone.now() + _AGAIN
    )
