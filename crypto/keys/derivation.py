"""From the seed to one private key: BIP-32 on secp256k1 for EVM and Tron, SLIP-10 on ed25519 for Solana."""

from __future__ import annotations

import hmac

from crypto.models.networks import Network

_HARDENED = 2**31


def private_key(seed: bytes, path: str, family: str) -> bytes:
    """32 bytes; on Solana an ed25519 seed."""
    if family == Network.Family.SOLANA:
        return slip10(seed, path)
    from eth_account.hdaccount import key_from_seed

    return bytes(key_from_seed(seed, path))


def slip10(seed: bytes, path: str) -> bytes:
    """Every level must be hardened: ed25519 has no other kind."""
    digest = hmac.digest(b"ed25519 seed", seed, "sha512")
    for level in path.split("/")[1:]:
        if not level.endswith("'"):
            raise ValueError("ed25519 keys have hardened levels only")
        number = (int(level[:-1]) + _HARDENED).to_bytes(4)
        digest = hmac.digest(digest[32:], b"\0" + digest[:32] + number, "sha512")
    return digest[:32]
