"""What operators and merchants see of money on its way out. The house's own wallets are a super admin's alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import history
from accounts.actors import Viewer, scope
from accounts.history import TimelineItem
from accounts.models import Merchant, Role, SettlementAccount
from crypto import accounts
from crypto.chains.registry import enabled_networks
from crypto.models import HotWallet, Network, Outgoing, Sender, Sweep, Token, Withdrawal, WithdrawalAddress
from crypto.queries.withdrawals import visible_withdrawals
from crypto.services.outgoing import OPEN
from crypto.services.outgoing_vanished import GONE
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from ledger.models import Entry, LedgerAccount
from ledger.queries import balance

Waits = Outgoing.Waits
_BY_PEOPLE = (Waits.REFUSED, Waits.KEYS, Waits.STOPPED)
# Sweeps bring what a withdrawal waits for within minutes.
_PATIENCE = timedelta(minutes=15)
_TITLES = {
    "withdrawal.created": "Asked for, amount held",
    "withdrawal.approved": "Approved",
    "withdrawal.rejected": "Rejected",
    "withdrawal.processing": "On its way",
    "withdrawal.completed": "Completed",
    "withdrawal.failed": "Failed, money released",
    "withdrawal.vanished": "Its transaction left the chain",
    "withdrawal.returned": "Its transaction is in the chain again",
    "withdrawal.put_aside": "Settled by an operator",
}


def panel_withdrawals(viewer: Viewer) -> QuerySet[Withdrawal]:
    """Newest first, with everything that a page shows of them."""
    return visible_withdrawals(viewer).select_related(
        "merchant", "network", "outgoing__network", "payout", "created_by", "approved_by"
    )


def waiting_withdrawals(viewer: Viewer) -> QuerySet[Withdrawal]:
    """Oldest first: those that an operator must decide about."""
    rows = panel_withdrawals(viewer).filter(
        status=Withdrawal.Status.PENDING, needs_approval=True, approved_at__isnull=True
    )
    return rows.order_by("created_at", "id")


def search_withdrawals(rows: QuerySet[Withdrawal], text: str) -> QuerySet[Withdrawal]:
    """Withdrawals whose number, address, transaction hash or note has `text` in it."""
    text = text.strip()
    if not text:
        return rows
    if "\0" in text:
        return rows.none()
    found = Q(address__icontains=text) | Q(note__icontains=text) | Q(outgoing__transaction_hash__iexact=text)
    number = text.removeprefix("withdrawal-")
    if number.isascii() and number.isdigit() and len(number) < 18:
        found |= Q(pk=int(number))
    return rows.filter(found)


def withdrawal_history(row: Withdrawal) -> list[TimelineItem]:
    return history.timeline([row.public_id], _TITLES)


def entries_of(row: Withdrawal) -> QuerySet[Entry]:
    """All that was booked about a withdrawal, in the order it was."""
    rows = Entry.objects.filter(posting__reference__startswith=f"crypto:withdrawal:{row.pk}:")
    return rows.select_related("posting", "account").order_by("id")


def visible_addresses(viewer: Viewer) -> QuerySet[WithdrawalAddress]:
    """The present list, oldest first."""
    rows = scope(WithdrawalAddress.objects.select_related("merchant", "network", "created_by"), viewer)
    return rows.filter(removed_at__isnull=True).order_by("network__position", "created_at", "id")


def visible_settlement_account(viewer: Viewer, merchant: Merchant) -> SettlementAccount | None:
    rows = scope(SettlementAccount.objects.select_related("created_by"), viewer)
    return rows.filter(merchant=merchant, replaced_at__isnull=True).first()


# The house's wallets ---------------------------------------------------------------------------------------
@dataclass(slots=True)
class WalletView:
    """One network's hot wallet with what the books say lies on our addresses there, deposit addresses included."""

    network: Network
    address: str
    custody: list[Money] = field(default_factory=list)
    gas_spent: Money | None = None
    sender: Sender | None = None
    on_the_way: int = 0


def wallet_views(viewer: Viewer) -> list[WalletView]:
    """Of the networks that are on, in their order. Nothing for anybody but a super admin."""
    if viewer.user.role != Role.SUPER_ADMIN:
        return []
    mode = viewer.mode
    wallets = dict(HotWallet.objects.filter(mode=mode).values_list("network_id", "address"))
    return [_wallet_view(network, mode, wallets.get(network.code, "")) for network in enabled_networks(mode)]


def _wallet_view(network: Network, mode: str, address: str) -> WalletView:
    tokens = Token.objects.filter(network=network, mode=mode).values_list("currency", flat=True)
    view = WalletView(network, address)
    for currency in [*tokens.order_by("pk"), network.native]:
        view.custody.append(Money(-_booked(accounts.custody(mode, currency, network.code).code), currency))
    view.gas_spent = Money(-_booked(accounts.gas(mode, network.native, network.code).code), network.native)
    view.sender = Sender.objects.filter(network=network, mode=mode, address=address).first()
    view.on_the_way = Outgoing.objects.filter(network=network, mode=mode, status__in=OPEN).count()
    return view


def _booked(code: str) -> int:
    account = LedgerAccount.objects.filter(code=code).first()
    return balance(account) if account is not None else 0


def visible_outgoing(viewer: Viewer) -> QuerySet[Outgoing]:
    """Everything that is or was sent in the viewer's mode, newest first. A super admin's alone."""
    rows = Outgoing.objects.filter(mode=viewer.mode).select_related(
        "network", "token__network", "withdrawal__merchant", "sweep__merchant", "sweep__address", "gas_funding__address"
    )
    if viewer.user.role != Role.SUPER_ADMIN:
        return rows.none()
    return rows.order_by("-created_at", "-id")


def wait_words(row: Outgoing) -> str:
    """Whether what it waits for comes without anybody's doing: real coin is sent to a hot wallet by people alone."""
    by_people = row.waits_for in _BY_PEOPLE or (row.waits_for == Waits.GAS and row.mode == Mode.LIVE)
    return "It waits until somebody acts." if by_people else "It waits, and goes on by itself."


def for_people(now: datetime) -> Q:
    """Of intents: those that are odd, and those that could not be signed for so long that it will not pass by itself.
    A stopped sender is told for itself."""
    lacks = Q(status=Outgoing.Status.WAITING, created_at__lt=now - _PATIENCE)
    return Q(status__in=OPEN) & ~Q(flag="") | GONE | lacks & ~Q(waits_for__in=["", Waits.TURN, Waits.STOPPED])


def odd_outgoing(viewer: Viewer) -> QuerySet[Outgoing]:
    """What a person must look at."""
    return visible_outgoing(viewer).filter(for_people(timezone.now()))


def stopped_senders(viewer: Viewer) -> QuerySet[Sender]:
    """Addresses that nothing is signed for until somebody has looked."""
    rows = Sender.objects.filter(mode=viewer.mode, stopped_at__isnull=False).select_related("network")
    return rows if viewer.user.role == Role.SUPER_ADMIN else rows.none()


def visible_sweeps(viewer: Viewer) -> QuerySet[Sweep]:
    """Newest first; a super admin's alone, since what they cost is the house's."""
    rows = Sweep.objects.filter(mode=viewer.mode).select_related(
        "address__network", "token", "merchant", "outgoing", "funding__outgoing"
    )
    return rows.order_by("-created_at", "-id") if viewer.user.role == Role.SUPER_ADMIN else rows.none()
