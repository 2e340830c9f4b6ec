"""Web3 over a node of ours: its formatting and checks, our deadlines, limits and order of nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from web3 import Web3
from web3.exceptions import Web3Exception
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from crypto.chains.base import NodeError, NodeWrong
from crypto.chains.nodes import Node, Nodes

T = TypeVar("T")


class NodeProvider(JSONBaseProvider):
    """Raises `NodeError`s where other providers return error objects."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        return {"jsonrpc": "2.0", "id": 1, "result": self.node.rpc(method, list(params or []))}

    def make_batch_request(self, batch_requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        results = self.node.rpc_batch([(method, list(params or [])) for method, params in batch_requests])
        return [{"jsonrpc": "2.0", "id": number, "result": result} for number, result in enumerate(results)]


def web3_of(node: Node) -> Web3:
    # BSC and Polygon put more into a block's extra data than Ethereum allows.
    return Web3(NodeProvider(node), middleware=[ExtraDataToPOAMiddleware])


def ask(nodes: Nodes, question: Callable[[Web3], T]) -> T:
    """Puts `question` to the healthiest node."""
    return nodes.ask(guarded(question))


def ask_all(nodes: Nodes, question: Callable[[Web3], T]) -> list[T | NodeError]:
    """Puts `question` to every node."""
    return nodes.ask_all(guarded(question))


def guarded(question: Callable[[Web3], T]) -> Callable[[Node], T]:
    """What web3 makes of a null or of nonsense is a `NodeWrong`."""

    def put(node: Node) -> T:
        try:
            return question(web3_of(node))
        except Web3Exception as error:
            raise NodeWrong(f"answered what cannot be: {type(error).__name__}") from error

    return put
