"""What operators do with a credit that matched nothing: assign it, say that it goes back, or leave it out. Audited."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.operators import check_operator
from gateway.lib.errors import InvalidFields, NotAllowed
from payments.models import MatchProposal, Payment, StatementLine
from payments.services.operators import book_by_hand, needs_second_operator
from payments.services.proposals import propose_match
from payments.services.records import lock, write_down
from payments.statements.attaching import attach, lock_line

Status = StatementLine.Status


@transaction.atomic
def assign_line(*, actor: Actor, line: StatementLine, payment: Payment, note: str = "") -> MatchProposal | None:
    """This credit paid that payment: it is booked with the line's amount and UTR.

    Above the limit it is only proposed, and the proposal returned. A payment that was approved before, with this UTR or
    with none, just gets its line. Raises `OwnRecord`, `UtrUsed`, `OrderAlreadyPaid`, `LineTaken`, `InvalidFields`.
    """
    check_operator(actor, payment)
    row = lock(payment)
    taken = lock_line(line, row)
    if row.status == Payment.Status.SUCCEEDED:
        _join(actor, taken, row, note)
        return None
    if needs_second_operator(row, taken.amount_minor):
        return propose_match(actor=actor, payment=row, utr=taken.utr, received=taken.amount, line=taken)
    attach(taken, row, StatementLine.How.OPERATOR, decided_by=actor.user, note=note.strip()[:200])
    book_by_hand(actor, row, utr=taken.utr, received_minor=taken.amount_minor)
    _write_down(actor, taken, "assigned", row.public_id)
    return None


def _join(actor: Actor, line: StatementLine, row: Payment, note: str) -> None:
    """No money moves: the line is the proof of what was booked already, so UTR and amount must be the booked ones."""
    if row.utr not in ("", line.utr) or row.received_minor != line.amount_minor:
        raise InvalidFields(payment="has been paid already, with another UTR or amount: this money is to be returned")
    attach(line, row, StatementLine.How.OPERATOR, decided_by=actor.user, note=note.strip()[:200])
    write_down(actor, row, "payment.line_attached", detail=f"UTR {line.utr or 'none'}, {line.day.isoformat()}")
    _write_down(actor, line, "assigned", row.public_id)


@transaction.atomic
def mark_refundable(*, actor: Actor, line: StatementLine, note: str) -> StatementLine:
    """The money goes back to its payer by hand. Raises `NotAllowed`, `InvalidFields`, `IllegalTransition`."""
    return _put_aside(actor, line, Status.REFUNDABLE, note)


@transaction.atomic
def ignore_line(*, actor: Actor, line: StatementLine, note: str) -> StatementLine:
    """The money is none of the gateway's business. Raises as `mark_refundable` does."""
    return _put_aside(actor, line, Status.IGNORED, note)


@transaction.atomic
def reopen_line(*, actor: Actor, line: StatementLine, note: str) -> StatementLine:
    """Back into the queue. Raises as `mark_refundable` does; a matched line stays matched."""
    return _put_aside(actor, line, Status.UNMATCHED, note)


def _put_aside(actor: Actor, line: StatementLine, to: str, note: str) -> StatementLine:
    if actor.user is None or not actor.user.is_operator:
        raise NotAllowed()
    note = note.strip()[:200]
    if not note:
        raise InvalidFields(note="is required")
    line.advance(to, note=note, decided_by=actor.user, decided_at=timezone.now())
    _write_down(actor, line, to, note)
    return line


def _write_down(actor: Actor, line: StatementLine, what: str, detail: str) -> None:
    audit.record(actor, f"line.{what}", line.public_id, mode=line.mode, detail=detail, amount=line.amount_minor)
