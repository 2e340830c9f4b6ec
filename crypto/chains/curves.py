"""Each family's keys: a private key's address, a signature, and whether a signature is an address's own.

EVM and Tron share secp256k1 and differ in the digest and in how an address is written; Solana is ed25519. Nothing
here keeps a key: it is given for one call.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

from Crypto.Hash import keccak

from crypto import base58
from crypto.formats import checksummed
from crypto.models.networks import Network


class Curve(Protocol):
    def address(self, private_key: bytes) -> str: ...

    def sign(self, message: bytes, private_key: bytes) -> bytes: ...

    def is_signed(self, message: bytes, signature: bytes, address: str) -> bool: ...


def keccak256(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


class Evm:
    """Signatures are r, s, v (v is 0 or 1) over Keccak-256."""

    def digest(self, message: bytes) -> bytes:
        return keccak256(message)

    def spell(self, address: bytes) -> str:
        return checksummed("0x" + address.hex())

    def address(self, private_key: bytes) -> str:
        from eth_keys.datatypes import PrivateKey

        return self.spell(PrivateKey(private_key).public_key.to_canonical_address())

    def sign(self, message: bytes, private_key: bytes) -> bytes:
        from eth_keys.datatypes import PrivateKey

        return bytes(PrivateKey(private_key).sign_msg_hash(self.digest(message)).to_bytes())

    def is_signed(self, message: bytes, signature: bytes, address: str) -> bool:
        from eth_keys.datatypes import Signature
        from eth_keys.exceptions import BadSignature

        try:
            signed = Signature(signature_bytes=signature)
            owner = signed.recover_public_key_from_msg_hash(self.digest(message))
        except BadSignature:
            return False
        return self.spell(owner.to_canonical_address()) == address


class Tron(Evm):
    """As EVM, over SHA-256, with addresses in base58check."""

    def digest(self, message: bytes) -> bytes:
        return sha256(message).digest()

    def spell(self, address: bytes) -> str:
        return base58.encode_check(b"\x41" + address)


class Solana:
    """Private keys are the 32 bytes of an ed25519 seed."""

    def address(self, private_key: bytes) -> str:
        from solders.keypair import Keypair

        return str(Keypair.from_seed(private_key).pubkey())

    def sign(self, message: bytes, private_key: bytes) -> bytes:
        from solders.keypair import Keypair

        return bytes(Keypair.from_seed(private_key).sign_message(message))

    def is_signed(self, message: bytes, signature: bytes, address: str) -> bool:
        from solders.pubkey import Pubkey
        from solders.signature import Signature

        return len(signature) == 64 and Signature.from_bytes(signature).verify(Pubkey.from_string(address), message)


_CURVES: dict[str, Curve] = {
    Network.Family.EVM.value: Evm(), Network.Family.TRON.value: Tron(), Network.Family.SOLANA.value: Solana()
}


def curve_of(family: str) -> Curve:
    return _CURVES[family]
