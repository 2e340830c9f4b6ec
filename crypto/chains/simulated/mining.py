"""What a simulated block does with the transactions that wait: which it takes, what they move, what they cost.

Called under the chain's lock alone. Undoing goes through the blocks backwards, so every balance is again what it was.
"""

from __future__ import annotations

from django.db.models import Max
from django.utils import timezone

from crypto.chains.simulated.blocks import era_of, height_at, locked
from crypto.models.networks import Network
from crypto.models.simulated import SimulatedBalance, SimulatedNetwork, SimulatedTransaction

GAS_TOKEN, GAS_NATIVE = 65_000, 21_000


def waiting(chain: SimulatedNetwork) -> list[SimulatedTransaction]:
    return list(chain.transactions.filter(height__isnull=True, gone=False).order_by("id"))


def mine_by_clock(chain: SimulatedNetwork) -> None:
    """Takes what waits into a block that nobody can have seen: one later than the present one."""
    with locked(chain) as chain:
        found, era = waiting(chain), era_of(chain)
        if found and era.block_seconds:
            take(chain, found, height_at(era, timezone.now()) + 1)


def take(chain: SimulatedNetwork, found: list[SimulatedTransaction], height: int) -> None:
    """Mines those of `found` whose turn it is, again and again, since one may be another's turn."""
    position = (chain.transactions.filter(height=height).aggregate(last=Max("position"))["last"] or 0) + 1
    left = found
    while True:
        rest = []
        for row in left:
            if not _is_ready(chain, row, height):
                rest.append(row)
                continue
            _execute(chain, row, height, position)
            position += 1
        if len(rest) == len(left):
            return
        left = [row for row in rest if not row.gone]


def _is_ready(chain: SimulatedNetwork, row: SimulatedTransaction, height: int) -> bool:
    if row.dead_after_height is not None and height > row.dead_after_height:
        row.gone = True
        row.save(update_fields=["gone"])
        return False
    if row.outside:
        return True
    if row.nonce is not None and (row.nonce != next_nonce(chain, row.sender) or row.gas_price < chain.gas_price):
        return False
    return balance(chain, "", row.sender) >= cost(chain, row)


def next_nonce(chain: SimulatedNetwork, sender: str) -> int:
    return chain.transactions.filter(sender=sender, outside=False, height__isnull=False).count()


def cost(chain: SimulatedNetwork, row: SimulatedTransaction) -> int:
    """The fee it pays in the next block, and the native coin it moves."""
    return price(chain, row) * row.gas + sum(int(units) for contract, _, _, units in row.moves if not contract)


def price(chain: SimulatedNetwork, row: SimulatedTransaction) -> int:
    """Chains with a gas price take the block's; the others a fixed fee that the transaction names."""
    return min(row.gas_price, chain.gas_price) if row.nonce is not None else row.gas_price


def _execute(chain: SimulatedNetwork, row: SimulatedTransaction, height: int, position: int) -> None:
    row.height, row.position, row.price_paid = height, position, price(chain, row)
    row.fee = "0" if row.outside else str(row.price_paid * row.gas)
    _add(chain, "", row.sender, -int(row.fee))
    row.succeeded = not row.fails and (row.outside or _can_pay(chain, row))
    if row.succeeded:
        _move(chain, row, 1)
    row.save()


def _can_pay(chain: SimulatedNetwork, row: SimulatedTransaction) -> bool:
    return all(balance(chain, contract, sender) >= int(units) for contract, sender, _, units in row.moves)


def undo(chain: SimulatedNetwork, rows: list[SimulatedTransaction]) -> None:
    """`rows`, newest first, are waiting again."""
    for row in rows:
        if row.succeeded:
            _move(chain, row, -1)
        _add(chain, "", row.sender, int(row.fee))
        row.height, row.position, row.succeeded, row.fee, row.price_paid = None, 0, False, "0", 0
        row.save()


def _move(chain: SimulatedNetwork, row: SimulatedTransaction, sign: int) -> None:
    for contract, sender, recipient, units in row.moves:
        if not row.outside:
            _add(chain, contract, sender, -sign * int(units))
        _add(chain, contract, recipient, sign * int(units))


def balance(chain: SimulatedNetwork, contract: str, address: str) -> int:
    row = SimulatedBalance.objects.filter(chain=chain, contract=contract, address=address).first()
    return int(row.units) if row else 0


def _add(chain: SimulatedNetwork, contract: str, address: str, units: int) -> None:
    if units:
        row, _ = SimulatedBalance.objects.get_or_create(chain=chain, contract=contract, address=address)
        row.units = str(int(row.units) + units)
        row.save(update_fields=["units"])


def gas_terms(network: Network, native: bool) -> tuple[int, int]:
    """Gas and price in native units; where a chain has no gas, one unit of gas at the whole fee."""
    if network.family == Network.Family.TRON:
        return 1, 270_000 if native else 6_400_000
    if network.family == Network.Family.SOLANA:
        return 1, 5_000
    return (GAS_NATIVE if native else GAS_TOKEN), 0
