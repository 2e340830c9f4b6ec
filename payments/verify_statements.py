"""What the books must say about bank statements: one credit pays one payment at most, and both say the same."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F, Q

from ledger.verify import register_check
from payments.models import Payment, StatementLine
from payments.providers.manual_upi import MANUAL_UPI
from payments.services.outcomes import AUTO_APPROVED


@register_check
def statement_lines() -> Iterator[str]:
    """A matched line stands beside a payment that succeeded, into its account, with its amount and UTR.

    That a payment has one line and a line one payment, the database itself keeps.
    """
    rows = StatementLine.objects.filter(status=StatementLine.Status.MATCHED).select_related("payment", "account")
    same = Q(
        payment__status=Payment.Status.SUCCEEDED, payment__mode=F("account__mode"),
        payment__receiving_account=F("account__vpa"), payment__received_minor=F("amount_minor"),
    ) & (Q(payment__utr=F("utr")) | Q(utr="") | Q(payment__utr=""))
    for line in rows.exclude(same):
        yield f"line {line.public_id} of {line.account} does not say what payment {line.payment} says"


@register_check
def paid_by_statement() -> Iterator[str]:
    """A payment that nobody but a statement approved has that statement's line."""
    rows = Payment.objects.filter(
        provider=MANUAL_UPI.name, status=Payment.Status.SUCCEEDED, comments=AUTO_APPROVED, statement_line__isnull=True
    )
    for payment in rows:
        yield f"payment {payment.public_id} was approved by a statement, and has no line of one"
