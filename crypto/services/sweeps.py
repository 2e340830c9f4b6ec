"""Sweeps: what was confirmed on a deposit address goes to the hot wallet, above the token's minimum, one at a time.

What is swept is what the books know (confirmed transfers, not swept before), never simply what lies there; the chain
is asked whether it is there. The ledger stays as it is but for gas: both ends are ours.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from crypto import formats
from crypto.models import ChainTransaction, DepositAddress, GasFunding, Outgoing, SessionEvent, Sweep, Token
from gateway.lib.jobs import wake
from gateway.lib.money import Money
from gateway.lib.sums import ExactSum, sum_of
from gateway.lib.work import ended

log = structlog.get_logger(__name__)
Status = Sweep.Status
OPEN = (Status.PENDING, Status.FUNDING, Status.SENDING)
TASK = "crypto.sweep"
# By when a withdrawal that waits for tokens has seen that they came.
_SEEN_WITHIN = timedelta(minutes=1)


def plan_sweeps(limit: int = 200) -> int:
    """Makes a sweep for every address that holds enough and has none. Returns how many were made."""
    places: dict[tuple[str, str], list[Token]] = {}
    for token in Token.objects.order_by("pk"):
        places.setdefault((token.network_id, token.mode), []).append(token)
    made = 0
    for (network, mode), tokens in places.items():
        missing = _missing(network, mode)
        minima = {token: 1 if token.pk in missing else max(token.sweep_minimum_minor, 1) for token in tokens}
        made += sum(_plan(address, tokens, missing) for address in _holding(network, mode, minima)[: limit - made])
    return made


def _holding(network: str, mode: str, minima: dict[Token, int]) -> QuerySet[DepositAddress]:
    """Addresses with enough of some token, without an open sweep or one that failed just now; fullest first. Of each
    token for itself: many that hold too little of every one would else hide those that hold enough."""
    rested = timezone.now() - timedelta(seconds=settings.SWEEP_RETRY_SECONDS)
    busy = Sweep.objects.filter(
        Q(status__in=OPEN) | Q(status=Status.FAILED, updated_at__gt=rested), address=OuterRef("pk")
    )
    # The difference of two bigints counts as a plain integer, and nothing is more than that: so it is not compared.
    rows = DepositAddress.objects.filter(
        network_id=network, mode=mode, received_minor__gte=F("swept_minor") + min(minima.values())
    )
    enough = Q()
    for token, least in minima.items():
        came, gone = f"came_{token.pk}", f"gone_{token.pk}"
        rows = rows.alias(**{
            came: sum_of(_came(OuterRef("pk"), token), "amount_minor", by="address"),
            gone: sum_of(_gone(OuterRef("pk"), token), "amount_minor", by="address"),
        })
        enough |= Q(**{f"{came}__gte": F(gone) + least})
    rows = rows.filter(enough).exclude(Exists(busy)).select_related("network")
    return rows.order_by((F("received_minor") - F("swept_minor")).desc(), "pk")


def _missing(network: str, mode: str) -> Counter[int]:
    """How much of each token withdrawals wait for, beyond what is being swept already or was just now. Addresses below
    the minimum are swept for that much and no more: each may cost the house more than it holds. The house waits."""
    waiting = Outgoing.objects.filter(
        network_id=network, mode=mode, status=Outgoing.Status.WAITING, waits_for=Outgoing.Waits.TOKENS,
        token__isnull=False, purpose=Outgoing.Purpose.WITHDRAWAL,
    )
    missing: Counter[int] = Counter()
    for row in waiting.select_related("token"):
        assert row.token is not None
        minor, dust = formats.to_minor(int(row.raw_units), row.token.decimals)
        missing[row.token.pk] += minor + bool(dust)
    here = Q(status__in=OPEN, failure="") | Q(status=Status.SWEPT, swept_at__gt=timezone.now() - _SEEN_WITHIN)
    coming = Sweep.objects.filter(here, token__in=list(missing)).order_by().values_list("token")
    missing.subtract({token: int(total) for token, total in coming.annotate(total=ExactSum("amount_minor"))})
    return +missing


def _plan(address: DepositAddress, tokens: list[Token], missing: Counter[int]) -> bool:
    """One that failed comes after those that did not: what cannot be moved holds up no other token of its address."""
    failed = dict(
        Sweep.objects.filter(address=address, status=Status.FAILED)
        .order_by().values_list("token").annotate(last=Max("updated_at"))
    )
    never = datetime.min.replace(tzinfo=UTC)
    for token in sorted(tokens, key=lambda token: failed.get(token.pk, never)):
        minor, units = held(address, token)
        least = 1 if missing[token.pk] > 0 else max(token.sweep_minimum_minor, 1)
        if units > 0 and minor >= least:
            missing[token.pk] -= minor
            return _make(address, token, minor, units)
    return False


def held(address: DepositAddress, token: Token) -> tuple[int, int]:
    """What of a token is confirmed on an address and not swept: in the ledger's units, and in the chain's."""
    came = _came(address, token).values_list("amount_minor", "raw_units")
    gone = _gone(address, token).values_list("amount_minor", "raw_units")
    minor = sum(row[0] for row in came) - sum(row[0] for row in gone)
    return minor, sum(int(row[1]) for row in came) - sum(int(row[1]) for row in gone)


def _gone(address: DepositAddress | OuterRef, token: Token) -> QuerySet[Sweep]:
    return Sweep.objects.filter(address=address, token=token, status=Status.SWEPT)


def _came(address: DepositAddress | OuterRef, token: Token) -> QuerySet[ChainTransaction]:
    return ChainTransaction.objects.filter(
        address=address, type=ChainTransaction.Type.INCOMING, status=ChainTransaction.Status.CONFIRMED,
        currency=token.currency,
    )


def _owner(address: DepositAddress, token: Token, units: int) -> int | None:
    """Whose transfers these `units` are: a sweep takes all there is, so they came last. Not simply who had the address
    last: an earlier one's may arrive late. None if they are of several, who must not be shown each other's."""
    owners, rest = set(), units
    rows = _came(address, token).order_by("-confirmed_at", "-pk").values_list("merchant", "raw_units")
    for merchant, raw_units in rows:
        if rest <= 0:
            break
        owners.add(merchant)
        rest -= int(raw_units)
    return owners.pop() if len(owners) == 1 else None


def _make(address: DepositAddress, token: Token, minor: int, units: int) -> bool:
    try:
        with transaction.atomic():
            Sweep.objects.create(
                address=address, token=token, merchant_id=_owner(address, token, units), mode=address.mode,
                amount_minor=minor, raw_units=str(units), due_at=timezone.now(),
            )
            _mark(address, DepositAddress.SweepStatus.PENDING)
    except IntegrityError:
        return False  # another one was quicker
    wake(TASK)
    return True


def _mark(address: DepositAddress, state: str) -> None:
    DepositAddress.objects.filter(pk=address.pk).update(sweep_status=state, updated_at=timezone.now())


@transaction.atomic
def fund_sweep(*, sweep: Sweep, outgoing: Outgoing, minor: int) -> None:
    """The address first needs coin for the fee; `outgoing` brings it, in the caller's transaction."""
    funding = GasFunding.objects.create(address=sweep.address, outgoing=outgoing, amount_minor=minor)
    sweep.advance(Status.FUNDING, funding=funding, failure="", **ended())


@transaction.atomic
def fund_again(*, sweep: Sweep, outgoing: Outgoing, minor: int) -> None:
    """The first funding was not enough, or never came."""
    funding = GasFunding.objects.create(address=sweep.address, outgoing=outgoing, amount_minor=minor)
    Sweep.objects.filter(pk=sweep.pk, status=Status.FUNDING).update(funding=funding, **ended())


@transaction.atomic
def send_sweep(*, sweep: Sweep, outgoing: Outgoing) -> None:
    sweep.advance(Status.SENDING, outgoing=outgoing, failure="", **ended())


@transaction.atomic
def gas_came(*, funding: GasFunding) -> None:
    """The coin is there, or its sending failed: either way the sweep looks again."""
    waiting = Sweep.objects.filter(funding=funding, status=Status.FUNDING)
    if waiting.update(due_at=timezone.now()):
        wake(TASK)


@transaction.atomic
def end_sweep(*, sweep: Sweep, swept: bool, failure: str = "") -> None:
    """Swept, or given up for now: then the address is looked at again later, and a new sweep is made."""
    address = DepositAddress.objects.select_for_update().get(pk=sweep.address_id)
    if swept:
        now = timezone.now()
        sweep.advance(Status.SWEPT, swept_at=now, failure="", **ended())
        rest = address.held_minor - sweep.amount_minor
        DepositAddress.objects.filter(pk=address.pk).update(swept_minor=F("swept_minor") + sweep.amount_minor)
        _mark(address, DepositAddress.SweepStatus.SWEPT if rest <= 0 else DepositAddress.SweepStatus.PENDING)
        _tell_sessions(sweep)
    else:
        sweep.advance(Status.FAILED, failure=failure[:200], **ended())
        _mark(address, DepositAddress.SweepStatus.FAILED)
        log.warning("sweep_failed", sweep=sweep.pk, address=address.address, failure=failure)


def _tell_sessions(sweep: Sweep) -> None:
    """A line in the timeline of each session whose money this was, once."""
    told = SessionEvent.objects.filter(session=OuterRef("session"), event="funds_swept")
    came = ChainTransaction.objects.filter(
        address=sweep.address, currency=sweep.token.currency, type=ChainTransaction.Type.INCOMING,
        status=ChainTransaction.Status.CONFIRMED, session__isnull=False,
    ).exclude(Exists(told))
    sessions = set(came.values_list("session_id", flat=True))
    detail = f"Swept to the hot wallet, in {Money(sweep.amount_minor, sweep.token.currency)} {sweep.token.currency}"
    SessionEvent.objects.bulk_create(
        SessionEvent(session_id=session, event="funds_swept", details=detail) for session in sessions
    )
