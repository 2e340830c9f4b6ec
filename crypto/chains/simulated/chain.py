"""The `Chain` that test mode runs on: as strict as a real node, and as forgetful when it is told to be."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import Any

from django.utils import timezone

from crypto import formats
from crypto.chains.base import Block, Fee, NodeTimeout, NodeWrong, Payment, Receipt, Refused, Signed, Transfer, Unsigned
from crypto.chains.simulated import blocks, faults, mining
from crypto.models.networks import Network
from crypto.models.simulated import SimulatedNetwork, SimulatedTransaction

# How many blocks a form without a nonce stays good.
LIFE_BLOCKS = 150


class SimulatedChain:
    def __init__(self, network: Network, mode: str) -> None:
        self.network, self.mode = network, mode
        self.uses_nonces = network.family == Network.Family.EVM

    # Reading ------------------------------------------------------------------------------------------------
    def height(self) -> int:
        chain, trouble = self._call("height")
        return faults.shown_height(chain, self._head(chain), trouble)

    def heights(self) -> Sequence[int]:
        return [self.height()]

    def is_dead(self, dead_after_height: int) -> bool:
        return self.height() > dead_after_height

    def check_again(self) -> None:
        """It is always the same one."""

    def block(self, height: int) -> Block:
        chain, _ = self._call("block")
        self._must_have(chain, height)
        hashes = blocks.block_hashes(chain, [height - 1, height])
        return Block(height, hashes[height], hashes[height - 1], blocks.block_time(chain, height))

    def transfers(
        self, first: int, last: int, *, contracts: Collection[str], recipients: Collection[str]
    ) -> Sequence[Transfer]:
        chain, _ = self._call("transfers")
        self._must_have(chain, last)
        wanted = {self._lookup(contract) for contract in contracts}
        to = {self._lookup(recipient) for recipient in recipients}
        rows = chain.transactions.filter(height__range=(first, last), succeeded=True).order_by("height", "position")
        return [move for move in self._transfers(chain, list(rows)) if move.contract in wanted and move.recipient in to]

    def receipt(self, transaction_hash: str) -> Receipt | None:
        chain, _ = self._call("receipt")
        row = self._find(chain, transaction_hash)
        if row is None or row.height is None or row.height > self._head(chain):
            return None
        return Receipt(
            row.hash, row.height, blocks.block_hashes(chain, [row.height])[row.height],
            blocks.block_time(chain, row.height), row.succeeded, int(row.fee), row.gas, row.price_paid,
            tuple(self._transfers(chain, [row])) if row.succeeded else (),
        )

    def receipts(self, transaction_hash: str) -> Sequence[Receipt | None]:
        return [self.receipt(transaction_hash)]

    def knows(self, transaction_hash: str) -> bool:
        chain, _ = self._call("knows")
        row = self._find(chain, transaction_hash)
        return row is not None and not row.gone

    def token_balance(self, address: str, contract: str) -> int:
        chain, _ = self._call("token_balance")
        self._head(chain)
        return mining.balance(chain, self._lookup(contract), self._lookup(address))

    def native_balance(self, address: str) -> int:
        chain, _ = self._call("native_balance")
        self._head(chain)
        return mining.balance(chain, "", self._lookup(address))

    def next_nonce(self, address: str) -> int:
        chain, _ = self._call("next_nonce")
        self._head(chain)
        return mining.next_nonce(chain, self._lookup(address)) if self.uses_nonces else 0

    # Sending ------------------------------------------------------------------------------------------------
    def fee(self, payment: Payment, *, beyond: Fee | None = None) -> Fee:
        chain, _ = self._call("fee")
        gas, price = mining.gas_terms(self.network, payment.contract is None)
        if self.uses_nonces:
            price = 2 * chain.gas_price
            if beyond is not None:
                price = max(price, -(-beyond.terms["gas_price"] * 1125 // 1000))
        return Fee({"gas": gas, "gas_price": price}, gas * price)

    def build(self, payment: Payment, *, nonce: int | None, fee: Fee) -> Unsigned:
        chain, _ = self._call("build")
        head = self._head(chain)
        dead_after = None if self.uses_nonces else head + LIFE_BLOCKS
        return Unsigned(
            {
                "network": self.network.code, "mode": self.mode, "family": self.network.family,
                "sender": payment.sender, "recipient": formats.clean_address(self.network, payment.recipient),
                "contract": payment.contract or "", "units": str(payment.units),
                "nonce": nonce if self.uses_nonces else None, **fee.terms,
                "recent": blocks.block_hashes(chain, [head])[head], "dead_after_height": dead_after,
                # It keeps two equal payments of one block apart, where no nonce does.
                "salt": secrets.token_hex(8),
            },
            dead_after,
        )

    def broadcast(self, signed: Signed) -> None:
        chain, trouble = self._call("broadcast")
        self._accept(chain, signed)
        self._head(chain)
        if trouble == "lost_answer":
            raise NodeTimeout("no answer within 10 s")

    def _accept(self, chain: SimulatedNetwork, signed: Signed) -> None:
        from crypto.chains.simulated.signing import opened

        payload = opened(self.network, self.mode, signed)
        with blocks.locked(chain) as chain:
            row = self._find(chain, signed.transaction_hash)
            if row is not None and not row.gone:
                return  # known already
            if row is None:
                row = self._row(chain, signed, payload)
            self._check(chain, row)
            row.gone = False
            row.save()

    def _row(self, chain: SimulatedNetwork, signed: Signed, payload: dict[str, Any]) -> SimulatedTransaction:
        sender, contract = self._lookup(str(payload["sender"])), self._lookup(str(payload["contract"]))
        move = [contract, sender, self._lookup(str(payload["recipient"])), str(payload["units"])]
        return SimulatedTransaction(
            chain=chain, hash=signed.transaction_hash, sender=sender, nonce=payload["nonce"], moves=[move],
            gas=payload["gas"], gas_price=payload["gas_price"], dead_after_height=payload["dead_after_height"],
            fails=bool(chain.faults.get("failing")),
        )

    def _check(self, chain: SimulatedNetwork, row: SimulatedTransaction) -> None:
        if row.dead_after_height is not None and self._head_unmined(chain) > row.dead_after_height:
            raise Refused("it has expired", "expired")
        if row.nonce is not None and row.nonce < mining.next_nonce(chain, row.sender):
            raise Refused("nonce too low", "nonce_used")
        if mining.balance(chain, "", row.sender) < mining.cost(chain, row):
            raise Refused("insufficient funds for gas", "no_gas")
        self._replace(chain, row)

    def _replace(self, chain: SimulatedNetwork, row: SimulatedTransaction) -> None:
        """Another one that waits with this nonce goes, if this one offers a tenth more."""
        if row.nonce is None:
            return
        rivals = chain.transactions.filter(sender=row.sender, nonce=row.nonce, height__isnull=True, gone=False)
        for rival in rivals:
            if row.gas_price * 10 < rival.gas_price * 11:
                raise Refused("replacement transaction underpriced", "underpriced")
            rival.gone = True
            rival.save(update_fields=["gone"])

    # Within -------------------------------------------------------------------------------------------------
    def _call(self, name: str) -> tuple[SimulatedNetwork, str]:
        chain = blocks.find_chain(self.network, self.mode)
        return chain, faults.strike(chain, name)

    def _head(self, chain: SimulatedNetwork) -> int:
        """The true height, after whatever waited has its block. The order of these steps is the guarantee."""
        era, now = blocks.keep_pace(chain), timezone.now()
        if era.block_seconds and self._some_wait(chain):
            mining.mine_by_clock(chain)
        return blocks.height_at(era, now)

    def _head_unmined(self, chain: SimulatedNetwork) -> int:
        return blocks.height_at(blocks.era_of(chain), timezone.now())

    def _some_wait(self, chain: SimulatedNetwork) -> bool:
        return chain.transactions.filter(height__isnull=True, gone=False).exists()

    def _must_have(self, chain: SimulatedNetwork, height: int) -> None:
        if height > self._head(chain) - chain.faults.get("lag", 0):
            raise NodeWrong(f"answered null for block {height}")

    def _find(self, chain: SimulatedNetwork, transaction_hash: str) -> SimulatedTransaction | None:
        return chain.transactions.filter(hash=transaction_hash).first()

    def _lookup(self, address: str) -> str:
        return formats.lookup_form(self.network, address)

    def _transfers(self, chain: SimulatedNetwork, rows: list[SimulatedTransaction]) -> list[Transfer]:
        hashes = blocks.block_hashes(chain, sorted({row.height for row in rows if row.height is not None}))
        found: list[Transfer] = []
        for row in rows:
            assert row.height is not None
            tokens = [move for move in row.moves if move[0]]
            found += [
                Transfer(row.hash, position, row.height, hashes[row.height], contract, sender, recipient, int(units))
                for position, (contract, sender, recipient, units) in enumerate(tokens) if int(units) > 0
            ]
        return found
