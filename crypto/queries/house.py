"""What a super admin sees of the house's own coins: what was recorded, and what is left. Nobody else sees any of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import CharField, Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from accounts.actors import Viewer
from accounts.models import Role
from crypto.models import Endowment, Network
from crypto.services.capital import KIND, OLD, REVERSAL, recorded
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
