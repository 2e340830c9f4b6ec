"""Four eyes: above a limit one operator proposes that a payment has arrived, and another one confirms it.

The proposal is written down and shown; nothing is booked before the confirmation. Nobody confirms a proposal of their
own, and whoever made the payment neither proposes nor confirms.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.actors import Actor
from accounts.operators import check_operator
from gateway.lib.errors import IllegalTransition, InvalidFields
from gateway.lib.money import Money
from payments.errors import SecondOperatorNeeded
from payments.models import MatchProposal, Payment, StatementLine
from payments.services.instruments import clean_utr
from payments.services.operators import book_by_hand, check_bookable, check_received
from payments.services.records import lock, write_down
from payments.statements.attaching import attach, lock_line

Status = MatchProposal.Status


@transaction.atomic
def propose_match(
    *, actor: Actor, payment: Payment, utr: str, received: Money | None = None, line: StatementLine | None = None
) -> MatchProposal:
    """One open proposal a payment. With `line`, the bank's own; its UTR may be empty then.

    Raises `OwnRecord`, `InvalidFields`, `UtrUsed`, `OrderAlreadyPaid`, `IllegalTransition`, `LineTaken`.
    """
    check_operator(actor, payment)
    assert actor.user is not None  # an operator is somebody
    utr, row = clean_utr(utr) if utr or line is None else "", lock(payment)
    minor = check_received(row, received)
    check_bookable(row, utr)
    if line is not None:
        line = lock_line(line, row)
    try:
        with transaction.atomic():
            proposal = MatchProposal.objects.create(
                payment=row, line=line, utr=utr, received_minor=minor, proposed_by=actor.user
            )
    except IntegrityError as error:
        raise IllegalTransition("A match of this payment waits for a second operator already.") from error
    _write_down(actor, proposal, "proposed")
    return proposal


@transaction.atomic
def confirm_match(*, actor: Actor, proposal: MatchProposal) -> Payment:
    """A second operator agrees, and the payment is booked.

    Raises `OwnRecord`, `SecondOperatorNeeded` (one's own proposal), and as `propose_match` does.
    """
    check_operator(actor, proposal.payment)
    if actor.user is None or proposal.proposed_by_id == actor.user.pk:
        raise SecondOperatorNeeded()
    row = lock(proposal.payment)
    proposal.advance(Status.CONFIRMED, decided_by=actor.user)
    _write_down(actor, proposal, "confirmed")
    if proposal.line is not None:
        line = lock_line(proposal.line, row)
        attach(line, row, StatementLine.How.OPERATOR, decided_by=actor.user)
    book_by_hand(actor, row, utr=proposal.utr, received_minor=proposal.received_minor)
    return row


@transaction.atomic
def withdraw_match(*, actor: Actor, proposal: MatchProposal, note: str) -> None:
    """An operator, the proposer too, takes a proposal back. Raises `InvalidFields`, `IllegalTransition`."""
    check_operator(actor, proposal.payment)
    if not note.strip():
        raise InvalidFields(note="is required")
    lock(proposal.payment)
    proposal.advance(Status.WITHDRAWN, decided_by=actor.user, note=note.strip()[:200])
    _write_down(actor, proposal, "withdrawn", f": {proposal.note}")


def _write_down(actor: Actor, proposal: MatchProposal, what: str, more: str = "") -> None:
    received = proposal.received
    detail = f"{received} {received.currency}, UTR {proposal.utr or 'none'}{more}"
    write_down(actor, proposal.payment, f"payment.match_{what}", detail=detail, proposal=proposal.public_id)
