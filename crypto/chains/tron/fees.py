"""What a Tron transaction costs, and the plain calls of a node's JSON API that it takes to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crypto.chains.base import Fee, NodeBusy, NodeWrong, Payment, Refused, TooDear
from crypto.chains.nodes import Node
from crypto.chains.tron import encoding
from crypto.models.networks import Network

MAINNET = "00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc"
_SIZE_NATIVE, _SIZE_TOKEN = 300, 400  # bytes, signature and result included
_MARGIN = (6, 5)  # energy beyond the estimate: a popular contract's price moves


def ask(node: Node, path: str, **body: Any) -> dict[str, Any]:
    answer = _post(node, path, body)
    if not isinstance(answer, dict):
        raise NodeWrong(f"answered no object to {path}")
    if error := answer.get("Error") or answer.get("error"):
        busy = any(word in str(error).lower() for word in ("limit", "frequency", "busy"))
        raise (NodeBusy if busy else NodeWrong)(f"refused {path}: {str(error)[:120]}")
    return answer


def ask_list(node: Node, path: str, **body: Any) -> list[dict[str, Any]]:
    answer = _post(node, path, body)
    if isinstance(answer, dict) and not answer:
        return []
    if not isinstance(answer, list):
        raise NodeWrong(f"answered no list to {path}")
    return answer


def _post(node: Node, path: str, body: dict[str, Any]) -> Any:
    visible = {"visible": True} if {"address", "owner_address"} & body.keys() else {}
    return node.post(path, body | visible)


def readable(message: Any) -> str:
    """Errors come as hex of UTF-8."""
    try:
        return bytes.fromhex(str(message)).decode()
    except ValueError:
        return str(message)


def balance_of(node: Node, address: str, contract: str) -> int:
    answer = _constant(node, address, contract, "balanceOf(address)", encoding.address_parameter(address))
    results = answer.get("constant_result") or [""]
    if len(results[0]) != 64:
        raise NodeWrong(f"has no token contract at {contract}")
    return int(results[0], 16)


def _constant(node: Node, owner: str, contract: str, selector: str, parameter: bytes) -> dict[str, Any]:
    return ask(
        node, "/wallet/triggerconstantcontract", owner_address=owner, contract_address=contract,
        function_selector=selector, parameter=parameter.hex(),
    )


def fee(node: Node, network: Network, payment: Payment) -> Fee:
    prices = _prices(node)
    if payment.contract is None:
        # A fresh address is brought to life by its first coin, at the sender's cost.
        born = prices("getCreateAccountFee") + prices("getCreateNewAccountFeeInSystemContract")
        return _within(network, 0, _SIZE_NATIVE * prices("getTransactionFee") + born)
    limit = _energy(node, payment) * _MARGIN[0] // _MARGIN[1] * prices("getEnergyFee")
    return _within(network, limit, limit + _SIZE_TOKEN * prices("getTransactionFee"))


def _within(network: Network, limit: int, most: int) -> Fee:
    if most > network.fee_ceiling_minor * 10**network.native_decimals // 10**9:
        raise TooDear(f"asks {most} sun for a transaction, above this network's ceiling")
    return Fee({"fee_limit": limit}, most)


def _energy(node: Node, payment: Payment) -> int:
    assert payment.contract is not None
    parameter = encoding.address_parameter(payment.recipient) + payment.units.to_bytes(32)
    answer = _constant(node, payment.sender, payment.contract, "transfer(address,uint256)", parameter)
    ret = (answer.get("transaction", {}).get("ret") or [{}])[0].get("ret", "SUCCESS")
    if not answer.get("result", {}).get("result") or ret != "SUCCESS":
        raise Refused(f"would fail: {readable(answer.get('result', {}).get('message', ret))[:150]}")
    energy = int(answer["energy_used"])
    if energy <= 0:
        raise NodeWrong("answered no energy for a call")
    return energy


def _prices(node: Node) -> Callable[[str], int]:
    listed = ask(node, "/wallet/getchainparameters")["chainParameter"]
    values = {one["key"]: int(one.get("value", 0)) for one in listed}
    return lambda name: values[name]
