"""Signs Tron transactions that it encodes itself from the payment; only in the signer's process."""

from __future__ import annotations

from crypto.chains.base import Signed, Unsigned
from crypto.chains.curves import Tron
from crypto.chains.tron import encoding


class TronSigner:
    def address(self, private_key: bytes) -> str:
        return Tron().address(private_key)

    def sign(self, unsigned: Unsigned, private_key: bytes) -> Signed:
        """Raises `ValueError` if the key is not the sender's."""
        payload = unsigned.payload
        if self.address(private_key) != payload["sender"]:
            raise ValueError("this key is not the sender's")
        raw_data = _encoded(payload)
        signature = Tron().sign(raw_data, private_key)
        return Signed(encoding.signed_transaction(raw_data, signature).hex(), encoding.transaction_id(raw_data))


def _encoded(payload: dict[str, object]) -> bytes:
    terms = encoding.Terms(
        bytes.fromhex(str(payload["ref_block_bytes"])), bytes.fromhex(str(payload["ref_block_hash"])),
        int(str(payload["expiration"])), int(str(payload["timestamp"])), int(str(payload["fee_limit"])),
    )
    sender, recipient, units = str(payload["sender"]), str(payload["recipient"]), int(str(payload["units"]))
    if payload["contract"] is None:
        return encoding.native_transfer(sender, recipient, units, terms)
    return encoding.token_transfer(sender, recipient, str(payload["contract"]), units, terms)
