"""A live EVM chain. Transfers are found by log filters and believed only as their transactions' receipts tell them.

A range counts when one node answered all of it, in one request that also proved that it has the range's last block; a
range that is too large for the node is halved. The adapter reads no private key and signs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from web3 import Web3
from web3.exceptions import TransactionNotFound

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
from crypto.chains.evm import fees
from crypto.chains.evm.events import check_logs, topic_of, transfers_of
from crypto.chains.evm.provider import ask, ask_all
from crypto.chains.evm.topics import TRANSFER
from crypto.chains.http import TooLarge
from crypto.chains.nodes import Node, Nodes, RpcRefusal
from crypto.formats import checksummed
from crypto.models.networks import Network

T = TypeVar("T")
_RECIPIENTS_AT_ONCE = 400
_KNOWN = ("already known", "known transaction", "already imported", "already exists", "alreadyknown")
_REASONS = (
    ("nonce_used", ("nonce too low", "nonce is too low", "old nonce", "invalid nonce")),
    ("no_gas", ("insufficient funds", "not have enough funds", "insufficient balance", "sender doesn't have enough")),
    ("underpriced", ("underpriced", "fee too low", "gas price too low", "less than block base fee", "tip cap")),
)


class EvmChain:
    uses_nonces = True

    def __init__(self, network: Network, mode: str, urls: list[str]) -> None:
        self.network = network
        self.nodes = Nodes(network, mode, urls, self._check_chain)

    # Reading ------------------------------------------------------------------------------------------------
    def height(self) -> int:
        return self.nodes.ask(_height)

    def heights(self) -> Sequence[int | NodeError]:
        return self.nodes.ask_all(_height)

    def is_dead(self, dead_after_height: int) -> bool:
        return False  # only another transaction with its nonce ends one

    def check_again(self) -> None:
        self.nodes.check_again()

    def block(self, height: int) -> Block:
        return self._ask(lambda w3: _block(w3.eth.get_block(height), height))

    def transfers(
        self, first: int, last: int, *, contracts: Collection[str], recipients: Collection[str]
    ) -> Sequence[Transfer]:
        wanted = sorted({contract.lower() for contract in contracts})
        found = [
            transfer
            for chunk in _chunks(sorted({recipient.lower() for recipient in recipients}))
            for transfer in self._range(first, last, wanted, chunk)
        ]
        return sorted(found, key=lambda transfer: (transfer.height, transfer.transaction_hash, transfer.position))

    def receipt(self, transaction_hash: str) -> Receipt | None:
        return self._ask(lambda w3: _receipt(w3, transaction_hash))

    def receipts(self, transaction_hash: str) -> Sequence[Receipt | NodeError | None]:
        return ask_all(self.nodes, lambda w3: _receipt(w3, transaction_hash))

    def knows(self, transaction_hash: str) -> bool:
        return self._ask(lambda w3: _transaction(w3, transaction_hash) is not None)

    def token_balance(self, address: str, contract: str) -> int:
        return self._ask(lambda w3: _balance_of(w3, address, contract))

    def native_balance(self, address: str) -> int:
        return self._ask(lambda w3: int(w3.eth.get_balance(w3.to_checksum_address(address))))

    def next_nonce(self, address: str) -> int:
        return self._ask(lambda w3: int(w3.eth.get_transaction_count(w3.to_checksum_address(address), "latest")))

    # Sending ------------------------------------------------------------------------------------------------
    def fee(self, payment: Payment, *, beyond: Fee | None = None) -> Fee:
        """Raises `Refused` for a payment that would fail, and `TooDear` above the network's ceiling."""
        return self._ask(lambda w3: fees.fee(w3, self.network, payment, beyond))

    def build(self, payment: Payment, *, nonce: int | None, fee: Fee) -> Unsigned:
        assert nonce is not None, "an EVM transaction has a nonce"
        return Unsigned({
            "sender": checksummed(payment.sender), "chainId": self.network.chain_id, "nonce": nonce,
            **fees.call_of(payment), **fee.terms,
        })

    def broadcast(self, signed: Signed) -> None:
        self._ask(lambda w3: _send(w3, signed))

    # Within -------------------------------------------------------------------------------------------------
    def _ask(self, question: Callable[[Web3], T]) -> T:
        return ask(self.nodes, question)

    def _check_chain(self, node: Node) -> None:
        chain_id = int(node.rpc("eth_chainId", []), 16)
        if chain_id != self.network.chain_id:
            raise NodeWrong(f"is of chain {chain_id}, not {self.network.chain_id}")

    def _range(self, first: int, last: int, contracts: list[str], recipients: list[str]) -> list[Transfer]:
        try:
            return self._ask(lambda w3: _transfers(w3, first, last, contracts, recipients))
        except TooLarge:
            if first == last:
                raise
        middle = (first + last) // 2
        halves = ((first, middle), (middle + 1, last))
        return [transfer for half in halves for transfer in self._range(*half, contracts, recipients)]


def _height(node: Node) -> int:
    return node.saw_height(int(node.rpc("eth_blockNumber", []), 16))


def _chunks(items: list[str]) -> Iterator[list[str]]:
    left = iter(items)
    while chunk := list(islice(left, _RECIPIENTS_AT_ONCE)):
        yield chunk


def _transfers(w3: Web3, first: int, last: int, contracts: list[str], recipients: list[str]) -> list[Transfer]:
    filters: Any = {
        "fromBlock": first, "toBlock": last, "address": [checksummed(contract) for contract in contracts],
        "topics": ["0x" + TRANSFER.hex(), None, [topic_of(recipient) for recipient in recipients]],
    }
    with w3.batch_requests() as batch:
        batch.add(w3.eth.get_logs(filters))
        batch.add(w3.eth.get_block(last))
        answers: list[Any] = batch.execute()
    logs, block = answers
    if logs is None or block is None:
        raise NodeWrong(f"answered null for blocks up to {last}")
    check_logs(logs, first, last, _block(block, last).hash)
    found = []
    for transaction_hash in sorted({log["transactionHash"].to_0x_hex() for log in logs}):
        found += _received(w3, transaction_hash, logs, contracts, recipients)
    return found


def _received(
    w3: Web3, transaction_hash: str, logs: Any, contracts: list[str], recipients: list[str]
) -> list[Transfer]:
    """What its receipt says came to us; it must be in the block that the logs are of."""
    receipt = w3.eth.get_transaction_receipt(transaction_hash)  # type: ignore[arg-type]
    blocks = {log["blockHash"] for log in logs if log["transactionHash"].to_0x_hex() == transaction_hash}
    if blocks != {receipt["blockHash"]} or receipt["status"] != 1:
        raise NodeWrong(f"answered a log of {transaction_hash} that its receipt denies")
    return [
        transfer for transfer in transfers_of(receipt)
        if transfer.contract in contracts and transfer.recipient in recipients and transfer.units > 0
    ]


def _block(block: Any, height: int) -> Block:
    if block is None or block["number"] != height:
        raise NodeWrong(f"answered null or another block for {height}")
    return Block(
        height, block["hash"].to_0x_hex(), block["parentHash"].to_0x_hex(),
        datetime.fromtimestamp(block["timestamp"], UTC),
    )


def _receipt(w3: Web3, transaction_hash: str) -> Receipt | None:
    """Receipts from before 2017 have no status: nothing is said to have succeeded."""
    try:
        found = w3.eth.get_transaction_receipt(transaction_hash)  # type: ignore[arg-type]
    except TransactionNotFound:
        return None
    if found["transactionHash"].to_0x_hex() != transaction_hash:
        raise NodeWrong("answered the receipt of another transaction")
    block = _block(w3.eth.get_block(found["blockHash"]), found["blockNumber"])
    price = found.get("effectiveGasPrice", 0)
    return Receipt(
        transaction_hash, block.height, block.hash, block.time, found.get("status") == 1,
        found["gasUsed"] * price, found["gasUsed"], price, tuple(transfers_of(found)),
    )


def _transaction(w3: Web3, transaction_hash: str) -> Any:
    try:
        return w3.eth.get_transaction(transaction_hash)  # type: ignore[arg-type]
    except TransactionNotFound:
        return None


def _balance_of(w3: Web3, address: str, contract: str) -> int:
    data = "0x70a08231" + topic_of(address)[2:]
    answer = w3.eth.call({"to": checksummed(contract), "data": data})  # type: ignore[typeddict-item]
    if len(answer) != 32:
        raise NodeWrong(f"has no token contract at {contract}")
    return int.from_bytes(answer)


def _send(w3: Web3, signed: Signed) -> None:
    try:
        answered = w3.eth.send_raw_transaction(signed.raw)  # type: ignore[arg-type]
    except RpcRefusal as refusal:
        _judge(w3, signed, refusal.message)
        return
    if answered.to_0x_hex() != signed.transaction_hash:
        raise NodeWrong("answered another transaction's hash")


def _judge(w3: Web3, signed: Signed, message: str) -> None:
    """Returns if the node has it already; else raises why it will not take it."""
    lower = message.lower()
    if any(word in lower for word in _KNOWN):
        return
    reason = next((reason for reason, words in _REASONS if any(word in lower for word in words)), "other")
    if reason == "nonce_used" and _transaction(w3, signed.transaction_hash) is not None:
        return  # its own nonce: it was mined
    raise Refused(message[:150], reason)
