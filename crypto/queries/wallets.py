"""Where sweeps go and withdrawals come from, as the signer told it."""

from __future__ import annotations

from crypto.models import HotWallet, Network


def hot_wallet(network: Network | str, mode: str) -> str:
    """Where sweeps go and withdrawals come from; empty until a signer has started once."""
    code = network if isinstance(network, str) else network.code
    return HotWallet.objects.filter(network_id=code, mode=mode).values_list("address", flat=True).first() or ""
