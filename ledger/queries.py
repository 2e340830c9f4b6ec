"""Reading the books: wallets, accounts with their balance now and at any past moment, and what a posting did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from accounts.actors import Viewer, team_merchants
from accounts.models import Role
from gateway.lib.compiled import Compiled, Slot
from gateway.lib.sums import ExactSum
from ledger.balances import balance, balance_at
from ledger.models import Entry, LedgerAccount, Posting

__all__ = [
    "Wallet", "balance", "balance_at", "entries_about", "references_about", "visible_accounts",
    "visible_postings", "wallets",
]

Kind = LedgerAccount.Kind


@dataclass(slots=True)
class Wallet:
    """One currency (on one network): minor units that may be spent, await settlement, and are held."""

    currency: str
    network: str = ""
    available_minor: int = 0
    pending_minor: int = 0
    reserved_minor: int = 0


def wallets(*, merchant_ids: Iterable[int] | None, mode: str) -> list[Wallet]:
    """Balances per currency and network, added up over `merchant_ids` (None: every merchant). INR always leads."""
    wanted = None if merchant_ids is None else list(merchant_ids)
    if wanted is not None and len(wanted) == 1:  # what every merchant asks for all day
        return _wallets(_SUMS_OF_ONE.rows(merchant=wanted[0], mode=mode))
    rows = LedgerAccount.objects.filter(mode=mode, merchant__isnull=False)
    return _wallets(_sums(rows if wanted is None else rows.filter(merchant_id__in=wanted)))


def _sums(rows: QuerySet[LedgerAccount]) -> QuerySet[Any, Any]:
    return rows.values_list("currency", "network", "kind").annotate(total=ExactSum("balance")).order_by()


_SUMS_OF_ONE: Compiled[tuple[str, str, str, int | None]] = Compiled(
    lambda: _sums(LedgerAccount.objects.filter(mode=Slot("mode"), merchant=Slot("merchant")))
)


def _wallets(sums: Iterable[tuple[str, str, str, int | None]]) -> list[Wallet]:
    found: dict[tuple[str, str], Wallet] = {("INR", ""): Wallet("INR")}
    for currency, network, kind, total in sums:
        wallet = found.setdefault((currency, network), Wallet(currency, network))
        setattr(wallet, f"{kind}_minor", int(total or 0))
    return [found[key] for key in sorted(found, key=lambda key: (key[0] != "INR", key))]


def visible_postings(viewer: Viewer) -> QuerySet[Posting]:
    """Newest first. An api_user has no ledger: it sees payments and payouts it made, not the merchant's books."""
    rows = Posting.objects.filter(mode=viewer.mode).order_by("-id")
    if viewer.user.role == Role.SUPER_ADMIN:
        return rows
    if viewer.user.role in (Role.ADMIN, Role.MERCHANT):
        return rows.filter(merchant__in=team_merchants(viewer.user))
    return rows.none()


def visible_accounts(viewer: Viewer) -> QuerySet[LedgerAccount]:
    """The house's accounts, which are a super admin's to see, and then those of merchants by name."""
    rows = LedgerAccount.objects.filter(mode=viewer.mode).select_related("merchant", "rolled")
    rows = rows.order_by(F("merchant__name").asc(nulls_first=True), "merchant_id", "currency", "network", "kind", "pk")
    if viewer.user.role == Role.SUPER_ADMIN:
        return rows
    if viewer.user.role in (Role.ADMIN, Role.MERCHANT):
        return rows.filter(merchant__in=team_merchants(viewer.user))
    return rows.none()


# A posting's reference begins with what it is about, so that the unique index finds it.
_KINDS = {"pay": "payment", "pout": "payout", "refund": "refund", "corr": "correction"}


def references_about(public_id: str) -> str:
    """What the references of all postings about one payment, payout, refund or correction begin with."""
    return f"{_KINDS.get(public_id.partition('_')[0], '')}:{public_id}:"


def entries_about(public_id: str) -> QuerySet[Entry]:
    """The entries of all postings about one payment, payout, refund or correction, in the order they were booked."""
    rows = Entry.objects.filter(posting__reference__startswith=references_about(public_id))
    return rows.select_related("posting", "account").order_by("id")
