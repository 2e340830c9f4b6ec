"""What a Solana transaction costs: the signature, a little priority, and the rent of accounts that must stay alive."""

from __future__ import annotations

from typing import Any

from crypto.chains.base import Fee, NodeWrong, Payment, TooDear
from crypto.chains.nodes import Node
from crypto.chains.solana.programs import token_account
from crypto.chains.solana.scan import FINAL
from crypto.models.networks import Network

_SIGNATURE = 5_000  # lamports
_UNITS_NATIVE, _UNITS_TOKEN = 20_000, 90_000  # with the memo; the second with making the recipient's account
_LEAST_PRICE, _MOST_PRICE = 1_000, 1_000_000  # micro-lamports a unit
_TOKEN_ACCOUNT_SIZE = 165


def fee(node: Node, network: Network, payment: Payment, beyond: Fee | None) -> Fee:
    """`most` keeps the sender's own account above its rent: with less in it, the cluster refuses the transaction."""
    units = _UNITS_NATIVE if payment.contract is None else _UNITS_TOKEN
    price = _price(node, payment.sender)
    if beyond is not None:
        price = max(price, min(beyond.terms["unit_price"] * 2, _MOST_PRICE))
    most = _SIGNATURE + units * price // 10**6 + 1 + _rent(node, 0) + _new_account(node, payment)
    if most > network.fee_ceiling_minor * 10**network.native_decimals // 10**9:
        raise TooDear(f"asks {most} lamports for a transaction, above this network's ceiling")
    return Fee({"unit_limit": units, "unit_price": price}, most)


def _price(node: Node, sender: str) -> int:
    """What three of four recent transactions stayed below."""
    rows: list[dict[str, Any]] = node.rpc("getRecentPrioritizationFees", [[sender]])
    seen = sorted(int(row["prioritizationFee"]) for row in rows)
    usual = seen[len(seen) * 3 // 4] if seen else 0
    return min(max(usual, _LEAST_PRICE), _MOST_PRICE)


def _new_account(node: Node, payment: Payment) -> int:
    """The rent of the recipient's token account, if it has none yet."""
    if payment.contract is None:
        return 0
    account = token_account(payment.recipient, payment.contract)
    found = node.rpc("getAccountInfo", [account, {"encoding": "base64", **FINAL}])["value"]
    return 0 if found is not None else _rent(node, _TOKEN_ACCOUNT_SIZE)


def _rent(node: Node, size: int) -> int:
    rent = node.rpc("getMinimumBalanceForRentExemption", [size])
    if not isinstance(rent, int) or rent <= 0:
        raise NodeWrong("answered no rent")
    return rent
