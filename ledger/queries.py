"""Reading the books: wallets, an account's balance now and at any past moment, and what a posting did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.actors import Viewer, team_merchants
from accounts.models import Role
from gateway.lib.sums import ExactSum
from ledger.models import Entry, LedgerAccount, Posting, RolledBalance

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
    rows = LedgerAccount.objects.filter(mode=mode, merchant__isnull=False)
    if merchant_ids is not None:
        rows = rows.filter(merchant_id__in=list(merchant_ids))
    found: dict[tuple[str, str], Wallet] = {("INR", ""): Wallet("INR")}
    sums = rows.values_list("currency", "network", "kind").annotate(total=ExactSum("balance")).order_by()
    for currency, network, kind, total in sums:
        wallet = found.setdefault((currency, network), Wallet(currency, network))
        setattr(wallet, f"{kind}_minor", int(total or 0))
    return [found[key] for key in sorted(found, key=lambda key: (key[0] != "INR", key))]


def balance(account: LedgerAccount) -> int:
    """The balance now: kept on merchants' accounts, rolled up plus what came since on house accounts."""
    if account.merchant_id is not None:
        return account.balance
    rolled = RolledBalance.objects.filter(account=account).first()
    newer = Entry.objects.filter(account=account, id__gt=rolled.through_id if rolled else 0)
    total = newer.aggregate(total=ExactSum("amount"))["total"] or 0
    return int(total) + (rolled.balance if rolled else 0)


def balance_at(account: LedgerAccount, moment: datetime) -> int:
    """The balance as it stood at `moment`, entries of that very instant included."""
    rows = Entry.objects.filter(account=account, created_at__lte=moment)
    if account.merchant_id is not None:
        last = rows.order_by("-sequence").first()
        return last.balance_after or 0 if last else 0
    return int(rows.aggregate(total=ExactSum("amount"))["total"] or 0)


def visible_postings(viewer: Viewer) -> QuerySet[Posting]:
    """Newest first. An api_user has no ledger: it sees payments and payouts it made, not the merchant's books."""
    rows = Posting.objects.filter(mode=viewer.mode).order_by("-id")
    if viewer.user.role == Role.SUPER_ADMIN:
        return rows
    if viewer.user.role in (Role.ADMIN, Role.MERCHANT):
        return rows.filter(merchant__in=team_merchants(viewer.user))
    return rows.none()


# A posting's reference begins with what it is about, so that the unique index finds it.
_KINDS = {"pay": "payment", "pout": "payout", "refund": "refund"}


def entries_about(public_id: str) -> QuerySet[Entry]:
    """The entries of all postings about one payment, payout or refund, in the order they were booked."""
    kind = _KINDS.get(public_id.partition("_")[0], "")
    rows = Entry.objects.filter(posting__reference__startswith=f"{kind}:{public_id}:")
    return rows.select_related("posting", "account").order_by("id")
