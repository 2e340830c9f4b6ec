"""What a Solana transaction moved, read from the token balances before and after it, which the validators agreed on.

A credit counts when it is of the owner's own associated token account: from there it can be swept. `position` is the
credited account's place among the transaction's credited token accounts.
"""

from __future__ import annotations

from typing import Any

from crypto.chains.base import Transfer
from crypto.chains.solana.programs import token_account


def transfers_of(found: dict[str, Any], slot: int, block_hash: str) -> list[Transfer]:
    """`found` has `transaction` and `meta`, as `getTransaction` and `getBlock` give them."""
    meta = found["meta"]
    if meta["err"] is not None:
        return []
    changes = _changes(meta)
    credits = [(index, *key, units) for index, (key, units) in sorted(changes.items()) if units > 0]
    keys, signature = _keys(found), found["transaction"]["signatures"][0]
    return [
        Transfer(signature, position, slot, block_hash, mint, _payer(changes, mint), owner, units)
        for position, (index, owner, mint, units) in enumerate(credits)
        if owner and keys[index] == token_account(owner, mint)
    ]


def rent_paid(meta: dict[str, Any]) -> int:
    """Lamports that token accounts made in it were given to stay alive: of ours, the sender pays them beside the fee,
    and never has them back."""
    before = {one["accountIndex"] for one in meta.get("preTokenBalances") or []}
    made = {one["accountIndex"] for one in meta.get("postTokenBalances") or []} - before
    return sum(int(meta["postBalances"][index]) - int(meta["preBalances"][index]) for index in made)


def _changes(meta: dict[str, Any]) -> dict[int, tuple[tuple[str, str], int]]:
    """Account index → ((owner, mint), units gained)."""
    before = {one["accountIndex"]: one for one in meta.get("preTokenBalances") or []}
    after = {one["accountIndex"]: one for one in meta.get("postTokenBalances") or []}
    changes = {}
    for index in before.keys() | after.keys():
        one = after.get(index) or before[index]
        gained = _units(after.get(index)) - _units(before.get(index))
        changes[index] = ((one.get("owner", ""), one["mint"]), gained)
    return changes


def _units(one: dict[str, Any] | None) -> int:
    return int(one["uiTokenAmount"]["amount"]) if one else 0


def _payer(changes: dict[int, tuple[tuple[str, str], int]], mint: str) -> str:
    """Who lost most of it; empty if nobody did (it was minted)."""
    losses = sorted((units, owner) for (owner, of), units in changes.values() if of == mint and units < 0)
    return losses[0][1] if losses else ""


def _keys(found: dict[str, Any]) -> list[str]:
    """All accounts of a transaction, those from look-up tables after its own."""
    message = found["transaction"].get("message", found["transaction"])
    own = [key if isinstance(key, str) else key["pubkey"] for key in message["accountKeys"]]
    loaded = found["meta"].get("loadedAddresses") or {}
    listed: list[str] = own + [
        key for key in [*loaded.get("writable", []), *loaded.get("readonly", [])] if key not in own
    ]
    return listed
