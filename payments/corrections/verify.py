"""What the books must say about corrections: a confirmed one is booked once as it says, any other not at all."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Concat

from accounts.models import AuditRecord
from ledger.verify import OWN, booked, moved, orphans, reference_of, register_check
from payments.corrections.services import BANK
from payments.models import Correction, Dispute

_REFERENCE = reference_of("correction", "book")
_DECIDED = ("confirmed", "rejected", "withdrawn")


@register_check
def corrections() -> Iterator[str]:
    """One posting of a confirmed correction: its amount, to or from its merchant, against the account of its kind."""
    own = Case(When(kind__in=Correction.CREDITS, then=F("amount_minor")), default=-F("amount_minor"))
    rows = Correction.objects.annotate(booked=booked("correction", "book")).alias(
        due=own, whose=Coalesce(F("payment__provider"), Value(BANK)),
    ).alias(
        given=moved(_REFERENCE, kind="available", **OWN),
        cleared=moved(_REFERENCE, kind="clearing", counterparty=OuterRef("whose")),
        corrected=moved(_REFERENCE, kind="corrections"),
    )
    banked = Q(kind__in=Correction.BANKED) | Q(payment__isnull=False)
    sides = Q(banked, cleared=-F("due"), corrected=0) | Q(~banked, cleared=0, corrected=-F("due"))
    good = Q(status="confirmed", booked=True, given=F("due")) & sides | Q(~Q(status="confirmed"), booked=False)
    for row in rows.exclude(good):
        yield f"correction {row.public_id} is {row.status} of {row.amount_minor}; its posting says otherwise"


@register_check
def corrections_without_record() -> Iterator[str]:
    """Every posting about a correction has it."""
    yield from orphans("correction", "corr", Correction)


@register_check
def corrections_audited() -> Iterator[str]:
    """Who proposed and who decided was written down."""
    trail = AuditRecord.objects.filter(target=OuterRef("public_id"))
    rows = Correction.objects.annotate(
        proposed=Exists(trail.filter(action="correction.proposed")),
        decided=Exists(trail.filter(action=Concat(Value("correction."), OuterRef("status")))),
    )
    for row in rows.filter(Q(proposed=False) | Q(status__in=_DECIDED, decided=False)):
        yield f"correction {row.public_id} became {row.status} without an audit record"


@register_check
def corrections_by_somebody() -> Iterator[str]:
    """What no operator proposed, a provider told of, as it stands."""
    told = Dispute.objects.filter(payment=OuterRef("payment"))
    rows = Correction.objects.filter(created_by=None).exclude(
        Exists(told.filter(chargeback=OuterRef("pk"), taken_minor=OuterRef("amount_minor")))
        | Exists(told.filter(credit=OuterRef("pk"), returned_minor=OuterRef("amount_minor")))
    )
    for row in rows:
        yield f"correction {row.public_id} was proposed by nobody, and no provider told of it"
