"""A live Tron chain. Transfers are read from the receipts of whole blocks, block by block.

An empty list of receipts is believed only for a block that the same node shows to be empty. A form is good until its
expiration; since blocks come every three seconds at most, the height tells for certain when it is dead.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from crypto.chains.base import (
    Block,
    Fee,
    NodeBusy,
    NodeError,
    NodeWrong,
    Payment,
    Receipt,
    Refused,
    Signed,
    Transfer,
    Unsigned,
)
from crypto.chains.evm.topics import TRANSFER
from crypto.chains.nodes import Node, Nodes
from crypto.chains.tron import encoding, fees
from crypto.models.networks import Network

LIFE_SECONDS, BLOCK_SECONDS = 300, 3
_KNOWN = "DUP_TRANSACTION_ERROR"
_LATER = ("SERVER_BUSY", "NO_CONNECTION", "NOT_ENOUGH_EFFECTIVE_CONNECTION", "BLOCK_UNSOLIDIFIED")
_REASONS = {"TRANSACTION_EXPIRATION_ERROR": "expired", "TAPOS_ERROR": "expired", "BANDWITH_ERROR": "no_gas"}


class TronChain:
    uses_nonces = False

    def __init__(self, network: Network, mode: str, urls: list[str], genesis: str = fees.MAINNET) -> None:
        self.network, self._genesis = network, genesis
        self.nodes = Nodes(network, mode, urls, self._check_chain)

    # Reading ------------------------------------------------------------------------------------------------
    def height(self) -> int:
        return self.nodes.ask(_height)

    def heights(self) -> Sequence[int | NodeError]:
        return self.nodes.ask_all(_height)

    def is_dead(self, dead_after_height: int) -> bool:
        return self.height() > dead_after_height

    def check_again(self) -> None:
        self.nodes.check_again()

    def block(self, height: int) -> Block:
        return self.nodes.ask(lambda node: _block(node, height))

    def transfers(
        self, first: int, last: int, *, contracts: Collection[str], recipients: Collection[str]
    ) -> Sequence[Transfer]:
        wanted, to = frozenset(contracts), frozenset(recipients)
        if not wanted or not to:
            return []  # reading whole blocks for nobody would cost the node's limit
        return self.nodes.ask(lambda node: _transfers(node, first, last, wanted, to))

    def receipt(self, transaction_hash: str) -> Receipt | None:
        return self.nodes.ask(lambda node: _receipt(node, transaction_hash))

    def receipts(self, transaction_hash: str) -> Sequence[Receipt | NodeError | None]:
        return self.nodes.ask_all(lambda node: _receipt(node, transaction_hash))

    def knows(self, transaction_hash: str) -> bool:
        return self.nodes.ask(lambda node: _knows(node, transaction_hash))

    def token_balance(self, address: str, contract: str) -> int:
        return self.nodes.ask(lambda node: fees.balance_of(node, address, contract))

    def native_balance(self, address: str) -> int:
        return self.nodes.ask(lambda node: int(fees.ask(node, "/wallet/getaccount", address=address).get("balance", 0)))

    def next_nonce(self, address: str) -> int:
        return 0

    # Sending ------------------------------------------------------------------------------------------------
    def fee(self, payment: Payment, *, beyond: Fee | None = None) -> Fee:
        """Raises `Refused` for a payment that would fail, and `TooDear` above the network's ceiling."""
        return self.nodes.ask(lambda node: fees.fee(node, self.network, payment))

    def build(self, payment: Payment, *, nonce: int | None, fee: Fee) -> Unsigned:
        head = self.nodes.ask(_head)
        expiration = int(head.time.timestamp() * 1000) + LIFE_SECONDS * 1000
        payload = {
            "sender": payment.sender, "recipient": payment.recipient, "contract": payment.contract,
            "units": str(payment.units), "fee_limit": fee.terms["fee_limit"], "expiration": expiration,
            # Nothing reads it; it keeps two equal payments of one moment apart.
            "timestamp": time.time_ns() // 1000 * 1000 + secrets.randbelow(1000),
            "ref_block_bytes": (head.height & 0xFFFF).to_bytes(2).hex(), "ref_block_hash": head.hash[16:32],
        }
        return Unsigned(payload, head.height + LIFE_SECONDS // BLOCK_SECONDS)

    def broadcast(self, signed: Signed) -> None:
        self.nodes.ask(lambda node: _send(node, signed))

    # Within -------------------------------------------------------------------------------------------------
    def _check_chain(self, node: Node) -> None:
        genesis = _header(node, "0")["blockID"]
        if genesis != self._genesis:
            raise NodeWrong("is of another chain: its first block is another")


def _header(node: Node, height: str = "") -> dict[str, Any]:
    asked: dict[str, Any] = {"id_or_num": height} if height else {}
    found = fees.ask(node, "/wallet/getblock", detail=False, **asked)
    if "blockID" not in found:
        raise NodeWrong(f"answered nothing for block {height or 'of now'}")
    return found


def _height(node: Node) -> int:
    return node.saw_height(_head(node).height)


def _head(node: Node) -> Block:
    return _read_header(_header(node))


def _block(node: Node, height: int) -> Block:
    block = _read_header(_header(node, str(height)))
    if block.height != height:
        raise NodeWrong(f"answered block {block.height} for {height}")
    return block


def _read_header(found: dict[str, Any]) -> Block:
    """The id carries the height in its first eight bytes: both must say the same."""
    raw = found["block_header"]["raw_data"]
    height, block_id = raw.get("number", 0), found["blockID"]
    if len(block_id) != 64 or int(block_id[:16], 16) != height:
        raise NodeWrong("answered a block whose id is of another height")
    return Block(height, block_id, raw["parentHash"], datetime.fromtimestamp(raw.get("timestamp", 0) / 1000, UTC))


def _transfers(
    node: Node, first: int, last: int, contracts: frozenset[str], recipients: frozenset[str]
) -> list[Transfer]:
    _block(node, last)  # it has the whole range
    return [
        transfer for height in range(first, last + 1) for transfer in _in_block(node, height, contracts, recipients)
    ]


def _in_block(node: Node, height: int, contracts: frozenset[str], recipients: frozenset[str]) -> list[Transfer]:
    """Where something came, the block is read twice around its hash, so that hash and receipts are of one block."""
    found = _wanted(_infos(node, height), "", contracts, recipients)
    if not found:
        return []
    block = _block(node, height)
    again = _wanted(_infos(node, height), block.hash, contracts, recipients)
    if [transfer.transaction_hash for transfer in again] != [transfer.transaction_hash for transfer in found]:
        raise NodeWrong(f"answered two different blocks {height}")
    return again


def _infos(node: Node, height: int) -> list[dict[str, Any]]:
    infos = fees.ask_list(node, "/wallet/gettransactioninfobyblocknum", num=height)
    if not infos and fees.ask(node, "/wallet/getblockbynum", num=height).get("transactions"):
        raise NodeWrong(f"has no receipts of block {height} yet")
    if any(info.get("blockNumber") != height for info in infos):
        raise NodeWrong(f"answered receipts of another block for {height}")
    return infos


def _wanted(
    infos: list[dict[str, Any]], block_hash: str, contracts: frozenset[str], recipients: frozenset[str]
) -> list[Transfer]:
    return [
        transfer for info in infos for transfer in _transfers_of(info, block_hash)
        if transfer.contract in contracts and transfer.recipient in recipients and transfer.units > 0
    ]


def _transfers_of(info: dict[str, Any], block_hash: str) -> list[Transfer]:
    if not _succeeded(info):
        return []
    events = [log for log in info.get("log", []) if _is_transfer(log)]
    return [
        Transfer(
            info["id"], position, info["blockNumber"], block_hash,
            encoding.address_of(bytes.fromhex(log["address"])),
            encoding.address_of(bytes.fromhex(log["topics"][1])), encoding.address_of(bytes.fromhex(log["topics"][2])),
            int(log["data"], 16),
        )
        for position, log in enumerate(events)
    ]


def _is_transfer(log: dict[str, Any]) -> bool:
    topics = log.get("topics", [])
    return len(topics) == 3 and topics[0] == TRANSFER.hex() and len(log.get("data", "")) == 64


def _succeeded(info: dict[str, Any]) -> bool:
    return info.get("result") != "FAILED" and info.get("receipt", {}).get("result", "SUCCESS") == "SUCCESS"


def _receipt(node: Node, transaction_hash: str) -> Receipt | None:
    info = fees.ask(node, "/wallet/gettransactioninfobyid", value=transaction_hash)
    if not info:
        return None
    if info["id"] != transaction_hash:
        raise NodeWrong("answered the receipt of another transaction")
    block = _block(node, info["blockNumber"])
    fee, energy = int(info.get("fee", 0)), int(info.get("receipt", {}).get("energy_usage_total", 0))
    return Receipt(
        transaction_hash, block.height, block.hash, block.time, _succeeded(info), fee, energy,
        fee // energy if energy else 0, tuple(_transfers_of(info, block.hash)),
    )


def _knows(node: Node, transaction_hash: str) -> bool:
    calls = ("/wallet/gettransactionbyid", "/wallet/gettransactionfrompending")
    return any(fees.ask(node, call, value=transaction_hash) for call in calls)


def _send(node: Node, signed: Signed) -> None:
    answer = fees.ask(node, "/wallet/broadcasthex", transaction=signed.raw)
    code = str(answer.get("code", "SUCCESS"))
    if (answer.get("result") is True and code == "SUCCESS") or code == _KNOWN:
        return
    message = f"{code}: {fees.readable(answer.get('message', ''))}"
    if code in _LATER:
        raise NodeBusy(message[:150])
    if code == "SUCCESS":
        raise NodeWrong("answered neither success nor error")
    reason = _REASONS.get(code, "other")
    if reason == "expired" and _knows(node, signed.transaction_hash):
        return  # its time is over now, but it was mined before
    short = "balance is not sufficient" in message or "insufficient" in message.lower()
    raise Refused(message[:150], "no_gas" if short else reason)
