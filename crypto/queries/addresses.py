"""Deposit addresses as a merchant sees them: those that its own sessions have or had, with its own figures only.

An address is rested and used again, by another merchant too once it is empty. So whatever is told about it here comes
from the viewer's own sessions and transfers; what the address itself holds is the viewer's while it was last the
viewer's, as far as the viewer's own transfers go, and nothing otherwise: another's may still arrive there late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Greatest, Least

from accounts.actors import Viewer, scope, team_merchants
from accounts.models import Role
from crypto.models import ChainTransaction, DepositAddress, GasFunding, Session, Sweep, Token
from crypto.queries.transactions import visible_credits, visible_transactions
from gateway.lib.sums import ExactSum, sum_of


@dataclass(frozen=True, slots=True)
class AddressTotals:
    count: int
    active: int
    assigned: int
    with_balance: int
    held_minor: int


@dataclass(slots=True)
class AddressRecord:
    """One address and what its viewer may know of it. Money in minor units, both currencies together."""

    address: DepositAddress
    received_minor: int = 0
    held_minor: int = 0
    session: Session | None = None  # the open one
    times_used: int = 0
    first_used_at: Any = None
    last_used_at: Any = None
    sweep: Sweep | None = None  # the last that ended well
    funding: GasFunding | None = None  # the last for a sweep of the viewer's money

    @property
    def swept_minor(self) -> int:
        return self.received_minor - self.held_minor

    @property
    def currency(self) -> str:
        own: str = getattr(self.address, "own_currency", "")
        return own or self.address.currency

    @property
    def sweep_status(self) -> str:
        return str(getattr(self.address, "own_sweep_status", ""))

    @property
    def updated_at(self) -> datetime:
        moment: datetime = getattr(self.address, "own_updated", self.address.updated_at)
        return moment

    @property
    def checked_at(self) -> datetime | None:
        moment: datetime | None = getattr(self.address, "own_checked", None)
        return moment


def visible_addresses(viewer: Viewer) -> QuerySet[Any]:
    """Newest first. Rows carry `own_currency`, `own_open` (its open session's id), `own_held` (minor units),
    `own_sweep_status`, `own_last_used`, `own_checked`, `own_updated`: the columns behind these may tell of others.
    """
    if viewer.user.role == Role.API_USER:
        return DepositAddress.objects.none()
    own = scope(Session.objects.filter(address=OuterRef("pk")), viewer)
    ours = Q(merchant__in=team_merchants(viewer.user))
    held = Case(
        When(ours & Q(received_minor__gt=F("swept_minor")), then=_own_part(viewer)),
        default=Value(0), output_field=BigIntegerField(),
    )
    return (
        DepositAddress.objects.filter(Exists(own), mode=viewer.mode)
        .annotate(
            own_currency=Subquery(own.order_by("-created_at", "-id").values("currency")[:1]),
            own_open=Subquery(own.filter(pk=OuterRef("session_id")).values("pk")[:1]),
            own_held=held,
            own_last_used=Subquery(own.order_by("-created_at", "-id").values("created_at")[:1]),
            own_checked=Case(When(ours, then=F("checked_at"))),
            own_updated=Case(
                When(ours, then=F("updated_at")),
                default=Subquery(own.order_by("-updated_at", "-id").values("updated_at")[:1]),
            ),
        )
        .annotate(own_sweep_status=_own_sweep_status(viewer))
        .select_related("network")
        .order_by("-created_at", "-id")
    )


def needing_sweep(viewer: Viewer) -> QuerySet[Any]:
    """Those that hold enough of the viewer's money to be swept: what is below every token's minimum stays there."""
    tokens = Token.objects.filter(network=OuterRef("network"), mode=OuterRef("mode"))
    least = Subquery(tokens.order_by("sweep_minimum_minor").values("sweep_minimum_minor")[:1])
    waiting = (DepositAddress.SweepStatus.PENDING, DepositAddress.SweepStatus.FAILED)
    return visible_addresses(viewer).filter(own_held__gt=0, own_held__gte=least, sweep_status__in=waiting)


def _own_sweep_status(viewer: Viewer) -> Any:
    """Empty while nothing came in for the viewer; an address is given to another merchant only once it is swept."""
    came = Exists(visible_credits(viewer).filter(address=OuterRef("pk"), credited_minor__gt=0))
    return Case(
        When(~came, then=Value("")), When(own_held__gt=0, then=F("sweep_status")),
        default=Value(DepositAddress.SweepStatus.SWEPT.value), output_field=CharField(),
    )


def _own_part(viewer: Viewer) -> Any:
    """What an address holds, or what came there for the viewer and was not swept, whichever is less: not another's
    money. (A sweep of several merchants' money is nobody's, so after one this may still be too much.)
    """
    came = visible_credits(viewer).filter(address=OuterRef("pk"))
    swept = Sweep.objects.filter(
        address=OuterRef("pk"), status=Sweep.Status.SWEPT, merchant__in=team_merchants(viewer.user)
    )
    own = Greatest(sum_of(came, "credited_minor", by="address") - sum_of(swept, "amount_minor", by="address"), 0)
    return Least(F("received_minor") - F("swept_minor"), own, output_field=BigIntegerField())


def address_totals(rows: QuerySet[Any]) -> AddressTotals:
    sums = rows.order_by().aggregate(
        count=Count("pk"), active=Count("pk", filter=Q(is_active=True)),
        assigned=Count("pk", filter=Q(own_open__isnull=False)), filled=Count("pk", filter=Q(own_held__gt=0)),
        held=ExactSum("own_held"),
    )
    return AddressTotals(sums["count"], sums["active"], sums["assigned"], sums["filled"], int(sums["held"] or 0))


def records_of(viewer: Viewer, addresses: Sequence[DepositAddress]) -> list[AddressRecord]:
    """What the viewer may know of each; a fixed number of queries, however many addresses."""
    ids = [address.pk for address in addresses]
    received = dict(
        visible_credits(viewer).filter(address__in=ids).order_by().values_list("address")
        .annotate(total=ExactSum("credited_minor"))
    )
    used = _usage(viewer, ids)
    sessions = Session.objects.in_bulk([a.own_open for a in addresses if a.own_open])  # type: ignore[attr-defined]
    sweeps, fundings = _last_sweeps(viewer, ids), _last_fundings(viewer, ids)
    records = []
    for address in addresses:
        count, first, last = used.get(address.pk, (0, None, None))
        records.append(AddressRecord(
            address, int(received.get(address.pk) or 0), int(getattr(address, "own_held", 0)),
            sessions.get(getattr(address, "own_open", None)), count, first, last, sweeps.get(address.pk),
            fundings.get(address.pk),
        ))
    return records


def _usage(viewer: Viewer, ids: Iterable[int]) -> dict[int, tuple[int, Any, Any]]:
    rows = scope(Session.objects.filter(address__in=ids), viewer).order_by().values_list("address")
    found = rows.annotate(count=Count("pk"), first=Min("created_at"), last=Max("created_at"))
    return {pk: (count, first, last) for pk, count, first, last in found}


def _last_sweeps(viewer: Viewer, ids: Iterable[int]) -> dict[int, Sweep]:
    """Ascending, so that the last one of an address stays."""
    rows = sweeps_of(viewer).filter(address__in=ids, status=Sweep.Status.SWEPT).order_by("swept_at", "pk")
    return {sweep.address_id: sweep for sweep in rows}


def sweeps_of(viewer: Viewer) -> QuerySet[Sweep]:
    """Sweeps of the viewer's own money."""
    if viewer.user.role == Role.API_USER:
        return Sweep.objects.none()
    return scope(Sweep.objects.select_related("outgoing", "token"), viewer)


def _last_fundings(viewer: Viewer, ids: Iterable[int]) -> dict[int, GasFunding]:
    """Of the viewer's own sweeps: what another one's cost is not the viewer's to know."""
    own = Exists(sweeps_of(viewer).filter(funding=OuterRef("pk")))
    rows = GasFunding.objects.filter(own, address__in=ids).select_related("outgoing").order_by("pk")
    return {funding.address_id: funding for funding in rows}


def transfers_of(viewer: Viewer, address: DepositAddress) -> QuerySet[ChainTransaction]:
    """The viewer's transfers to and from one address, newest first."""
    return visible_transactions(viewer).filter(Q(address=address) | Q(sender=address.address), network=address.network)
