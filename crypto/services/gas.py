"""Native coins in the books: 9 places, whatever the chain has. What a chain took as fees is booked rounded up.

`capital` is what the house brought, `gas` what was spent, `custody` what is left on our addresses together.
"""

from __future__ import annotations

from crypto import accounts
from crypto.models import Network, Outgoing
from gateway.lib.money import PLACES
from ledger.services import Line, post


def native_minor(network: Network, units: int, *, up: bool = False) -> int:
    """The chain's units as the ledger's, floored or (`up`) rounded up."""
    more = network.native_decimals - PLACES[network.native]
    scale = int(10 ** abs(more))
    if more <= 0:
        return units * scale
    return -(-units // scale) if up else units // scale


def native_units(network: Network, minor: int) -> int:
    """The ledger's units as the chain's. Raises `ValueError` where the chain has fewer places than `minor` needs."""
    more = network.native_decimals - PLACES[network.native]
    scale = int(10 ** abs(more))
    if more >= 0:
        return minor * scale
    units, rest = divmod(minor, scale)
    if rest:
        raise ValueError(f"must have at most {network.native_decimals} decimal places")
    return units


def book_fee(*, outgoing: Outgoing, fee: int) -> None:
    """What the chain took for a mined transaction of ours, once; nobody's fee but the house's."""
    minor = native_minor(outgoing.network, fee, up=True)
    if not minor:
        return
    network, mode = outgoing.network, outgoing.mode
    post(kind="crypto.gas", reference=f"crypto:gas:{outgoing.pk}", mode=mode, lines=[
        Line(accounts.custody(mode, network.native, network.code), minor),
        Line(accounts.gas(mode, network.native, network.code), -minor),
    ])
