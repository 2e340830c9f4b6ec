"""Where in the key tree each address has its place. Never change what is here: money lies at these paths.

`m/44'/<coin>'/<account>'/<branch>/<index>`, all levels hardened on Solana. The account is of one network in one mode,
so that no two networks share an address: what somebody sends on the wrong network is then nobody else's payment.
"""

from __future__ import annotations

from crypto.keys import HOT
from crypto.models.networks import Network
from gateway.lib.modes import Mode

_COINS = {Network.Family.EVM.value: 60, Network.Family.TRON.value: 195, Network.Family.SOLANA.value: 501}
_DEPOSITS, _HOT = 0, 1
_MOST = 2**31


def path_of(network: Network, mode: str, index: int) -> str:
    """Such as `m/44'/60'/112'/0/7`: BSC, live, deposit address 7."""
    account = 2 * (network.chain_id or 0) + (mode == Mode.TEST)
    branch, place = (_HOT, 0) if index == HOT else (_DEPOSITS, index)
    if not (0 <= account < _MOST and 0 <= place < _MOST):
        raise ValueError("outside the key tree")
    hardened = "'" if network.family == Network.Family.SOLANA else ""
    return f"m/44'/{_COINS[network.family]}'/{account}'/{branch}{hardened}/{place}{hardened}"
