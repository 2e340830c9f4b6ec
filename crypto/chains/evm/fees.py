"""What an EVM transaction is to cost: EIP-1559 or one gas price, replacements 12.5 % above what waits, and a ceiling
that no node's word can lift."""

from __future__ import annotations

from typing import Any

from web3 import Web3

from crypto.chains.base import Fee, NodeWrong, Payment, Refused, TooDear
from crypto.chains.nodes import RpcRefusal
from crypto.formats import checksummed
from crypto.models.networks import Network

_NATIVE_GAS, _USUAL_GAS = 21_000, 100_000
_PENNILESS = ("insufficient funds", "cannot afford", "gas required exceeds allowance (0)")
_MARGIN = (6, 5)  # gas beyond the estimate: storage that gets colder until it is mined
_REPLACE = (1125, 1000)
_LEDGER_PLACES = 9


def call_of(payment: Payment) -> dict[str, Any]:
    """`to`, `value` and `data` of the transaction that does this payment."""
    if payment.contract is None:
        return {"to": checksummed(payment.recipient), "value": payment.units, "data": "0x"}
    # transfer(address,uint256)
    data = "0xa9059cbb" + "00" * 12 + payment.recipient[2:].lower() + f"{payment.units:064x}"
    return {"to": checksummed(payment.contract), "value": 0, "data": data}


def fee(w3: Web3, network: Network, payment: Payment, beyond: Fee | None) -> Fee:
    gas = _gas(w3, payment)
    prices = _eip1559(w3) if network.fee_model == Network.FeeModel.EIP1559 else {"gasPrice": int(w3.eth.gas_price)}
    if beyond is not None:
        prices = {name: max(price, _above(beyond.terms[name])) for name, price in prices.items()}
    most = gas * max(prices.values())
    if most > ceiling(network):
        raise TooDear(f"asks {most} wei for a transaction, above this network's ceiling")
    return Fee({"gas": gas, **prices}, most)


def ceiling(network: Network) -> int:
    """In the coin's own units."""
    return int(network.fee_ceiling_minor * 10**network.native_decimals // 10**_LEDGER_PLACES)


def _above(price: int) -> int:
    return -(-price * _REPLACE[0] // _REPLACE[1])


def _gas(w3: Web3, payment: Payment) -> int:
    if payment.contract is None:
        return _NATIVE_GAS
    try:
        estimate = w3.eth.estimate_gas({"from": checksummed(payment.sender), **call_of(payment)})  # type: ignore[typeddict-item]
    except RpcRefusal as refusal:
        if any(word in refusal.message.lower() for word in _PENNILESS):
            return _USUAL_GAS  # an address that waits for its gas: some nodes refuse to estimate for it
        raise Refused(f"would fail: {refusal.message[:150]}") from refusal
    return int(estimate) * _MARGIN[0] // _MARGIN[1]


def _eip1559(w3: Web3) -> dict[str, int]:
    """Room for the base fee to double while it waits."""
    base = w3.eth.get_block("latest").get("baseFeePerGas")
    if base is None:
        raise NodeWrong("answered a block without a base fee")
    tip = int(w3.eth.max_priority_fee)
    return {"maxFeePerGas": 2 * base + tip, "maxPriorityFeePerGas": tip}
