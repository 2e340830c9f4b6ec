"""What the books must say about what the house took out for itself; run with the other checks by `verify_books`."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import CharField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from accounts.models import AuditRecord
from crypto.models import HouseWithdrawal, Outgoing, Token
from crypto.services.house_money import own_coins
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from ledger.models import Posting
from ledger.verify import register_check

Status = HouseWithdrawal.Status


@register_check
def house_withdrawals() -> Iterator[str]:
    """Booked once, if its transaction is confirmed; seen by two people in live mode; written down."""
    sent, open_ = Q(outgoing__status=Outgoing.Status.CONFIRMED), ~Q(outgoing__status__in=["confirmed", "failed"])
    good = (
        Q(status=Status.COMPLETED, booked=True) & sent
        | Q(status=Status.PROCESSING, booked=False, outgoing__isnull=False) & open_
        | Q(status__in=[Status.PENDING, Status.REJECTED], booked=False, outgoing__isnull=True)
        | Q(status__in=[Status.REJECTED, Status.FAILED], booked=False, outgoing__status=Outgoing.Status.FAILED)
    )
    reference = Concat(Value("crypto:house:"), Cast(OuterRef("pk"), CharField()), Value(":sent"))
    rows = HouseWithdrawal.objects.annotate(booked=Exists(Posting.objects.filter(reference=reference)))
    for row in rows.exclude(good):
        yield f"{row} is {row.status}, its posting or its transaction says otherwise"
    ordered = HouseWithdrawal.objects.filter(outgoing__isnull=False)
    alone = Q(confirmed_by__isnull=True) | Q(mode=Mode.LIVE, confirmed_by=F("created_by"))
    for single in ordered.filter(alone):
        yield f"{single} was ordered without a second person"
    target = Concat(Value("house-withdrawal-"), Cast(OuterRef("pk"), CharField()))
    trail = AuditRecord.objects.filter(target=target, action=Concat(Value("house_withdrawal."), OuterRef("status")))
    ended = HouseWithdrawal.objects.filter(status__in=[Status.COMPLETED, Status.FAILED, Status.REJECTED])
    for silent in ended.exclude(Exists(trail)):
        yield f"{silent} became {silent.status} without an audit record"


@register_check
def house_took_its_own() -> Iterator[str]:
    """Where the house takes tokens out, what is left in custody covers what merchants own. Not asked of coins that pay
    fees: merchants own none, and what the house sent for gas may not be recorded yet."""
    tokens = set(Token.objects.values_list("mode", "network_id", "currency"))
    taken = HouseWithdrawal.objects.exclude(status__in=[Status.FAILED, Status.REJECTED])
    for mode in Mode.values:
        places = set(taken.filter(mode=mode).values_list("network_id", "currency"))
        own = own_coins(mode) if places else {}
        for network, currency in sorted(places):
            left = own.get((network, currency), 0)
            if left < 0 and (mode, network, currency) in tokens:
                missing = f"{Money(-left, currency)} {currency} on {network} ({mode})"
                yield f"the house takes out {missing} more than is its own"
