"""What the books must say about crypto, as far as it can be told without a node; `verify_books` runs these with its own
checks. Whether the chain says the same is `manage.py reconcile_chain`'s to find out.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Concat

from accounts.models import AuditRecord
from crypto.models import ChainTransaction, DepositAddress, Outgoing, Sender, Session, Sweep, Withdrawal
from crypto.services.figuring import wrong_figures
from crypto.verify_reversals import taken_back
from gateway.lib.sums import ExactSum
from ledger.models import Entry, Posting
from ledger.verify import OWN, moved, register_check

_INCOMING = Q(type=ChainTransaction.Type.INCOMING)
_CONFIRMED = Q(status=ChainTransaction.Status.CONFIRMED)


def _reference(prefix: str, suffix: str = "") -> Concat:
    return Concat(Value(prefix), Cast(OuterRef("pk"), CharField()), Value(suffix), output_field=CharField())


def _booked(step: str) -> Exists:
    return Exists(Posting.objects.filter(reference=_reference("crypto:withdrawal:", f":{step}")))


@register_check
def credits() -> Iterator[str]:
    """A confirmed transfer is credited once, with its amount; no other one is. Those that were taken back once have
    checks of their own (`verify_reversals`)."""
    into_custody = Entry.objects.filter(
        posting__reference=_reference("crypto:credit:"), account__kind="clearing", account__counterparty="custody"
    ).values("amount")[:1]
    rows = ChainTransaction.objects.filter(_INCOMING).exclude(taken_back()).annotate(
        booked=Coalesce(Subquery(into_custody), 0),
        # What came to an address that nobody ever had is nobody's.
        due=Case(When(merchant__isnull=True, then=0), default=F("credited_minor"), output_field=BigIntegerField()),
    )
    for row in rows.exclude(booked=-F("due")):
        yield f"transfer {row} is credited with {-row.booked}, it says {row.credited_minor}"
    for row in rows.exclude(_CONFIRMED).exclude(credited_minor=0):
        yield f"transfer {row} is {row.status}, and credited all the same"


@register_check
def credit_amounts() -> Iterator[str]:
    """What a transfer's merchant got is its amount less its fee, with its GST."""
    reference = _reference("crypto:credit:")
    rows = ChainTransaction.objects.filter(_INCOMING & _CONFIRMED, merchant__isnull=False).exclude(taken_back()).alias(
        given=moved(reference, kind="available", network=OuterRef("network_id"), **OWN),
        taxed=moved(reference, kind="tax"),
    )
    for row in rows.exclude(given=F("credited_minor") - F("fee_minor"), taxed=F("tax_minor")):
        yield f"transfer {row} says {row.credited_minor}, {row.fee_minor} of it fee, its posting says otherwise"


@register_check
def withdrawal_amounts() -> Iterator[str]:
    """A withdrawal held its amount, and what left for it is its amount less the fee: tokens, or the rupees it says."""
    sent, changed, back = (_reference("crypto:withdrawal:", f":{step}") for step in ("settle", "convert", "return"))
    rupees = {"kind": "available", "merchant": OuterRef("merchant"), "mode": OuterRef("mode"), "currency": "INR"}
    rows = Withdrawal.objects.alias(
        on_hold=moved(_reference("crypto:withdrawal:", ":hold"), kind="reserved", **OWN),
        left=moved(sent, kind="clearing", counterparty="custody")
        + moved(changed, kind="exchange", currency=OuterRef("currency")),
        rupees=moved(changed, **rupees), undone=moved(back, **rupees),
        taxed=moved(sent, kind="tax") + moved(changed, kind="tax"),
        gone=Exists(Posting.objects.filter(reference__in=[sent, changed])),
    )
    good = Q(on_hold=F("amount_minor")) & (
        Q(gone=False, left=0)
        | Q(gone=True, left=F("amount_minor") - F("fee_minor"), taxed=F("tax_minor"))
    )
    good &= Q(undone=0) | Q(undone=-F("rupees"))
    for row in rows.exclude(good & (Q(method=Withdrawal.Method.CRYPTO) | Q(gone=False) | Q(rupees=F("inr_minor")))):
        yield f"{row} says {row.amount_minor}, {row.fee_minor} of it fee, its postings say otherwise"


def _ends(*booked: str) -> Q:
    """Exactly these of a withdrawal's possible ends are booked."""
    return Q(**{end: end in booked for end in ("settled", "released", "converted", "returned")})


@register_check
def withdrawals() -> Iterator[str]:
    """One hold, and once ended one end: sent, released, or turned into rupees and maybe back."""
    status, method = Withdrawal.Status, Withdrawal.Method
    no_end = _ends()
    good = Q(on_hold=True) & (
        Q(status=status.PENDING) & no_end
        | Q(status=status.PROCESSING, method=method.CRYPTO) & no_end
        | Q(status__in=[status.PROCESSING, status.COMPLETED], method=method.FIAT) & _ends("converted")
        | Q(status=status.COMPLETED, method=method.CRYPTO) & _ends("settled")
        | Q(status=status.FAILED) & _ends("released")
        | Q(status=status.FAILED, method=method.FIAT) & _ends("converted", "returned")
    )
    rows = Withdrawal.objects.annotate(
        on_hold=_booked("hold"), settled=_booked("settle"), released=_booked("release"), converted=_booked("convert"),
        returned=_booked("return"),
    )
    for row in rows.exclude(good):
        yield f"withdrawal {row.public_id} is {row.status}, its postings say otherwise"
    trail = AuditRecord.objects.filter(
        target=_reference("withdrawal-"), action=Concat(Value("withdrawal."), OuterRef("status"))
    )
    unwritten = Withdrawal.objects.exclude(status=status.PENDING).annotate(written=Exists(trail)).filter(written=False)
    for silent in unwritten:
        yield f"withdrawal {silent.public_id} became {silent.status} without an audit record"


@register_check
def sent_for_withdrawals() -> Iterator[str]:
    """A completed crypto withdrawal has a confirmed transaction, and nothing else has one."""
    confirmed = Q(outgoing__status=Outgoing.Status.CONFIRMED)
    rows = Withdrawal.objects.filter(method=Withdrawal.Method.CRYPTO)
    for row in rows.filter(status=Withdrawal.Status.COMPLETED).exclude(confirmed):
        yield f"withdrawal {row.public_id} is completed, and no transaction of it is confirmed"
    for row in rows.exclude(status=Withdrawal.Status.COMPLETED).filter(confirmed):
        yield f"withdrawal {row.public_id} is {row.status}, and its transaction is confirmed"


@register_check
def nonces() -> Iterator[str]:
    """A sender's nonces are an unbroken row, but where an operator has let a stopped sender go on."""
    resumed = set(AuditRecord.objects.filter(action="sender.resumed").values_list("target", flat=True))
    rows = Outgoing.objects.filter(nonce__isnull=False).values("network_id", "mode", "sender")
    # In one statement: between two, a signer may have taken the next one.
    following = Sender.objects.filter(network=OuterRef("network"), mode=OuterRef("mode"), address=OuterRef("sender"))
    rows = rows.annotate(
        first=Min("nonce"), last=Max("nonce"), given=Count("nonce"), upcoming=Subquery(following.values("next_nonce"))
    ).order_by()
    for row in rows:
        if row["sender"] in resumed:
            continue
        if row["given"] != row["last"] - row["first"] + 1 or row["upcoming"] != row["last"] + 1:
            yield f"sender {row['sender']} ({row['network_id']}) has a hole in its nonces"


@register_check
def gas() -> Iterator[str]:
    """What the chain took for a mined transaction is booked."""
    booked = Exists(Posting.objects.filter(reference=_reference("crypto:gas:")))
    for row in Outgoing.objects.exclude(fee_raw__in=["", "0"]).annotate(booked=booked).filter(booked=False):
        yield f"the fee of outgoing transaction {row.pk} is not booked"


@register_check
def addresses() -> Iterator[str]:
    """What an address received and what was swept from it are the sums of its transfers and its sweeps."""
    received = _sum_of(ChainTransaction.objects.filter(_INCOMING & _CONFIRMED, address=OuterRef("pk")), "address")
    swept = _sum_of(Sweep.objects.filter(address=OuterRef("pk"), status=Sweep.Status.SWEPT), "address")
    rows = DepositAddress.objects.annotate(came=Coalesce(received, 0), went=Coalesce(swept, 0))
    for row in rows.exclude(received_minor=F("came"), swept_minor=F("went")):
        yield (
            f"address {row.address} says {row.received_minor} received and {row.swept_minor} swept, "
            f"its transfers say {row.came} and {row.went}"
        )


@register_check
def sessions() -> Iterator[str]:
    """What a session received is the sum of its confirmed transfers in its own currency."""
    came = ChainTransaction.objects.filter(
        _INCOMING & _CONFIRMED, session=OuterRef("pk"), currency=OuterRef("currency")
    )
    rows = Session.objects.annotate(came=Coalesce(_sum_of(came, "session"), 0))
    for row in rows.exclude(received_minor=F("came")):
        yield f"session {row.pk} says {row.received_minor} received, its transfers say {row.came}"


def _sum_of(rows: object, group: str) -> Subquery:
    totals = rows.order_by().values(group).annotate(total=ExactSum("amount_minor")).values("total")  # type: ignore[attr-defined]
    return Subquery(totals, output_field=BigIntegerField())


@register_check
def figures() -> Iterator[str]:
    """What is kept of sessions and movements is what a direct count of them finds."""
    yield from wrong_figures()
