"""Matches credits of a statement with payments: by UTR and amount alone, anything less is for a person.

A line counts by itself only if exactly one payment of its account claims its UTR, asks for its very amount, and was
made no later than the day of the credit. It is booked by the same `apply_outcome` as any provider's word, so that it
can be late but never twice. Locks are taken in one order everywhere: order, payment, UTR, line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.errors import GatewayError
from gateway.lib.providers import Outcome, ProviderState
from gateway.lib.work import settle
from payments.models import Payment, ReceivingAccount, StatementLine
from payments.receiving.queries import INDIA
from payments.services.instruments import utr_is_used
from payments.services.outcomes import apply_outcome, order_has_other_success
from payments.services.records import lock
from payments.statements.attaching import attach, lines_into, lock_line

log = structlog.get_logger(__name__)
STATEMENT = Actor.system("bank statement")
_AT_ONCE = 400
How = StatementLine.How


def match_lines(account: ReceivingAccount, lines: Sequence[StatementLine]) -> int:
    """Matches what can be matched of these unmatched lines of one account. Returns how many were."""
    utrs = {line.utr for line in lines if line.utr}
    claims = claims_of(account, utrs)
    return sum(_match(line, claims.get(line.utr, [])) for line in lines if line.utr)


def claims_of(account: ReceivingAccount, utrs: Iterable[str]) -> dict[str, list[Payment]]:
    """Payments into the account by the UTR that was proven, or else that the payer claims."""
    wanted = list(utrs)
    found: dict[str, list[Payment]] = defaultdict(list)
    into = Payment.objects.filter(mode=account.mode, receiving_account=account.vpa)
    for payment in into.filter(utr__in=wanted):
        found[payment.utr].append(payment)
    for payment in into.filter(claimed_utr__in=wanted).exclude(status=Payment.Status.SUCCEEDED):
        found[payment.claimed_utr].append(payment)
    return found


def _match(line: StatementLine, payments: list[Payment]) -> bool:
    exact = [payment for payment in payments if _proves(line, payment)]
    if len(exact) != 1:
        return False
    try:
        return match_exact(line=line, payment=exact[0])
    except GatewayError as error:  # somebody was quicker, or the payment moved on: a person sees the line in the queue
        log.info("statement_line_not_matched", line=line.public_id, reason=error.code)
        return False


def proves(payment: Payment, *, utr: str, minor: int, day: date) -> bool:
    """Whether such a credit is the proof of this payment's money, with nothing left to judge."""
    if not utr:
        return False
    if payment.status == Payment.Status.SUCCEEDED:
        return payment.utr == utr and payment.received_minor == minor
    made_before = payment.created_at.astimezone(INDIA).date() <= day
    return payment.claimed_utr == utr and payment.amount_minor == minor and made_before


def _proves(line: StatementLine, payment: Payment) -> bool:
    return proves(payment, utr=line.utr, minor=line.amount_minor, day=line.day)


@transaction.atomic
def match_exact(*, line: StatementLine, payment: Payment) -> bool:
    """Attaches the line, and books the payment unless it is already. False where the two no longer fit.

    Raises `LineTaken`.
    """
    row = lock(payment)
    taken = lock_line(line, row)
    if not _proves(taken, row):
        return False
    if row.status == Payment.Status.SUCCEEDED:
        attach(taken, row, How.ATTACHED)
        return True
    if order_has_other_success(row) or utr_is_used(row, taken.utr):
        return False
    attach(taken, row, How.AUTO)
    said = Outcome(
        "succeeded", reference=taken.public_id, utr=taken.utr, amount_minor=taken.amount_minor, currency=row.currency
    )
    if apply_outcome(actor=STATEMENT, payment=row, outcome=said) != "succeeded":
        transaction.set_rollback(True)
        return False
    return True


def wait_for_money(*, payment: Payment) -> None:
    """A payer has confirmed, a worker holds the row: matched at once if the line is there, else a person or a
    statement decides, and nobody looks again before."""
    rows = lines_into(payment).filter(utr=payment.claimed_utr) if payment.claimed_utr else []
    lines = list(rows)
    if len(lines) == 1 and match_lines(lines[0].account, lines):
        return
    settle(payment, provider_state=ProviderState.SENT, sent_at=timezone.now())


def match_waiting() -> int:
    """The safety net: unmatched lines whose payment came to be known by another way. Returns how many matched."""
    return sum(match_lines(account, _claimed_lines(account)) for account in ReceivingAccount.objects.all())


def _claimed_lines(account: ReceivingAccount) -> list[StatementLine]:
    into = Payment.objects.filter(mode=account.mode, receiving_account=account.vpa)
    claims = into.filter(claimed_utr=OuterRef("utr")).exclude(status=Payment.Status.SUCCEEDED)
    rows = StatementLine.objects.filter(account=account, status=StatementLine.Status.UNMATCHED).exclude(utr="")
    rows = rows.filter(Q(Exists(claims)) | Q(Exists(into.filter(utr=OuterRef("utr")))))
    return list(rows.order_by("-pk")[:_AT_ONCE])
