"""What the books must say about payouts; `verify_books` runs these with its own checks."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Case, Count, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Concat

from accounts.models import AuditRecord
from ledger.verify import OWN, booked, moved, orphans, reference_of, register_check
from payouts.models import BatchLine, Payout, PayoutBatch
from payouts.providers.bank_file import BANK_FILE

Status = Payout.Status
_RETURNED = Q(returned_at__isnull=False)
_KEPT = ~_RETURNED
_PAID = Q(status=Status.PROCESSED) | _RETURNED


def _ends(*booked: str) -> Q:
    """Exactly these of a payout's possible ends are booked."""
    return Q(**{end: end in booked for end in ("settled", "released", "returned")})


@register_check
def holds() -> Iterator[str]:
    """A payout has one hold, and once ended one settlement or one release, as its status says; one that the bank
    returned has the settlement and its return."""
    good = Q(on_hold=True) & (
        _KEPT & Q(status=Status.PROCESSED) & _ends("settled")
        | _KEPT & Q(status__in=[Status.REJECTED, Status.FAILED]) & _ends("released")
        | _KEPT & Q(status__in=[Status.PENDING, Status.APPROVED, Status.PROCESSING]) & _ends()
        | _RETURNED & Q(status=Status.FAILED) & _ends("settled", "returned")
    )
    rows = Payout.objects.annotate(
        on_hold=booked("payout", "hold"), settled=booked("payout", "settle"), released=booked("payout", "release"),
        returned=booked("payout", "return"),
    )
    for row in rows.exclude(good):
        yield f"payout {row.public_id} is {row.status}, its postings say otherwise"


@register_check
def amounts() -> Iterator[str]:
    """A payout held its amount and charge of its merchant's, and what the bank paid is its amount; what it returned is
    all of it, and the merchant has it back with the charge."""
    rows = Payout.objects.alias(
        reserved=moved(reference_of("payout", "hold"), kind="reserved", **OWN),
        paid=moved(reference_of("payout", "settle"), kind="clearing", counterparty=OuterRef("provider")),
        taxed=moved(reference_of("payout", "settle"), kind="tax"),
        back=moved(reference_of("payout", "return"), kind="clearing", counterparty=OuterRef("provider")),
        untaxed=moved(reference_of("payout", "return"), kind="tax"),
        given=moved(reference_of("payout", "return"), kind="available", **OWN),
        due=Case(When(_PAID, then=F("amount_minor")), default=0),
        tax_due=Case(When(_PAID, then=F("tax_minor")), default=0),
    )
    held = F("amount_minor") + F("charge_minor")
    undone = Q(back=0, untaxed=0, given=0) & _KEPT
    undone |= Q(back=-F("amount_minor"), untaxed=-F("tax_minor"), given=held) & _RETURNED
    for row in rows.exclude(undone, reserved=held, paid=F("due"), taxed=F("tax_due")):
        yield (
            f"payout {row.public_id} says {row.amount_minor} and a charge of {row.charge_minor}, "
            "its postings say otherwise"
        )
    yield from orphans("payout", "pout", Payout)


@register_check
def audited() -> Iterator[str]:
    """Every state that a payout is in was written down when it got there."""
    trail = AuditRecord.objects.filter(
        target=OuterRef("public_id"), action=Concat(Value("payout."), OuterRef("became"))
    )
    rows = Payout.objects.exclude(status=Status.PENDING)
    rows = rows.annotate(became=Case(When(_RETURNED, then=Value("returned")), default=F("status")))
    for row in rows.annotate(written=Exists(trail)).filter(written=False):
        yield f"payout {row.public_id} became {row.became} without an audit record"


@register_check
def batches() -> Iterator[str]:
    """A payout is in at most one live batch; by bank file none reaches the bank, or ends there, without its line."""
    live = BatchLine.objects.filter(live=True)
    for row in live.values("payout__public_id").annotate(count=Count("pk")).filter(count__gt=1).order_by():
        yield f"payout {row['payout__public_id']} is in {row['count']} live batches"
    sent = Exists(live.filter(payout=OuterRef("pk"), batch__status=PayoutBatch.Status.SENT))
    by_file = Payout.objects.filter(provider=BANK_FILE.name).annotate(sent=sent)
    at_the_bank = by_file.filter(status__in=[Status.PROCESSING, Status.PROCESSED, Status.FAILED])
    for payout in at_the_bank.filter(sent=False):
        yield f"payout {payout.public_id} is {payout.status} by bank file, but stands in no batch that was sent"
    for payout in by_file.filter(sent=True).exclude(pk__in=at_the_bank.values("pk")):
        yield f"payout {payout.public_id} is {payout.status}, but its batch was sent"


@register_check
def beneficiaries() -> Iterator[str]:
    """A payout's beneficiary is the same merchant's, in the same mode, with the same account."""
    same = Q(merchant=F("beneficiary__merchant"), mode=F("beneficiary__mode"))
    same &= Q(account_number=F("beneficiary__account_number"), ifsc=F("beneficiary__ifsc"))
    for row in Payout.objects.exclude(same):
        yield f"payout {row.public_id} is linked to another beneficiary than its own"


@register_check
def approvals() -> Iterator[str]:
    """What needs two approvals, and was approved, has two, of different people, neither of them its creator."""
    decided = Payout.objects.exclude(status__in=[Status.PENDING, Status.REJECTED]).filter(approvals_needed=2)
    good = Q(first_approved_by__isnull=False, approved_by__isnull=False) & ~Q(approved_by=F("first_approved_by"))
    own = Q(created_by=F("approved_by")) | Q(created_by=F("first_approved_by"))
    for row in decided.exclude(good & ~own):
        yield f"payout {row.public_id} needed two approvals and has not two of different people"
