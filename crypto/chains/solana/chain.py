"""A live Solana cluster at `finalized`: one node answers each question, and says that it has got so far.

`dead_after_height` counts blocks (as the cluster does), all other heights are slots; a slot without a block is shown as
the block before it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from crypto.chains.base import (
    Block,
    Fee,
    NodeError,
    NodeWrong,
    Payment,
    Receipt,
    Refused,
    Signed,
    Transfer,
    Unsigned,
)
from crypto.chains.nodes import Node, Nodes, RpcRefusal
from crypto.chains.solana import fees, scan
from crypto.chains.solana.balances import rent_paid, transfers_of
from crypto.chains.solana.programs import token_account
from crypto.models.networks import Network, Token

MAINNET = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
FINAL = scan.FINAL
_REASONS = (
    ("expired", ("blockhash not found", "block height exceeded", "has expired")),
    ("no_gas", ("insufficient funds for fee", "insufficientfundsforfee", "insufficient lamports",
                "no record of a prior credit", "insufficient funds for rent")),
)


class SolanaChain:
    uses_nonces = False

    def __init__(self, network: Network, mode: str, urls: list[str], genesis: str = MAINNET) -> None:
        self.network, self.mode, self._genesis = network, mode, genesis
        self.nodes = Nodes(network, mode, urls, self._check_chain)

    # Reading ------------------------------------------------------------------------------------------------
    def height(self) -> int:
        return self.nodes.ask(_height)

    def heights(self) -> Sequence[int | NodeError]:
        return self.nodes.ask_all(_height)

    def is_dead(self, dead_after_height: int) -> bool:
        return self.nodes.ask(lambda node: _number(node.rpc("getBlockHeight", [FINAL]))) > dead_after_height

    def check_again(self) -> None:
        self.nodes.check_again()

    def block(self, height: int) -> Block:
        return self.nodes.ask(lambda node: _block(node, height))

    def transfers(
        self, first: int, last: int, *, contracts: Collection[str], recipients: Collection[str]
    ) -> Sequence[Transfer]:
        wanted = scan.Wanted(frozenset(contracts), frozenset(recipients))
        return self.nodes.ask(lambda node: scan.transfers(node, first, last, wanted))

    def receipt(self, transaction_hash: str) -> Receipt | None:
        return self.nodes.ask(lambda node: _receipt(node, transaction_hash))

    def receipts(self, transaction_hash: str) -> Sequence[Receipt | NodeError | None]:
        return self.nodes.ask_all(lambda node: _receipt(node, transaction_hash))

    def knows(self, transaction_hash: str) -> bool:
        return self.nodes.ask(lambda node: _knows(node, transaction_hash))

    def token_balance(self, address: str, contract: str) -> int:
        return self.nodes.ask(lambda node: _token_balance(node, address, contract))

    def native_balance(self, address: str) -> int:
        return self.nodes.ask(lambda node: _number(node.rpc("getBalance", [address, FINAL])["value"]))

    def next_nonce(self, address: str) -> int:
        return 0

    # Sending ------------------------------------------------------------------------------------------------
    def fee(self, payment: Payment, *, beyond: Fee | None = None) -> Fee:
        """Raises `TooDear` above the network's ceiling."""
        return self.nodes.ask(lambda node: fees.fee(node, self.network, payment, beyond))

    def build(self, payment: Payment, *, nonce: int | None, fee: Fee) -> Unsigned:
        latest = self.nodes.ask(lambda node: node.rpc("getLatestBlockhash", [FINAL])["value"])
        payload = {
            "sender": payment.sender, "recipient": payment.recipient, "contract": payment.contract,
            "units": str(payment.units), "decimals": self._decimals(payment.contract), **fee.terms,
            "blockhash": latest["blockhash"], "memo": secrets.token_hex(8),
        }
        return Unsigned(payload, _number(latest["lastValidBlockHeight"]))

    def broadcast(self, signed: Signed) -> None:
        self.nodes.ask(lambda node: _send(node, signed))

    # Within -------------------------------------------------------------------------------------------------
    def _check_chain(self, node: Node) -> None:
        if node.rpc("getGenesisHash", []) != self._genesis:
            raise NodeWrong("is of another cluster")

    def _decimals(self, contract: str | None) -> int:
        if contract is None:
            return self.network.native_decimals
        return Token.objects.get(network=self.network, mode=self.mode, contract=contract).decimals


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise NodeWrong("answered no number")
    return value


def _height(node: Node) -> int:
    return node.saw_height(_number(node.rpc("getSlot", [FINAL])))


def _block(node: Node, slot: int) -> Block:
    if _number(node.rpc("getSlot", [FINAL])) < slot:
        raise NodeWrong(f"has not got to slot {slot}")
    filled = node.rpc("getBlocks", [max(slot - scan.LONGEST_GAP, 0), slot, FINAL])
    if not filled or filled[-1] > slot:
        raise NodeWrong(f"has no block near slot {slot}")
    found = scan.header(node, filled[-1])
    return Block(slot, found["blockhash"], found["previousBlockhash"], datetime.fromtimestamp(found["blockTime"], UTC))


def _receipt(node: Node, transaction_hash: str) -> Receipt | None:
    found = scan.transaction(node, transaction_hash)
    if found is None:
        return None
    if found["transaction"]["signatures"][0] != transaction_hash:
        raise NodeWrong("answered another transaction")
    slot, meta = _number(found["slot"]), found["meta"]
    block = scan.header(node, slot)
    return Receipt(
        transaction_hash, slot, block["blockhash"], datetime.fromtimestamp(block["blockTime"], UTC),
        meta["err"] is None, _number(meta["fee"]) + rent_paid(meta), int(meta.get("computeUnitsConsumed") or 0), 0,
        tuple(transfers_of(found, slot, block["blockhash"])),
    )


def _token_balance(node: Node, address: str, contract: str) -> int:
    account = token_account(address, contract)
    value = node.rpc("getAccountInfo", [account, {"encoding": "jsonParsed", **FINAL}])["value"]
    if value is None:
        return 0
    info = value["data"]["parsed"]["info"]
    if (info["mint"], info["owner"]) != (contract, address):
        raise NodeWrong(f"answered another account for {account}")
    return int(info["tokenAmount"]["amount"])


def _send(node: Node, signed: Signed) -> None:
    options = {"encoding": "base64", "preflightCommitment": "confirmed", "maxRetries": 5}
    try:
        answered = node.rpc("sendTransaction", [signed.raw, options])
    except RpcRefusal as refusal:
        _judge(node, signed, refusal)
        return
    if answered != signed.transaction_hash:
        raise NodeWrong("answered another transaction's signature")


def _knows(node: Node, transaction_hash: str) -> bool:
    asked = [[transaction_hash], {"searchTransactionHistory": True}]
    return node.rpc("getSignatureStatuses", asked)["value"][0] is not None


def _judge(node: Node, signed: Signed, refusal: RpcRefusal) -> None:
    """Returns if the cluster has it already; else raises why it will not take it."""
    said = f"{refusal.message} {refusal.data or ''}".lower()
    if "already been processed" in said or "alreadyprocessed" in said:
        return
    reason = next((reason for reason, words in _REASONS if any(word in said for word in words)), "other")
    if reason == "expired" and _knows(node, signed.transaction_hash):
        return  # its block hash is too old now, but it was mined in time
    raise Refused(refusal.message[:150], reason) from refusal
