"""What a super admin sees of the house's own coins: what was recorded, and what is left. Nobody else sees any of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import CharField, Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from accounts import history
from accounts.actors import Viewer
from accounts.history import TimelineItem
from accounts.models import Role
from crypto.chains.registry import enabled_networks
from crypto.models import Endowment, HotWallet, HouseWithdrawal, Network
from crypto.services.capital import KIND, OLD, REVERSAL, coins_of, recorded
from crypto.services.house_money import own_coins
from gateway.lib.money import Money
from ledger.models import Entry, Posting


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record of coins that the house has sent; `is_reversed`: it was taken back."""

    posting: Posting
    network: Network
    amount: Money
    transaction_hash: str
    is_reversed: bool


@dataclass(frozen=True, slots=True)
class OwnView:
    """What of a network's coins is the house's own by the books, its own coin last."""

    network: Network
    amounts: list[Money]


_TITLES = {
    "house_withdrawal.created": "Proposed",
    "house_withdrawal.confirmed": "Confirmed by a second person",
    "house_withdrawal.rejected": "Rejected",
    "house_withdrawal.completed": "Sent and booked",
    "house_withdrawal.failed": "Failed, nothing was sent",
}


def own_views(viewer: Viewer) -> list[OwnView]:
    """Of the networks that are on and have a hot wallet, in their order. Nothing for anybody but a super admin."""
    if viewer.user.role != Role.SUPER_ADMIN:
        return []
    mode, own = viewer.mode, own_coins(viewer.mode)
    known = set(HotWallet.objects.filter(mode=mode).values_list("network_id", flat=True))
    return [
        OwnView(each, [Money(own[each.code, currency], currency) for currency in reversed(coins_of(each, mode))])
        for each in enabled_networks(mode) if each.code in known
    ]


def visible_house_withdrawals(viewer: Viewer) -> QuerySet[HouseWithdrawal]:
    """Newest first."""
    rows = HouseWithdrawal.objects.filter(mode=viewer.mode).select_related(
        "network", "token", "outgoing__network", "created_by", "confirmed_by"
    )
    return rows.order_by("-id") if viewer.user.role == Role.SUPER_ADMIN else rows.none()


def waiting_house_withdrawals(viewer: Viewer) -> QuerySet[HouseWithdrawal]:
    """Oldest first: those that wait for a second person."""
    return visible_house_withdrawals(viewer).filter(status=HouseWithdrawal.Status.PENDING).order_by("id")


def house_history(row: HouseWithdrawal) -> list[TimelineItem]:
    return history.timeline([row.public_id], _TITLES)


def visible_records(viewer: Viewer) -> QuerySet[Posting]:
    """What people recorded, newest first; what the simulated chain gave by itself is none of it."""
    gift = Concat(Value(OLD), F("network_id"), Value(":"), F("transaction_hash"), output_field=CharField())
    gifts = Endowment.objects.annotate(posting=gift).filter(posting=OuterRef("reference"))
    reversal = Concat(OuterRef("reference"), Value(REVERSAL), output_field=CharField())
    # By its account, which has an index: capital has few entries, the ledger many.
    booked = Entry.objects.filter(account__kind="capital", account__mode=viewer.mode, account__merchant__isnull=True)
    rows = Posting.objects.filter(pk__in=booked.values("posting"), kind=KIND).exclude(Exists(gifts))
    rows = rows.annotate(is_reversed=Exists(Posting.objects.filter(reference=reversal)))
    return rows.order_by("-id") if viewer.user.role == Role.SUPER_ADMIN else rows.none()


def record_view(posting: Posting) -> Recorded:
    """Of a row of `visible_records`."""
    network, amount, hash_ = recorded(posting)
    return Recorded(posting, network, amount, hash_, bool(getattr(posting, "is_reversed", False)))
