"""Proves that the chain holds what the books say: for each network, mode and coin, what lies on our addresses together
equals the ledger's `custody`, give or take what is under way, each part of it named.

Under way are transfers that came and are not credited yet, transactions of ours that are mined and not booked yet, and
simulated coins that are promised and not minted yet. Dust (what the chain has more places for than the ledger) is
counted exactly for tokens; for coins that pay fees, less than one unit of the ledger is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog
from django.db.models import Q

from crypto import accounts, formats
from crypto.chains.base import Chain, NodeError
from crypto.chains.registry import chain_for, enabled_networks
from crypto.models import ChainState, ChainTransaction, DepositAddress, Endowment, Network, Outgoing, Token
from crypto.queries import hot_wallet
from crypto.services.gas import native_units
from crypto.services.outgoing import OPEN
from gateway.lib.modes import Mode
from gateway.lib.money import PLACES
from ledger.models import LedgerAccount
from ledger.queries import balance

log = structlog.get_logger(__name__)
_TRIES = 3


@dataclass(slots=True)
class Reckoning:
    """One coin on one network. Units are the chain's own; `parts` explain what the ledger does not have yet."""

    network: str
    mode: str
    currency: str
    decimals: int
    found: int  # on our addresses
    booked: int  # the ledger's custody
    tolerance: int = 0
    parts: dict[str, int] = field(default_factory=dict)
    trouble: str = ""

    @property
    def difference(self) -> int:
        return self.found - self.booked - sum(self.parts.values())

    @property
    def is_exact(self) -> bool:
        return not self.trouble and abs(self.difference) <= self.tolerance

    def __str__(self) -> str:
        def text(units: int) -> str:
            sign = "-" if units < 0 else ""
            return sign + formats.decimal_text(abs(units), self.decimals)

        if self.trouble:
            return f"{self.currency} on {self.network} ({self.mode}): cannot be told, {self.trouble}"
        named = "".join(f", {words} {text(units)}" for words, units in self.parts.items() if units)
        verdict = "exact" if self.is_exact else f"DIFFERS by {text(self.difference)}"
        held = f"on chain {text(self.found)}, in the books {text(self.booked)}"
        return f"{self.currency} on {self.network} ({self.mode}): {held}{named}: {verdict}"


def reconcile(modes: tuple[str, ...] = tuple(Mode.values), networks: tuple[str, ...] = ()) -> list[Reckoning]:
    """Every network with a hot wallet. Money moves while we look, so what differs is looked at again, thrice."""
    found = []
    for mode in modes:
        for network in enabled_networks(mode):
            if (not networks or network.code in networks) and hot_wallet(network, mode):
                found += _reconciled(network, mode)
    return found


def reconcile_nightly() -> int:
    bad = [each for each in reconcile() if not each.is_exact]
    for each in bad:
        log.error("chain_does_not_match_the_books", says=str(each))
    return len(bad)


def _reconciled(network: Network, mode: str) -> list[Reckoning]:
    rows: list[Reckoning] = []
    for _ in range(_TRIES):
        try:
            rows = list(_reckon(network, mode, chain_for(network, mode)))
        except (NodeError, LookupError) as error:
            trouble = str(error)[:200] or "no node answers"
            rows = [Reckoning(network.code, mode, network.native, 0, 0, 0, trouble=trouble)]
        if all(row.is_exact for row in rows):
            break
    return rows


def _reckon(network: Network, mode: str, chain: Chain) -> Iterator[Reckoning]:
    wallet = hot_wallet(network, mode)
    mined = _mined_and_open(network, mode, chain)
    for token in Token.objects.filter(network=network, mode=mode):
        yield _token(network, mode, chain, token, wallet, mined)
    yield _native(network, mode, chain, wallet, mined)


def _mined_and_open(network: Network, mode: str, chain: Chain) -> list[tuple[Outgoing, bool, int]]:
    """Transactions of ours that a block has and the books have not: with whether they moved anything, and their fee."""
    found = []
    rows = Outgoing.objects.filter(network=network, mode=mode, status__in=OPEN).prefetch_related("attempts")
    for row in rows:
        for attempt in row.attempts.all():
            receipt = chain.receipt(attempt.transaction_hash)
            if receipt is not None:
                found.append((row, receipt.succeeded and not attempt.cancels, receipt.fee))
    return found


def _token(
    network: Network, mode: str, chain: Chain, token: Token, wallet: str, mined: list[tuple[Outgoing, bool, int]]
) -> Reckoning:
    ever_used = Q(times_used__gt=0) | Q(received_minor__gt=0)
    used = DepositAddress.objects.filter(ever_used, network=network, mode=mode)
    addresses = list(used.values_list("address", flat=True))
    found = chain.token_balance(wallet, token.contract)
    found += sum(chain.token_balance(address, token.contract) for address in addresses)
    left = [row for row, moved, _ in mined if moved and row.token_id == token.pk]
    parts = {
        "dust": _dust(network, mode, token),
        "came, not credited yet": _not_credited(network, mode, chain, token, addresses),
        "gone, not booked yet": -sum(int(row.raw_units) for row in left if row.purpose in Outgoing.LEAVING),
        "promised, not minted yet": -formats.to_units(_promised(network, mode, token.currency), token.decimals),
    }
    booked = _units(-_custody(network, mode, token.currency), token.decimals)
    return Reckoning(network.code, mode, token.currency, token.decimals, found, booked, 0, parts)


def _units(minor: int, decimals: int) -> int:
    """The books may hold fractions of the chain's unit: fees are floored to it where they are charged."""
    if decimals >= formats.LEDGER_PLACES:
        return minor * int(10 ** (decimals - formats.LEDGER_PLACES))
    return int(minor // 10 ** (formats.LEDGER_PLACES - decimals))


def _custody(network: Network, mode: str, currency: str) -> int:
    account = LedgerAccount.objects.filter(code=accounts.custody(mode, currency, network.code).code).first()
    return balance(account) if account is not None else 0


def _dust(network: Network, mode: str, token: Token) -> int:
    """What confirmed transfers brought beyond the ledger's places."""
    rows = ChainTransaction.objects.filter(
        network=network, mode=mode, currency=token.currency, type=ChainTransaction.Type.INCOMING,
        status=ChainTransaction.Status.CONFIRMED, merchant__isnull=False,
    ).values_list("raw_units", "credited_minor")
    return sum(int(raw) - _units(minor, token.decimals) for raw, minor in rows.iterator())


def _not_credited(network: Network, mode: str, chain: Chain, token: Token, addresses: list[str]) -> int:
    """Transfers to our addresses that the watcher has seen and not credited (pending, or nobody's), or not seen yet."""
    seen = ChainTransaction.objects.filter(
        Q(status=ChainTransaction.Status.PENDING)
        | Q(status=ChainTransaction.Status.CONFIRMED, merchant__isnull=True),
        network=network, mode=mode, currency=token.currency, type=ChainTransaction.Type.INCOMING,
    )
    waiting = sum(int(raw) for raw in seen.values_list("raw_units", flat=True))
    state = ChainState.objects.filter(network=network, mode=mode).first()
    head = chain.height()
    if not addresses or state is None or state.scanned_height is None or state.scanned_height >= head:
        return waiting
    first = max(state.scanned_height + 1, head - network.scan_span)
    moved = chain.transfers(first, head, contracts=[token.contract], recipients=addresses)
    known = set(
        ChainTransaction.objects.filter(
            network=network, mode=mode, transaction_hash__in=[each.transaction_hash for each in moved]
        ).values_list("transaction_hash", "position")
    )
    return waiting + sum(each.units for each in moved if (each.transaction_hash, each.position) not in known)


def _promised(network: Network, mode: str, currency: str) -> int:
    rows = Endowment.objects.filter(network=network, mode=mode, currency=currency, transaction_hash="")
    return sum(rows.values_list("amount_minor", flat=True))


def _native(
    network: Network, mode: str, chain: Chain, wallet: str, mined: list[tuple[Outgoing, bool, int]]
) -> Reckoning:
    """Addresses that were ever given gas may hold the rest of it."""
    funded = DepositAddress.objects.filter(network=network, mode=mode, gas_fundings__isnull=False).distinct()
    found = chain.native_balance(wallet)
    found += sum(chain.native_balance(address) for address in funded.values_list("address", flat=True))
    scale = 10 ** max(network.native_decimals - PLACES[network.native], 0)
    booked = native_units_of(network, -_custody(network, mode, network.native))
    # Each fee is booked rounded up: what that was too much is still on chain.
    fees = [int(raw) for raw in _fees(network, mode)]
    gone = [row for row, moved, _ in mined if moved and row.token_id is None and row.purpose in Outgoing.LEAVING]
    parts = {
        "gone, not booked yet": -sum(int(row.raw_units) for row in gone),
        "fees not booked yet": -sum(fee for _, _, fee in mined),
        "roundings": sum(-(-fee // scale) * scale - fee for fee in fees),
    }
    return Reckoning(network.code, mode, network.native, network.native_decimals, found, booked, scale - 1, parts)


def native_units_of(network: Network, minor: int) -> int:
    return native_units(network, minor) if minor >= 0 else -native_units(network, -minor)


def _fees(network: Network, mode: str) -> Iterator[str]:
    rows = Outgoing.objects.filter(network=network, mode=mode).exclude(fee_raw__in=["", "0"])
    return iter(rows.values_list("fee_raw", flat=True).iterator())
