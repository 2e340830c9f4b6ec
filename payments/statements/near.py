"""Near misses: payments that an unmatched credit may belong to, each with its reason. Reads only; a person decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Q

from accounts.actors import Viewer, scope
from payments.models import Payment, StatementLine
from payments.receiving.queries import INDIA
from payments.statements.matching import proves

_DAYS_BEFORE, _DAYS_AFTER, _MOST = 4, 3, 5


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A payment of the line's account, and in words why it may, or may not, be the one."""

    payment: Payment
    reason: str
    assignable: bool


def suggestions(line: StatementLine, viewer: Viewer) -> list[Suggestion]:
    """Near misses among the payments that the viewer may see, the nearest first."""
    start = datetime.combine(line.day - timedelta(days=_DAYS_BEFORE), time.min, tzinfo=INDIA)
    then = Q(created_at__gte=start, created_at__lt=start + timedelta(days=_DAYS_BEFORE + _DAYS_AFTER))
    near = then & Q(amount_minor=line.amount_minor)
    if line.utr:
        near |= Q(utr=line.utr) | Q(claimed_utr=line.utr)
    if line.payer_vpa:
        near |= then & Q(vpa__iexact=line.payer_vpa)
    rows = scope(Payment.objects.select_related("order", "merchant"), viewer)
    found = rows.filter(near, receiving_account=line.account.vpa).order_by("-created_at")[:200]
    judged = [(*_judge(line, payment), payment) for payment in found]
    best = sorted((row for row in judged if row[0]), key=lambda row: (-row[0], -row[3].pk))[:_MOST]
    return [Suggestion(payment, reason, assignable) for _, reason, assignable, payment in best]


def _judge(line: StatementLine, payment: Payment) -> tuple[int, str, bool]:
    """(how near, why, whether it can be assigned); 0 for one that has nothing but the amount and another UTR."""
    said, same_amount = payment.utr or payment.claimed_utr, payment.amount_minor == line.amount_minor
    if payment.status == Payment.Status.SUCCEEDED:
        return _judge_paid(line, payment, said)
    if line.utr and said == line.utr:
        return _judge_same_utr(line, payment, same_amount)
    late = _lateness(payment)
    if same_amount and line.utr and is_near(said, line.utr):
        return 70, f"Same amount, and the UTR differs in one place ({said}){late}", True
    if line.payer_vpa and payment.vpa.lower() == line.payer_vpa:
        what, weight = ("amount", 65) if same_amount else ("payer, another amount", 30)
        return weight, f"Same payer and amount{late}" if same_amount else f"Same {what}{late}", True
    if same_amount and not said:
        return 40, f"Same amount, and the payer gave no UTR{late}", True
    return 0, "", False


def _judge_paid(line: StatementLine, payment: Payment, said: str) -> tuple[int, str, bool]:
    has_line = StatementLine.objects.filter(payment=payment).exists()
    if line.utr and said == line.utr:
        if has_line:
            return 80, "Paid already with this very UTR: the bank shows it twice", False
        return 90, "Approved by hand with this UTR, and another amount", payment.received_minor == line.amount_minor
    if line.payer_vpa and payment.vpa.lower() == line.payer_vpa and payment.amount_minor == line.amount_minor:
        return 60, "Paid twice? The same payer has paid this amount before; return it if so", False
    return 0, "", False


def _judge_same_utr(line: StatementLine, payment: Payment, same_amount: bool) -> tuple[int, str, bool]:
    if not same_amount:
        return 85, f"Same UTR, another amount{_lateness(payment)}", True
    if payment.order.payments.filter(status=Payment.Status.SUCCEEDED).exists():
        return 88, "Same UTR and amount, but its order was paid by another payment: paid twice", False
    if proves(payment, utr=line.utr, minor=line.amount_minor, day=line.day):
        return 95, f"Same UTR and amount as another payment: only one can be right{_lateness(payment)}", True
    return 82, "Same UTR and amount, but the payment was made after the money came", True


def _lateness(payment: Payment) -> str:
    if payment.failure_code == "expired":
        return "; the payment had expired"
    return "; the payment had failed" if payment.status == Payment.Status.FAILED else ""


def is_near(one: str, other: str) -> bool:
    """One character wrong, missing or too many, or two neighbours exchanged."""
    if not one or abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        wrong = [index for index, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
        exchanged = len(wrong) == 2 and wrong[1] == wrong[0] + 1
        return len(wrong) == 1 or (exchanged and sorted(one) == sorted(other))
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return any(longer[:index] + longer[index + 1 :] == shorter for index in range(len(longer)))
