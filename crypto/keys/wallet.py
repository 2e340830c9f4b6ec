"""What the signer does with its keys: tell an address, sign a transaction. The seed is read on the first use."""

from __future__ import annotations

from functools import cache, lru_cache

from crypto.chains.base import Signed, Signer, Unsigned
from crypto.chains.curves import curve_of
from crypto.keys import KeysMissing, _only_the_signer
from crypto.keys.derivation import private_key
from crypto.keys.mnemonic import read_words, seed_of
from crypto.keys.paths import path_of
from crypto.models.networks import Network
from gateway.lib.modes import Mode

__all__ = ["KeysMissing", "address_at", "sign"]


@cache
def _seed() -> bytes:
    _only_the_signer()
    return seed_of(read_words())


def _key(network: Network, mode: str, index: int) -> bytes:
    return private_key(_seed(), path_of(network, mode, index), network.family)


def address_at(network: Network, mode: str, index: int) -> str:
    return _address(path_of(network, mode, index), network.family)


@lru_cache(maxsize=100)
def _address(path: str, family: str) -> str:
    """Deriving costs tens of milliseconds, and hot wallets are asked for all day."""
    return curve_of(family).address(private_key(_seed(), path, family))


def forget() -> None:
    """As if nothing had been read yet (tests)."""
    _seed.cache_clear()
    _address.cache_clear()


def sign(network: Network, mode: str, index: int, unsigned: Unsigned) -> Signed:
    return _signer(network, mode).sign(unsigned, _key(network, mode, index))


def _signer(network: Network, mode: str) -> Signer:
    if mode == Mode.TEST:
        from crypto.chains.simulated.signing import SimulatedSigner

        return SimulatedSigner(network.family)
    if network.family == Network.Family.EVM:
        from crypto.chains.evm.signing import EvmSigner

        return EvmSigner()
    if network.family == Network.Family.TRON:
        from crypto.chains.tron.signing import TronSigner

        return TronSigner()
    from crypto.chains.solana.signing import SolanaSigner

    return SolanaSigner()
