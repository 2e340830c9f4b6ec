"""What the books must say about credits that were taken back, and about those that came again; run with the other
checks by `verify_books`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, IntegerField, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Concat

from accounts.models import AuditRecord
from crypto.models import ChainTransaction, CreditReversal
from gateway.lib.modes import Mode
from ledger.models import Posting
from ledger.verify import OWN, moved, register_check

Status = CreditReversal.Status
_BOOKED = CreditReversal.objects.filter(status=Status.CONFIRMED)
_PLACE = {"network": OuterRef("network_id")}


def taken_back() -> Exists:
    """Of transfers: whether a credit of it was ever taken back."""
    return Exists(_BOOKED.filter(transaction=OuterRef("pk")))


def _text(number: Any) -> Cast:
    return Cast(number, CharField())


def _numbered(word: str) -> Concat:
    """As `credit_rounds` names postings: of the first round without its number."""
    tail = Case(When(round=0, then=Value("")), default=Concat(Value(":"), _text("round")), output_field=CharField())
    return Concat(Value(f"crypto:{word}:"), _text("transaction_id"), tail, output_field=CharField())


def _custody(reference: OuterRef) -> Any:
    return moved(reference, kind="clearing", counterparty="custody", **_PLACE)


def _given(reference: OuterRef) -> Any:
    return moved(reference, kind="available", **_PLACE, **OWN)


def _lost(reference: OuterRef) -> Any:
    return moved(reference, kind="losses", **_PLACE)


@register_check
def credit_reversals() -> Iterator[str]:
    """One posting of a confirmed one: all that its credit had booked, and what the merchant lacked from the house."""
    credit, undone = OuterRef("credit"), OuterRef("undone")
    rows = CreditReversal.objects.alias(credit=_numbered("credit"), undone=_numbered("uncredit")).alias(
        booked=Exists(Posting.objects.filter(reference=undone, kind="crypto.uncredit")),
        again=Exists(_BOOKED.filter(transaction=OuterRef("transaction"), round=OuterRef("round"))),
        came=_custody(credit), left=_custody(undone), taken=_given(undone), lost=_lost(undone),
        gained=_given(credit) + _lost(credit), taxed=moved(credit, kind="tax"), untaxed=moved(undone, kind="tax"),
    )
    whole = Q(
        booked=True, came=-F("amount_minor"), left=F("amount_minor"), taxed=F("tax_minor"), untaxed=-F("tax_minor"),
        gained=F("amount_minor") - F("fee_minor"), lost=-F("shortfall_minor"),
        taken=F("shortfall_minor") + F("fee_minor") - F("amount_minor"),
    )
    good = Q(status=Status.CONFIRMED) & whole | ~Q(status=Status.CONFIRMED) & (Q(booked=False) | Q(again=True))
    for row in rows.exclude(good):
        lacking = f"{row.shortfall_minor} of it lacking"
        yield f"{row} is {row.status} of {row.amount_minor}, {lacking}; its posting says otherwise"


@register_check
def credited_again() -> Iterator[str]:
    """A transfer whose credit was taken back has a credit of its next round if it is confirmed, and none if it is not;
    and the house got back of it what the reversal says."""
    rounds = _BOOKED.filter(transaction=OuterRef("pk")).order_by().values("transaction")
    numbers = {"rounds": Count("pk"), "last": Max("round") + 1}
    rows = ChainTransaction.objects.filter(taken_back()).alias(**{
        name: Subquery(rounds.annotate(n=number).values("n"), output_field=IntegerField())
        for name, number in numbers.items()
    })
    last = _BOOKED.filter(transaction=OuterRef("pk"), round=OuterRef("rounds") - 1)
    rows = rows.alias(credit=Concat(Value("crypto:credit:"), _text("pk"), Value(":"), _text("rounds")))
    credit = OuterRef("credit")
    rows = rows.alias(
        booked=Exists(Posting.objects.filter(reference=credit)), came=_custody(credit), taxed=moved(credit, kind="tax"),
        gained=_given(credit) + _lost(credit), regained=_lost(credit),
        # Of the last one: whether it came back, and what the house got.
        returned=Exists(last.filter(returned_at__isnull=False)),
        said=Subquery(last.values("recovered_minor")),
    )
    credited = Q(
        status=ChainTransaction.Status.CONFIRMED, booked=True, returned=True, came=-F("credited_minor"),
        gained=F("credited_minor") - F("fee_minor"), taxed=F("tax_minor"), regained=F("said"),
    )
    not_credited = ~Q(status=ChainTransaction.Status.CONFIRMED) & Q(
        booked=False, returned=False, credited_minor=0, fee_minor=0, tax_minor=0, said=0
    )
    for row in rows.exclude(Q(rounds=F("last")) & (credited | not_credited)):
        yield f"transfer {row} is {row.status} after its credit was taken back; its postings say otherwise"


@register_check
def reversed_transfers() -> Iterator[str]:
    """What is said to be taken back was; and every posting that takes a credit back has its reversal."""
    for row in ChainTransaction.objects.filter(status=ChainTransaction.Status.REVERSED).exclude(taken_back()):
        yield f"transfer {row} is reversed, and nobody took its credit back"
    known = _BOOKED.annotate(undone=_numbered("uncredit")).values("undone")
    orphans = Posting.objects.filter(reference__startswith="crypto:uncredit:").exclude(reference__in=known)
    for reference in orphans.order_by("pk").values_list("reference", flat=True):
        yield f"posting {reference} is about no credit reversal that there is"


@register_check
def credit_reversals_decided() -> Iterator[str]:
    """By two people in live mode; written down."""
    alone = Q(decided_by__isnull=True) | Q(mode=Mode.LIVE, decided_by=F("created_by"))
    for row in _BOOKED.filter(alone):
        yield f"{row} was booked without a second person"
    target = Concat(Value("credit-reversal-"), _text(OuterRef("pk")), output_field=CharField())
    trail = AuditRecord.objects.filter(target=target)
    rows = CreditReversal.objects.annotate(
        proposed=Exists(trail.filter(action="credit_reversal.proposed")),
        decided=Exists(trail.filter(action=Concat(Value("credit_reversal."), OuterRef("status")))),
    )
    for row in rows.filter(Q(proposed=False) | ~Q(status=Status.OPEN) & Q(decided=False)):
        yield f"{row} became {row.status} without an audit record"
