"""Signs EVM transactions; only in the signer's process."""

from __future__ import annotations

from crypto.chains.base import Signed, Unsigned
from crypto.chains.curves import Evm

_FIELDS = ("chainId", "nonce", "to", "value", "data", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")


class EvmSigner:
    def address(self, private_key: bytes) -> str:
        return Evm().address(private_key)

    def sign(self, unsigned: Unsigned, private_key: bytes) -> Signed:
        """Raises `ValueError` if the key is not the sender's, or the chain is not told (it could be replayed)."""
        from eth_account import Account

        payload = unsigned.payload
        if self.address(private_key) != payload["sender"] or not payload["chainId"]:
            raise ValueError("this key is not the sender's, or no chain is named")
        fields = {name: payload[name] for name in _FIELDS if name in payload}
        signed = Account.sign_transaction(fields, private_key)
        return Signed(signed.raw_transaction.to_0x_hex(), signed.hash.to_0x_hex())
