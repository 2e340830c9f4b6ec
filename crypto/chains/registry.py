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
    """The token that new business there is done in; None if there is none, or it is off."""
    token = known_token(network, mode, currency)
    return token if token is not None and token.active else None


def known_token(network: Network | str, mode: str, currency: str) -> Token | None:
    """Whether it is on or off: for money that was asked for, came or is owed while it was on."""
    code = network if isinstance(network, str) else network.code
    return Token.objects.select_related("network").filter(network_id=code, mode=mode, currency=currency).first()


def known_tokens(network: Network | str, mode: str) -> list[Token]:
    """Those that are off as well: their money may come to our addresses for ever, and is the merchant's."""
    code = network if isinstance(network, str) else network.code
    return list(Token.objects.select_related("network").filter(network_id=code, mode=mode).order_by("pk"))


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
