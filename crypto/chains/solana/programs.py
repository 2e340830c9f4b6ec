"""Solana's transactions from our intent, by solders: SPL and native transfers, and the accounts that tokens lie in."""

from __future__ import annotations

from typing import Any

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, transfer
from solders.token import ID as TOKEN
from solders.token.associated import get_associated_token_address

_ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
_MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
_CREATE_IDEMPOTENT, _TRANSFER_CHECKED = 1, 12


def token_account(owner: str, mint: str) -> str:
    """The account that holds a wallet's tokens of this mint (its associated token account)."""
    return str(get_associated_token_address(Pubkey.from_string(owner), Pubkey.from_string(mint)))


def message_of(payload: dict[str, Any]) -> Message:
    """The message of `SolanaChain.build`'s payload; the sender pays."""
    sender = Pubkey.from_string(payload["sender"])
    budget = [set_compute_unit_limit(payload["unit_limit"]), set_compute_unit_price(payload["unit_price"])]
    # Nothing reads it; it keeps two equal payments under one block hash apart.
    memo = Instruction(_MEMO, payload["memo"].encode(), [])
    movement = _native(sender, payload) if payload["contract"] is None else _token(sender, payload)
    blockhash = Hash.from_string(payload["blockhash"])
    return Message.new_with_blockhash([*budget, *movement, memo], sender, blockhash)


def _native(sender: Pubkey, payload: dict[str, Any]) -> list[Instruction]:
    recipient = Pubkey.from_string(payload["recipient"])
    return [transfer(TransferParams(from_pubkey=sender, to_pubkey=recipient, lamports=int(payload["units"])))]


def _token(sender: Pubkey, payload: dict[str, Any]) -> list[Instruction]:
    owner, mint = Pubkey.from_string(payload["recipient"]), Pubkey.from_string(payload["contract"])
    source, target = get_associated_token_address(sender, mint), get_associated_token_address(owner, mint)
    create = Instruction(
        _ASSOCIATED, bytes([_CREATE_IDEMPOTENT]),
        [
            AccountMeta(sender, True, True), AccountMeta(target, False, True), AccountMeta(owner, False, False),
            AccountMeta(mint, False, False), AccountMeta(SYSTEM, False, False), AccountMeta(TOKEN, False, False),
        ],
    )
    data = bytes([_TRANSFER_CHECKED]) + int(payload["units"]).to_bytes(8, "little") + bytes([payload["decimals"]])
    move = Instruction(
        TOKEN, data,
        [
            AccountMeta(source, False, True), AccountMeta(mint, False, False), AccountMeta(target, False, True),
            AccountMeta(sender, True, False),
        ],
    )
    return [create, move]
