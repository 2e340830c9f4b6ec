"""What the books must say about payouts; `verify_books` runs these with its own checks."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat

from accounts.models import AuditRecord
from ledger.models import Posting
from ledger.verify import register_check
from payouts.models import Payout

Status = Payout.Status


def _booked(step: str) -> Exists:
    reference = Concat(Value("payout:"), OuterRef("public_id"), Value(f":{step}"))
    return Exists(Posting.objects.filter(reference=reference))


@register_check
def holds() -> Iterator[str]:
    """A payout has one hold, and once ended one settlement or one release, as its status says."""
    good = Q(on_hold=True) & (
        Q(status=Status.PROCESSED, settled=True, released=False)
        | Q(status__in=[Status.REJECTED, Status.FAILED], settled=False, released=True)
        | Q(status__in=[Status.PENDING, Status.APPROVED, Status.PROCESSING], settled=False, released=False)
    )
    rows = Payout.objects.annotate(on_hold=_booked("hold"), settled=_booked("settle"), released=_booked("release"))
    for row in rows.exclude(good):
        yield f"payout {row.public_id} is {row.status}, its postings say otherwise"


@register_check
def audited() -> Iterator[str]:
    """Every state that a payout is in was written down when it got there."""
    trail = AuditRecord.objects.filter(
        target=OuterRef("public_id"), action=Concat(Value("payout."), OuterRef("status"))
    )
    for row in Payout.objects.exclude(status=Status.PENDING).annotate(written=Exists(trail)).filter(written=False):
        yield f"payout {row.public_id} became {row.status} without an audit record"
