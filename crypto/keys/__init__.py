"""The gateway's keys, for the signer's process alone: everywhere else each of these functions raises `KeysForbidden`.

Private keys are derived for one call and never leave this package; callers name them by network, mode and index
(`HOT` is the hot wallet). Importing this package loads no key and no chain library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from crypto.chains.base import Signed, Unsigned
    from crypto.models.networks import Network

HOT = -1
SIGNER = "signer"


class KeysForbidden(Exception):
    """This process is not the signer."""


class KeysMissing(Exception):
    """The signer has no mnemonic, or one that is none. The message says what to set."""


def hot_address(network: Network, mode: str) -> str:
    return address_at(network, mode, HOT)


def address_at(network: Network, mode: str, index: int) -> str:
    """The deposit address number `index` (from 0), as the network spells it."""
    _only_the_signer()
    from crypto.keys import wallet

    return wallet.address_at(network, mode, index)


def sign(network: Network, mode: str, index: int, unsigned: Unsigned) -> Signed:
    """Signs what `Chain.build` made. Raises `ValueError` if key number `index` is not its sender's."""
    _only_the_signer()
    from crypto.keys import wallet

    return wallet.sign(network, mode, index, unsigned)


def _only_the_signer() -> None:
    if settings.PROCESS != SIGNER:
        raise KeysForbidden("Keys are for the signer's process alone (GATEWAY_PROCESS=signer).")
