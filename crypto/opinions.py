"""What one node's word is not enough for: that a withdrawal failed, or that none of its forms was ever mined; that what
was credited is gone, or is back.

Believed, the first two let the same money be sent again: the hold is released and the merchant withdraws once more, or
another form is signed. So every node of the network is asked, and two must say the same. Where only one is configured
there is nobody else to ask, and the depth decides alone. Whatever is not agreed on ends nothing: it is asked again each
minute, and a person sees it. A credit is taken back by people, who can give the network a second node first: with real
money it takes two always.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from crypto import formats, forms
from crypto.chains.base import Chain, NodeError, Receipt
from crypto.chains.registry import known_token
from crypto.errors import NotProven, StillOnChain
from crypto.models import Attempt, ChainTransaction, Outgoing
from crypto.services.outgoing import flag_outgoing
from gateway.lib.modes import Mode

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


# Credits ---------------------------------------------------------------------------------------------------
def check_gone(row: ChainTransaction, chain: Chain) -> None:
    """Raises `StillOnChain` if a node shows a credited transfer, and `NotProven` unless two deny it that are beyond the
    depth at which it was credited: a node that lags has no receipt either."""
    chain.check_again()
    deep = (row.height or 0) + row.network.confirmations - 1
    heights = chain.heights()
    answers = chain.receipts(row.transaction_hash)
    for each in answers:
        if isinstance(each, Receipt) and each.succeeded and shows_transfer(row, each) is not False:
            raise StillOnChain(f"A node shows this transfer in block {each.height}. Nothing was changed.")
    denied = sum(
        not isinstance(said, NodeError) and isinstance(height, int) and height >= deep
        for said, height in zip(answers, heights, strict=True)
    )
    if denied < _needed(row, answers):
        raise NotProven(
            f"{denied} of {len(answers)} nodes say that this transfer is not on the chain; it takes two. Nothing was "
            "changed."
        )


def is_back(row: ChainTransaction, chain: Chain, receipt: Receipt) -> bool:
    """Whether a transfer whose credit was taken back may be credited again: two nodes say what `receipt` says, and none
    anything else."""
    chain.check_again()
    answers = [each for each in chain.receipts(row.transaction_hash) if not isinstance(each, NodeError)]
    agreed = all(_told(each) == _told(receipt) for each in answers)
    return agreed and len(answers) >= _needed(row, answers)


def shows_transfer(row: ChainTransaction, receipt: Receipt) -> bool | None:
    """Whether a receipt has it: same contract, same recipient, same units, at the same place of the transaction. None:
    its token is not known here any more."""
    token = known_token(row.network, row.mode, row.currency)
    if token is None:
        return None
    spelled = formats.lookup_form
    return any(
        transfer.position == row.position and str(transfer.units) == row.raw_units
        and spelled(row.network, transfer.contract) == spelled(row.network, token.contract)
        and spelled(row.network, transfer.recipient) == spelled(row.network, row.recipient)
        for transfer in receipt.transfers
    )


def _needed(row: ChainTransaction, answers: Answers) -> int:
    """The simulated chain is one node, and its money is nobody's."""
    return min(2, max(len(answers), 1)) if row.mode == Mode.TEST else 2
