"""The hands of whoever plays the outside world on a simulated chain: payers, miners, and a node's bad days.

For tests, the demo and test mode's "pay" button. Every function takes a `Network` or its code, and works on the mode
"test" unless told otherwise. With `SIMULATED_BLOCK_SECONDS` 0 blocks come by `mine` alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import Any

from django.utils import timezone

from crypto import base58, formats
from crypto.chains.simulated import blocks, faults, mining
from crypto.chains.simulated.chain import SimulatedChain
from crypto.models.networks import Network, Token
from crypto.models.simulated import SimulatedNetwork, SimulatedTransaction

AnyNetwork = Network | str
Move = tuple[str, str, int]


def pay(
    network: AnyNetwork, mode: str = "test", *, currency: str, recipient: str, units: int, fails: bool = False,
    fake: bool = False, sender: str = "",
) -> str:
    """A payer outside, whose funds never end, sends `units` of a token; returns the transaction's hash.

    `fails`: mined with a failed receipt. `fake`: a worthless token that calls itself the same.
    """
    return pay_several(network, mode, moves=[(currency, recipient, units)], fails=fails, fake=fake, sender=sender)


def pay_several(
    network: AnyNetwork, mode: str = "test", *, moves: Sequence[Move], fails: bool = False, fake: bool = False,
    sender: str = "",
) -> str:
    """One transaction with several (currency, recipient, units): a contract that pays many, two tokens at once."""
    network = _network(network)
    payer = formats.lookup_form(network, sender or outsider(network))
    listed = [
        [_contract(network, mode, currency, fake), payer, formats.lookup_form(network, recipient), str(units)]
        for currency, recipient, units in moves
    ]
    return _send(network, mode, payer, listed, fails)


mint = pay


def give_native(network: AnyNetwork, mode: str = "test", *, recipient: str, units: int) -> str:
    """Native coin for gas, out of nowhere."""
    network = _network(network)
    payer = formats.lookup_form(network, outsider(network))
    return _send(network, mode, payer, [["", payer, formats.lookup_form(network, recipient), str(units)]], False)


def _send(network: Network, mode: str, payer: str, moves: list[list[str]], fails: bool) -> str:
    chain = blocks.find_chain(network, mode)
    row = SimulatedTransaction.objects.create(
        chain=chain, hash=_fresh_hash(network), sender=payer, moves=moves, outside=True, fails=fails
    )
    SimulatedChain(network, mode)._head(chain)  # where blocks come by the clock, it has one now
    return row.hash


def mine(network: AnyNetwork, blocks_count: int = 1, mode: str = "test") -> int:
    """Makes blocks at once, the first with what waits; returns the new height."""
    chain = blocks.find_chain(_network(network), mode)
    with blocks.locked(chain) as chain:
        now = timezone.now()
        head = blocks.height_at(blocks.era_of(chain), now)
        if blocks.era_of(chain).block_seconds:
            head += 1  # that one may hold transactions already
        mining.take(chain, mining.waiting(chain), head + 1)
        blocks.start_era(chain, first=head + 1, last=head + blocks_count, at=now)
    return head + blocks_count


def reorganise(
    network: AnyNetwork, depth: int, *, drop: Collection[str] = (), keep_rest: bool = True, mode: str = "test"
) -> None:
    """The last `depth` blocks are replaced by as many others. Transactions in `drop` vanish; the rest is mined again
    in the new blocks, each one block later where there is one (`keep_rest=False`: vanishes too)."""
    chain = blocks.find_chain(_network(network), mode)
    with blocks.locked(chain) as chain:
        head = blocks.height_at(blocks.era_of(chain), timezone.now())
        first = head - depth + 1
        rows = list(chain.transactions.filter(height__gte=first).order_by("-height", "-position"))
        heights = {row.pk: row.height or head for row in rows}
        mining.undo(chain, rows)
        chain.forks.create(first_height=first, last_height=head)
        for row in reversed(rows):
            if row.hash in drop or not keep_rest:
                row.gone = True
                row.save(update_fields=["gone"])
            else:
                again = heights[row.pk] + 1
                mining.take(chain, [row], min(again, head) if heights[row.pk] <= head else heights[row.pk])


def raise_gas_price(network: AnyNetwork, price: int, mode: str = "test") -> None:
    """What blocks ask for from now on: what offers less waits."""
    chain = blocks.find_chain(_network(network), mode)
    SimulatedNetwork.objects.filter(pk=chain.pk).update(gas_price=price)


def unreliable(
    network: AnyNetwork, rate: float = 0.05, kinds: Sequence[str] = ("timeout", "busy", "null", "down", "backwards"),
    seed: int = 1, calls: Sequence[str] = (), mode: str = "test",
) -> None:
    """From now on this share of calls (of `calls` alone, if named) meets one of `kinds` (`faults.KINDS`)."""
    faults._dice.clear()
    _change(network, mode, rate=rate, kinds=list(kinds), seed=seed, calls=list(calls))


def freeze(network: AnyNetwork, mode: str = "test") -> None:
    """The node shows no new block any more."""
    chain = blocks.find_chain(_network(network), mode)
    _change(network, mode, frozen_at=blocks.height_at(blocks.era_of(chain), timezone.now()))


def lag(network: AnyNetwork, blocks_count: int, mode: str = "test") -> None:
    """The node is behind by so many blocks."""
    _change(network, mode, lag=blocks_count)


def lie(network: AnyNetwork, blocks_count: int, mode: str = "test") -> None:
    """The node claims so many blocks more than there are (fewer, if negative)."""
    _change(network, mode, lie=blocks_count)


def fail_ours(network: AnyNetwork, failing: bool = True, mode: str = "test") -> None:
    """What is broadcast from now on is mined with a failed receipt."""
    _change(network, mode, failing=failing)


def reliable(network: AnyNetwork, mode: str = "test") -> None:
    """The node behaves again."""
    chain = blocks.find_chain(_network(network), mode)
    SimulatedNetwork.objects.filter(pk=chain.pk).update(faults={})


def _change(network: AnyNetwork, mode: str, **changes: Any) -> None:
    chain = blocks.find_chain(_network(network), mode)
    with blocks.locked(chain) as chain:
        chain.faults |= changes
        chain.save(update_fields=["faults"])


def outsider(network: Network) -> str:
    """A fresh address that nobody here has a key of."""
    if network.family == Network.Family.EVM:
        return formats.checksummed("0x" + secrets.token_hex(20))
    if network.family == Network.Family.TRON:
        return base58.encode_check(b"\x41" + secrets.token_bytes(20))
    while not formats.on_curve(key := secrets.token_bytes(32)):
        pass
    return base58.encode(key)


def fake_contract(token: Token) -> str:
    """The contract of the worthless token: the true one's address with its last byte changed."""
    if token.network.family == Network.Family.EVM:
        return token.contract[:-2] + ("00" if token.contract[-2:] != "00" else "01")
    return outsider(token.network)


def _contract(network: Network, mode: str, currency: str, fake: bool) -> str:
    token = Token.objects.select_related("network").get(network=network, mode=mode, currency=currency)
    return formats.lookup_form(network, fake_contract(token) if fake else token.contract)


def _fresh_hash(network: Network) -> str:
    if network.family == Network.Family.SOLANA:
        return base58.encode(secrets.token_bytes(64))
    return blocks.spell_hash(network, secrets.token_bytes(32))


def _network(network: AnyNetwork) -> Network:
    return network if isinstance(network, Network) else Network.objects.get(code=network)
