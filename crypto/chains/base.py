"""What a chain must be able to do, in words of our own: an adapter speaks a node's language and nothing of our states.

Heights, hashes and addresses are as the network spells them, except EVM's in events, which are lower case. Amounts are
integers of the chain's own units. Every call has a deadline and raises a `NodeError` when no (or no believable) answer
came; an adapter never answers with a guess, and never with half a range.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol


class NodeError(Exception):
    """No believable answer. The message is for an operator and names no key."""


class NodeDown(NodeError):
    """Nothing was sent: the connection was refused, or the node is resting after failures."""


class NodeTimeout(NodeError):
    """It may have arrived; no whole answer came in time."""


class NodeBusy(NodeError):
    """Rate-limited, or the range is too large for it."""


class NodeWrong(NodeError):
    """An answer that cannot be: null where there must be a block, a height going backwards, HTML, another chain."""


class TooDear(NodeWrong):
    """It asks more for a transaction than the network's ceiling allows: a lie, or the chain is that dear now."""


class Refused(NodeError):
    """The node read a transaction and will not take it, ever, in this form (`reason`: nonce_used, no_gas, underpriced,
    expired, other). It was not accepted by this node; another form of the same intent may have been."""

    def __init__(self, message: str, reason: str = "other") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Block:
    height: int
    hash: str
    parent: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of a token. `position` counts the token transfers inside its transaction, from 0."""

    transaction_hash: str
    position: int
    height: int
    block_hash: str
    contract: str
    sender: str
    recipient: str
    units: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction. `fee` is all that it took in the native coin's units (Solana: with the rent
    of the accounts it made). Failed ones have no transfers."""

    transaction_hash: str
    height: int
    block_hash: str
    time: datetime
    succeeded: bool
    fee: int
    gas_used: int
    gas_price: int
    transfers: tuple[Transfer, ...]


@dataclass(frozen=True, slots=True)
class Payment:
    """One intended movement: `units` of `contract` (None: the native coin) from `sender` to `recipient`."""

    sender: str
    recipient: str
    contract: str | None
    units: int


@dataclass(frozen=True, slots=True)
class Fee:
    """`terms` are the chain's own (gas, max fee, priority, fee limit …), JSON-able; `most` is the most that it can
    cost in native units: what the sender must own."""

    terms: dict[str, Any]
    most: int


@dataclass(frozen=True, slots=True)
class Unsigned:
    """`payload` is whatever the family's signer needs, JSON-able. `dead_after_height`: beyond it this form can no
    longer be mined (None: only its nonce binds it). Ask `Chain.is_dead` about it and compare it with nothing: on
    Solana it counts blocks, where heights are slots."""

    payload: dict[str, Any]
    dead_after_height: int | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    raw: str
    transaction_hash: str


Urgency = Literal["normal", "replace"]


class Chain(Protocol):
    """One network in one mode. Made by `crypto.chains.registry.chain_for(network, mode)`."""

    uses_nonces: bool

    def height(self) -> int: ...

    def is_dead(self, dead_after_height: int) -> bool:
        """Whether a form with this `dead_after_height` surely can no longer be mined. It may have been before: ask for
        its receipt after this."""

    def check_again(self) -> None:
        """Before its next answer each node proves again of which chain it is; they do each minute anyhow. For whoever
        is about to believe that something is gone."""

    def block(self, height: int) -> Block:
        """Raises `NodeWrong` for a height the node should have and answers null."""

    def transfers(
        self, first: int, last: int, *, contracts: Collection[str], recipients: Collection[str]
    ) -> Sequence[Transfer]:
        """All transfers of `contracts` to `recipients` in blocks `first`–`last`, whole or not at all. Only mined and
        successful ones; those that moved nothing (zero units) are left out."""

    def receipt(self, transaction_hash: str) -> Receipt | None:
        """None: not mined (yet, or any more). That alone does not say that it never will be."""

    def receipts(self, transaction_hash: str) -> Sequence[Receipt | NodeError | None]:
        """What each node of the network says of it, one entry a node, for what one node's word is not enough for."""

    def heights(self) -> Sequence[int | NodeError]:
        """How far each node is, in the order of `receipts`: one that lags has no receipt either."""

    def knows(self, transaction_hash: str) -> bool:
        """Whether the node has it at all, mined or waiting."""

    def token_balance(self, address: str, contract: str) -> int: ...

    def native_balance(self, address: str) -> int: ...

    def next_nonce(self, address: str) -> int:
        """The first nonce the chain has not mined; 0 on a chain without nonces."""

    def fee(self, payment: Payment, *, beyond: Fee | None = None) -> Fee:
        """What it costs now; with `beyond`, enough to replace a waiting form that offers that."""

    def build(self, payment: Payment, *, nonce: int | None, fee: Fee) -> Unsigned: ...

    def broadcast(self, signed: Signed) -> None:
        """Sends it. Already known to the node is success. Raises `Refused`, `NodeDown` (surely not sent), or another
        `NodeError` (it may have arrived)."""


class Signer(Protocol):
    """Turns what `Chain.build` made into bytes; only in a process that holds keys. One for each family."""

    def address(self, private_key: bytes) -> str: ...

    def sign(self, unsigned: Unsigned, private_key: bytes) -> Signed: ...
