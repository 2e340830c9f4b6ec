"""Signs Solana transactions that it builds itself from the payment; only in the signer's process."""

from __future__ import annotations

import base64

from crypto.chains.base import Signed, Unsigned
from crypto.chains.curves import Solana


class SolanaSigner:
    def address(self, private_key: bytes) -> str:
        return Solana().address(private_key)

    def sign(self, unsigned: Unsigned, private_key: bytes) -> Signed:
        """Raises `ValueError` if the key is not the sender's."""
        from solders.keypair import Keypair
        from solders.transaction import Transaction

        from crypto.chains.solana.programs import message_of

        if self.address(private_key) != unsigned.payload["sender"]:
            raise ValueError("this key is not the sender's")
        message = message_of(unsigned.payload)
        signed = Transaction([Keypair.from_seed(private_key)], message, message.recent_blockhash)
        return Signed(base64.b64encode(bytes(signed)).decode(), str(signed.signatures[0]))
