"""Signatures of the simulated chain: its own plain form, under keys and addresses of the network's real family."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from crypto import base58
from crypto.chains.base import Refused, Signed, Unsigned
from crypto.chains.curves import curve_of
from crypto.models.networks import Network


class SimulatedSigner:
    def __init__(self, family: str) -> None:
        self._curve = curve_of(family)

    def address(self, private_key: bytes) -> str:
        return self._curve.address(private_key)

    def sign(self, unsigned: Unsigned, private_key: bytes) -> Signed:
        """Raises `ValueError` if the key is not the sender's."""
        payload = unsigned.payload
        if self.address(private_key) != payload["sender"]:
            raise ValueError("this key is not the sender's")
        signature = self._curve.sign(_message(payload), private_key)
        raw = json.dumps({"payload": payload, "signature": signature.hex()}, sort_keys=True, separators=(",", ":"))
        return Signed(raw, _hash(payload, signature))


def opened(network: Network, mode: str, signed: Signed) -> dict[str, Any]:
    """What was signed; raises `Refused` unless the sender's key signed exactly this, for this chain."""
    try:
        envelope = json.loads(signed.raw)
        payload, signature = envelope["payload"], bytes.fromhex(envelope["signature"])
        known = curve_of(network.family).is_signed(_message(payload), signature, payload["sender"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("not a transaction") from error
    if not known or (payload["network"], payload["mode"]) != (network.code, mode):
        raise Refused("invalid signature, or of another chain")
    if _hash(payload, signature) != signed.transaction_hash:
        raise Refused("its hash is another")
    return dict(payload)


def _message(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()


def _hash(payload: dict[str, Any], signature: bytes) -> str:
    if payload["family"] == Network.Family.SOLANA:
        return base58.encode(signature)  # as there, a transaction is named by its signature
    digest = sha256(_message(payload) + signature).hexdigest()
    return digest if payload["family"] == Network.Family.TRON else f"0x{digest}"
