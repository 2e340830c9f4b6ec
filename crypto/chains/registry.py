"""Which networks are on, and the chain behind each: simulated in test mode, RPC nodes from the environment in live.

Light to import: an adapter's library is loaded when its first chain is made.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings

from crypto.chains.base import Chain
from crypto.models.networks import Network, Token
from gateway.lib.modes import Mode


def enabled_networks(mode: str) -> list[Network]:
    """In test mode all of them; in live mode those that `CRYPTO_NETWORKS` names."""
    networks = Network.objects.all()
    return list(networks if mode == Mode.TEST else networks.filter(code__in=settings.CRYPTO_RPC))


def is_enabled(network: Network | str, mode: str) -> bool:
    code = network if isinstance(network, str) else network.code
    return mode == Mode.TEST or code in settings.CRYPTO_RPC


def token_for(network: Network | str, mode: str, currency: str) -> Token | None:
    """The token of this currency there; None if there is none, or it is off."""
    code = network if isinstance(network, str) else network.code
    tokens = Token.objects.select_related("network")
    return tokens.filter(network_id=code, mode=mode, currency=currency, active=True).first()


def tokens_on(network: Network | str, mode: str) -> list[Token]:
    code = network if isinstance(network, str) else network.code
    return list(Token.objects.select_related("network").filter(network_id=code, mode=mode, active=True))


def chain_for(network: Network, mode: str) -> Chain:
    """Raises `LookupError` for a live network that is not on."""
    if mode == Mode.TEST:
        from crypto.chains.simulated.chain import SimulatedChain

        return SimulatedChain(network, mode)
    urls = settings.CRYPTO_RPC.get(network.code)
    if not urls:
        raise LookupError(f"{network.code} is not on: CRYPTO_NETWORKS does not name it")
    return _live(network.code, mode, tuple(urls))


@cache
def _live(code: str, mode: str, urls: tuple[str, ...]) -> Chain:
    """Kept for the life of the process: it remembers which of its nodes are well, and keeps its connections."""
    network = Network.objects.get(code=code)
    if network.family == Network.Family.EVM:
        from crypto.chains.evm.chain import EvmChain

        return EvmChain(network, mode, list(urls))
    if network.family == Network.Family.TRON:
        from crypto.chains.tron.chain import TronChain

        return TronChain(network, mode, list(urls))
    from crypto.chains.solana.chain import SolanaChain

    return SolanaChain(network, mode, list(urls))
