"""Finding what came to us on Solana: by the signatures of each recipient's token accounts while those are few, by
whole blocks when they are many. Both give the same transfers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crypto.chains.base import NodeWrong, Transfer
from crypto.chains.nodes import Node
from crypto.chains.solana.balances import transfers_of
from crypto.chains.solana.programs import token_account

FINAL = {"commitment": "finalized"}
LONGEST_GAP = 400  # slots without any block; longer has never been while the cluster ran
_PAGE, _BATCH = 1000, 50
# One block with its accounts weighs as much as so many look-ups of an account.
_BLOCK_WEIGHT = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    contracts: frozenset[str]
    recipients: frozenset[str]

    def has(self, transfer: Transfer) -> bool:
        return transfer.contract in self.contracts and transfer.recipient in self.recipients


def transfers(node: Node, first: int, last: int, wanted: Wanted) -> list[Transfer]:
    if node.rpc("getSlot", [FINAL]) < last:
        raise NodeWrong(f"has not got to slot {last}")
    accounts = len(wanted.contracts) * len(wanted.recipients)
    by = _by_account if accounts <= _BLOCK_WEIGHT * (last - first + 1) else _by_block
    found = by(node, first, last, wanted)
    return sorted(found, key=lambda one: (one.height, one.transaction_hash, one.position))


def _by_account(node: Node, first: int, last: int, wanted: Wanted) -> list[Transfer]:
    accounts = [token_account(owner, mint) for owner in sorted(wanted.recipients) for mint in sorted(wanted.contracts)]
    signatures: set[str] = set()
    for start in range(0, len(accounts), _BATCH):
        batch = accounts[start : start + _BATCH]
        asked = [("getSignaturesForAddress", [account, _page(last)]) for account in batch]
        for account, rows in zip(batch, node.rpc_batch(asked), strict=True):
            signatures |= _signatures(node, account, rows, first, last)
    return [found for signature in sorted(signatures) for found in _received(node, signature, first, last, wanted)]


def _page(last: int, before: str = "") -> dict[str, Any]:
    return {**FINAL, "limit": _PAGE, "minContextSlot": last} | ({"before": before} if before else {})


def _signatures(node: Node, account: str, rows: Any, first: int, last: int) -> set[str]:
    """Successful ones within the range; rows come newest first, a page at a time."""
    found = set()
    while rows:
        found |= {row["signature"] for row in rows if first <= row["slot"] <= last and row["err"] is None}
        if len(rows) < _PAGE or rows[-1]["slot"] < first:
            break
        rows = node.rpc("getSignaturesForAddress", [account, _page(last, rows[-1]["signature"])])
    if rows is None:
        raise NodeWrong("answered null for an account's signatures")
    return found


def _received(node: Node, signature: str, first: int, last: int, wanted: Wanted) -> list[Transfer]:
    found = transaction(node, signature)
    if found is None or not first <= found["slot"] <= last or found["transaction"]["signatures"][0] != signature:
        raise NodeWrong(f"answered null or another transaction for {signature}")
    block = header(node, found["slot"])
    return [one for one in transfers_of(found, found["slot"], block["blockhash"]) if wanted.has(one)]


def _by_block(node: Node, first: int, last: int, wanted: Wanted) -> list[Transfer]:
    slots = node.rpc("getBlocks", [first, last, FINAL])
    if not isinstance(slots, list):
        raise NodeWrong(f"answered no blocks for {first}–{last}")
    return [one for slot in slots if first <= slot <= last for one in _in_block(node, slot, wanted)]


def _in_block(node: Node, slot: int, wanted: Wanted) -> list[Transfer]:
    block = _get_block(node, slot, "accounts")
    return [
        one for found in block["transactions"] for one in transfers_of(found, slot, block["blockhash"])
        if wanted.has(one)
    ]


def header(node: Node, slot: int) -> dict[str, Any]:
    return _get_block(node, slot, "none")


def _get_block(node: Node, slot: int, details: str) -> dict[str, Any]:
    options = {"transactionDetails": details, "rewards": False, "maxSupportedTransactionVersion": 0, **FINAL}
    block = node.rpc("getBlock", [slot, options | ({"encoding": "json"} if details != "none" else {})])
    if not isinstance(block, dict) or "blockhash" not in block:
        raise NodeWrong(f"answered null for block {slot}")
    return block


def transaction(node: Node, signature: str) -> dict[str, Any] | None:
    options = {"encoding": "json", "maxSupportedTransactionVersion": 0, **FINAL}
    found: dict[str, Any] | None = node.rpc("getTransaction", [signature, options])
    return found
