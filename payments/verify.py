"""What the books must say about payments and refunds; `verify_books` runs these with its own checks."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Case, Exists, F, OuterRef, Q, Sum, Value, When
from django.db.models.functions import Concat

from accounts.models import AuditRecord
from gateway.lib.sums import sum_of
from ledger.models import LedgerAccount
from ledger.verify import OWN, booked, in_stretches, moved, orphans, reference_of, register_check
from payments.models import Payment, Refund


@register_check
def captures() -> Iterator[str]:
    """A payment has a capture exactly if it says so, and a settlement only after it."""
    rows = Payment.objects.annotate(booked=booked("payment", "capture"), moved=booked("payment", "settle"))
    wrong = Q(captured_at__isnull=False, booked=False) | Q(captured_at__isnull=True, booked=True)
    for row in in_stretches(rows.filter(wrong)):
        yield f"payment {row.public_id}: captured_at is {row.captured_at}, its capture is booked: {row.booked}"
    for row in in_stretches(rows.filter(moved=True).filter(Q(settled_at__isnull=True) | Q(booked=False))):
        yield f"payment {row.public_id}: settled in the ledger only"
    for payment in Payment.objects.filter(captured_at__isnull=False).exclude(status=Payment.Status.SUCCEEDED):
        yield f"payment {payment.public_id} is captured and {payment.status}"


@register_check
def capture_amounts() -> Iterator[str]:
    """A capture booked what its payment says: from its provider, for its merchant, with its fee and GST; and what has
    not settled yet is pending. A settlement moved all but what refunds had taken of the pending money by then."""
    capture, settle = reference_of("payment", "capture"), reference_of("payment", "settle")
    rows = Payment.objects.filter(captured_at__isnull=False).alias(
        own=F("received_minor") - F("fee_minor"),
        came=moved(capture, kind="clearing", counterparty=OuterRef("provider")),
        taxed=moved(capture, kind="tax"),
        held=moved(capture, kind="pending", **OWN) + moved(settle, kind="pending", **OWN),
        given=moved(capture, kind="available", **OWN) + moved(settle, kind="available", **OWN),
        taken=sum_of(Refund.objects.filter(payment=OuterRef("pk")), "from_pending_minor", by="payment"),
    )
    waits = Q(settled_at__isnull=True)
    good = Q(came=-F("received_minor"), taxed=F("tax_minor")) & (
        Q(waits, held=F("own"), given=0)
        | Q(~waits, held__gte=0, held__lte=F("taken"), given=F("own") - F("held"))
    )
    for row in in_stretches(rows.exclude(good)):
        yield (
            f"payment {row.public_id} says {row.received_minor} received, {row.fee_minor} of it fee, "
            f"{'not settled' if row.settled_at is None else 'settled'}; its postings say otherwise"
        )


@register_check
def without_record() -> Iterator[str]:
    """Every posting about a payment or a refund has it."""
    yield from orphans("payment", "pay", Payment)
    yield from orphans("refund", "refund", Refund)


@register_check
def refund_sums() -> Iterator[str]:
    """What a payment says it gave back is the sum of its refunds, and within what it received."""
    rows = Payment.objects.annotate(
        given=Sum("refunds__amount_minor", filter=Q(refunds__status=Refund.Status.PROCESSED), default=0),
        under_way=Sum("refunds__amount_minor", filter=Q(refunds__status=Refund.Status.PENDING), default=0),
    )
    for row in in_stretches(rows.exclude(refunded_minor=F("given"), refunding_minor=F("under_way"))):
        yield f"payment {row.public_id}: refunded {row.refunded_minor}, its refunds sum to {row.given}"


@register_check
def unsettled() -> Iterator[str]:
    """A merchant's pending balance is its unsettled payments' nets less what their refunds took of them: one statement,
    since both change while it is read."""
    waiting = Q(captured_at__isnull=False, settled_at__isnull=True)
    nets = Payment.objects.filter(waiting).annotate(minor=F("received_minor") - F("fee_minor"))
    taken = Refund.objects.exclude(status=Refund.Status.FAILED).filter(
        payment__captured_at__isnull=False, payment__settled_at__isnull=True
    )
    rows = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.PENDING, merchant__isnull=False)
    rows = rows.annotate(
        waiting=sum_of(nets.filter(**OWN), "minor", by="merchant")
        - sum_of(taken.filter(**OWN), "from_pending_minor", by="merchant")
    )
    for row in rows.exclude(balance=F("waiting")):
        yield f"account {row.code}: holds {row.balance}, its unsettled payments less their refunds {row.waiting}"


@register_check
def refund_holds() -> Iterator[str]:
    """A refund has one hold, and once ended one settlement or one release."""
    settled, released = Q(settled=True, released=False), Q(settled=False, released=True)
    good = (
        Q(held=True, status=Refund.Status.PROCESSED) & settled
        | Q(held=True, status=Refund.Status.FAILED) & released
        | Q(held=True, status=Refund.Status.PENDING, settled=False, released=False)
    )
    rows = Refund.objects.annotate(
        held=booked("refund", "hold"), settled=booked("refund", "settle"), released=booked("refund", "release")
    )
    for row in in_stretches(rows.exclude(good)):
        yield f"refund {row.public_id} is {row.status}, its postings say otherwise"


@register_check
def refund_amounts() -> Iterator[str]:
    """A refund held what it says, and what it paid went back through its payment's provider."""
    rows = Refund.objects.alias(
        held=moved(reference_of("refund", "hold"), kind="reserved", **OWN),
        paid=moved(reference_of("refund", "settle"), kind="clearing", counterparty=OuterRef("payment__provider")),
        due=Case(When(status=Refund.Status.PROCESSED, then=F("amount_minor")), default=0),
    )
    for row in in_stretches(rows.exclude(held=F("amount_minor"), paid=F("due"))):
        yield f"refund {row.public_id} says {row.amount_minor}, its postings say otherwise"


@register_check
def audited() -> Iterator[str]:
    """Every state that a payment or a refund is in was written down when it got there."""
    for rows, word in ((Payment.objects.all(), "payment"), (Refund.objects.exclude(status="pending"), "refund")):
        trail = AuditRecord.objects.filter(
            target=OuterRef("public_id"), action=Concat(Value(f"{word}."), OuterRef("status"))
        )
        for row in in_stretches(rows.annotate(written=Exists(trail)).filter(written=False)):
            yield f"{word} {row.public_id} became {row.status} without an audit record"
