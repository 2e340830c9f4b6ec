"""ERC-20's Transfer events in receipts and logs, read strictly: what is not exactly one is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crypto.chains.base import NodeWrong, Transfer
from crypto.chains.evm.topics import TRANSFER

_WORD = 32


def topic_of(address: str) -> str:
    return "0x" + "00" * 12 + address[2:].lower()


def is_transfer(log: Mapping[str, Any]) -> bool:
    """NFTs' Transfer has four topics and no data; it is not ours."""
    topics = log["topics"]
    return len(topics) == 3 and bytes(topics[0]) == TRANSFER and len(log["data"]) == _WORD


def transfers_of(receipt: Mapping[str, Any]) -> list[Transfer]:
    """Every token transfer of a mined transaction, in order; none if it failed. Zero units count for the position."""
    if receipt.get("status") != 1:
        return []
    events = [log for log in receipt["logs"] if is_transfer(log)]
    return [
        Transfer(
            transaction_hash=receipt["transactionHash"].to_0x_hex(),
            position=position,
            height=receipt["blockNumber"],
            block_hash=receipt["blockHash"].to_0x_hex(),
            contract=log["address"].lower(),
            sender=_address(log["topics"][1]),
            recipient=_address(log["topics"][2]),
            units=int.from_bytes(bytes(log["data"])),
        )
        for position, log in enumerate(events)
    ]


def _address(topic: Any) -> str:
    return "0x" + bytes(topic)[-20:].hex()


def check_logs(logs: Iterable[Mapping[str, Any]], first: int, last: int, last_hash: str) -> None:
    """Raises `NodeWrong` for logs outside what was asked, or of two different chains."""
    hashes: dict[int, str] = {last: last_hash}
    for log in logs:
        height, block_hash = log["blockNumber"], log["blockHash"].to_0x_hex()
        if log.get("removed") or not first <= height <= last:
            raise NodeWrong(f"answered a log of block {height} for {first}–{last}")
        if hashes.setdefault(height, block_hash) != block_hash:
            raise NodeWrong(f"answered logs of two different blocks {height}")
