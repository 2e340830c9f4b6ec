"""A payment and the bank's line that proves it belong together, whichever came first; one line to one payment."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from gateway.lib.errors import InvalidFields
from gateway.lib.transfers import hold_transfer
from payments.errors import LineTaken
from payments.models import Payment, StatementLine


def attach_line(payment: Payment) -> None:
    """Attaches the line with this succeeded payment's UTR, where a statement has brought it already.

    `payment` is locked. A line of another amount stays in the queue, for a person to see.
    """
    if not (payment.utr and payment.receiving_account) or has_line(payment):
        return
    line = lines_into(payment).filter(utr=payment.utr, amount_minor=payment.received_minor or 0).first()
    if line is not None:
        attach(line, payment, StatementLine.How.ATTACHED)


def lines_into(payment: Payment) -> QuerySet[StatementLine]:
    """Unmatched credits of the account that this payment was to go to, oldest first."""
    rows = StatementLine.objects.filter(
        account__mode=payment.mode, account__vpa=payment.receiving_account, status=StatementLine.Status.UNMATCHED
    )
    return rows.order_by("day", "pk")


def has_line(payment: Payment) -> bool:
    return StatementLine.objects.filter(payment=payment).exists()


def attach(line: StatementLine, payment: Payment, how: str, **changes: Any) -> None:
    """Raises `IllegalTransition` if the line is no longer unmatched. `payment` is locked and has no other line."""
    line.advance(StatementLine.Status.MATCHED, payment=payment, how=how, decided_at=timezone.now(), **changes)


def lock_line(line: StatementLine, payment: Payment) -> StatementLine:
    """The line as it stands now, ours until the transaction ends. `payment` is locked: first it, then UTR, then line.

    Raises `LineTaken` if it is not unmatched any more, `InvalidFields` if it came into another account.
    """
    if line.utr:
        hold_transfer(line.mode, line.utr)
    row = StatementLine.objects.select_for_update(of=("self",)).select_related("account").get(pk=line.pk)
    if row.status != StatementLine.Status.UNMATCHED:
        raise LineTaken()
    if (row.account.mode, row.account.vpa) != (payment.mode, payment.receiving_account):
        raise InvalidFields(payment="was to be paid into another account")
    if has_line(payment):
        raise LineTaken("This payment has a line of a statement already.")
    return row
