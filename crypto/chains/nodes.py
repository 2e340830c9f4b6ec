"""A network's nodes, tried in the order of health; one question is put to one node from its beginning to its end.

So an answer is never pieced together from two nodes that see different blocks. A node that fails goes behind the
others, and rests after failing twice in a row. What is known of each is kept in `RpcNode`, for the order after a
restart and for the operator; its URL may hold a key and appears nowhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from django.utils import timezone

from crypto.chains import http
from crypto.chains.base import NodeBusy, NodeDown, NodeError, NodeTimeout, NodeWrong, Refused, TooDear
from crypto.models.networks import Network, RpcNode

log = structlog.get_logger(__name__)
T = TypeVar("T")
_LONGEST_REST = 60.0
_NOTE_SECONDS = 15.0
# A little back is another backend behind the same address; more is a node that lost its chain.
_BACKWARDS = 8
# An address may be switched to another chain's node at any time.
_CHECK_SECONDS, _LEAP = 60.0, 1000


@dataclass(slots=True)
class Node:
    """One RPC address and what this process knows of it."""

    url: str
    label: str
    failures: int = 0
    rests_until: float = 0.0  # monotonic
    checked_at: float = float("-inf")  # monotonic: when it last proved to be of the right chain
    may_leap: bool = True  # no height was told since
    height: int = 0
    noted_at: float = field(default=float("-inf"))

    def rpc(self, method: str, params: list[Any]) -> Any:
        """The result of one JSON-RPC call."""
        return self.rpc_batch([(method, params)])[0]

    def rpc_batch(self, calls: list[tuple[str, list[Any]]]) -> list[Any]:
        """Several calls in one request, so that one backend answers them all; fails if one of them does."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]
        answer = self.post("", body[0] if len(body) == 1 else body)
        if isinstance(answer, dict) and "error" in answer:
            raise rpc_error(answer["error"])
        listed = [answer] if len(body) == 1 else answer
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise NodeWrong("answered something else than JSON-RPC")
        results = {one.get("id"): one for one in listed}
        return [_result(results.get(number)) for number in range(len(body))]

    def post(self, path: str, body: Any) -> Any:
        """Posts JSON and reads JSON, below this node's address."""
        answer = http.post(self.url + path, json.dumps(body).encode())
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            if answer.status >= http._SERVER_ERROR:
                raise NodeTimeout(f"answered HTTP {answer.status}") from None
            raise NodeWrong(f"answered no JSON (HTTP {answer.status})") from None

    def saw_height(self, height: int) -> int:
        """Notes a height this node told, and refuses one far behind what it told before, or further ahead than a chain
        grows between two proofs of which chain it is."""
        if height < self.height - _BACKWARDS:
            raise NodeWrong(f"went backwards from {self.height} to {height}")
        if height > self.height + _LEAP and not self.may_leap:
            self.checked_at = float("-inf")
            raise NodeWrong(f"leapt from {self.height} to {height}: it is asked of which chain it is")
        self.may_leap = False
        self.height = max(self.height, height)
        return height


def _result(answer: dict[str, Any] | None) -> Any:
    if answer is None:
        raise NodeWrong("left a call unanswered")
    if answer.get("error") is not None:
        raise rpc_error(answer["error"])
    if "result" not in answer:
        raise NodeWrong("answered neither result nor error")
    return answer["result"]


class RpcRefusal(NodeWrong):
    """A JSON-RPC error that is about the question; adapters look at `message` for what it means."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"refused: {message[:150]}")
        self.code, self.message, self.data = code, message, data


_BUSY_CODES = (-32005, -32007, -32029, 429)
_BUSY_WORDS = ("rate limit", "too many requests", "limit exceeded", "exceeded the quota", "capacity", "throttl")
_LARGE_WORDS = (
    "too large", "more than", "response size", "too many results", "too many logs", "query timeout",
    "exceeds max results", "range limit", "range is", "block range", "ranges over", "range should",
)


def rpc_error(error: Any) -> NodeError:
    """What a JSON-RPC error means, judged by code and words, which no two providers choose alike."""
    if not isinstance(error, dict):
        return NodeWrong("answered an error that is none")
    code = error.get("code")
    message = str(error.get("message", ""))
    lower = message.lower()
    if any(word in lower for word in _LARGE_WORDS):
        return http.TooLarge(f"range too large: {message[:120]}")
    if code in _BUSY_CODES or any(word in lower for word in _BUSY_WORDS):
        return NodeBusy(f"busy: {message[:120]}")
    return RpcRefusal(code if isinstance(code, int) else 0, message, error.get("data"))


class Nodes:
    """All nodes of one network in one mode. `check` raises for a node of another chain."""

    def __init__(self, network: Network, mode: str, urls: list[str], check: Callable[[Node], None]) -> None:
        self.network, self.mode, self._check = network, mode, check
        self._nodes = [Node(url.rstrip("/"), label_of(url)) for url in urls]
        self._remembered = False

    def ask(self, question: Callable[[Node], T]) -> T:
        """The first believable answer, or the error that is least certain that nothing was done."""
        errors: list[NodeError] = []
        for node in self._in_order():
            try:
                return self._ask_one(node, question)
            except (Refused, http.TooLarge):
                raise
            except NodeError as error:
                errors.append(error)
        if not errors:
            raise NodeDown("every node is resting after failures")
        raise min(errors, key=_certainty)

    def ask_all(self, question: Callable[[Node], T]) -> list[T | NodeError]:
        """What every node says, errors included: for the operator's page."""
        return [self._tolerated(node, question) for node in self._nodes]

    def _tolerated(self, node: Node, question: Callable[[Node], T]) -> T | NodeError:
        try:
            return self._ask_one(node, question)
        except NodeError as error:
            return error

    def _ask_one(self, node: Node, question: Callable[[Node], T]) -> T:
        started = time.monotonic()
        try:
            self._prove(node)
            answer = question(node)
        except (Refused, http.TooLarge, TooDear):
            # It works; it is the question that it does not like, or the chain that is dear.
            self._note(node, started)
            raise
        except NodeError as error:
            self._note_failure(node, error)
            raise
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
            wrong = NodeWrong(f"answered what cannot be read ({type(error).__name__})")
            self._note_failure(node, wrong)
            raise wrong from error
        self._note(node, started)
        return answer

    def check_again(self) -> None:
        """Whatever is asked next, each node first proves again to be of the right chain."""
        for node in self._nodes:
            node.checked_at = float("-inf")

    def _prove(self, node: Node) -> None:
        if time.monotonic() - node.checked_at < _CHECK_SECONDS:
            return
        node.checked_at = float("-inf")
        self._check(node)
        node.checked_at, node.may_leap = time.monotonic(), True

    def _in_order(self) -> list[Node]:
        self._remember()
        now = time.monotonic()
        awake = [node for node in self._nodes if node.rests_until <= now]
        return sorted(awake, key=lambda node: node.failures)

    def _remember(self) -> None:
        """After a restart the order is as it was."""
        if not self._remembered:
            rows = RpcNode.objects.filter(network=self.network, mode=self.mode)
            failures = dict(rows.values_list("label", "failures"))
            for node in self._nodes:
                node.failures = failures.get(node.label, 0)
            self._remembered = True

    def _note_failure(self, node: Node, error: NodeError) -> None:
        node.failures += 1
        rest = min(2.0 ** (node.failures - 2), _LONGEST_REST) if node.failures > 1 else 0.0
        node.rests_until = time.monotonic() + rest
        until = timezone.now() + timedelta(seconds=rest)
        log.warning("node_failed", network=self.network.code, node=node.label, error=str(error), failures=node.failures)
        self._write(node, failures=node.failures, last_error=str(error)[:200], resting_until=until)

    def _note(self, node: Node, started: float) -> None:
        """Success is written down four times a minute at most, and at once after a failure."""
        now = time.monotonic()
        if node.failures or now - node.noted_at > _NOTE_SECONDS:
            node.failures, node.noted_at = 0, now
            self._write(
                node, failures=0, height=node.height, answered_at=timezone.now(), resting_until=None,
                latency_ms=int((now - started) * 1000),
            )

    def _write(self, node: Node, **changes: Any) -> None:
        RpcNode.objects.update_or_create(
            network=self.network, mode=self.mode, label=node.label, defaults=changes
        )


def _certainty(error: NodeError) -> int:
    """`NodeDown` only if every node was down: whoever was reached may have acted."""
    order = (NodeTimeout, NodeWrong, NodeBusy)
    return next((place for place, kind in enumerate(order) if isinstance(error, kind)), len(order))


def label_of(url: str) -> str:
    """The host, and a digest that tells two keys at one provider apart."""
    parts = urlsplit(url)
    return f"{(parts.hostname or '')[:100]} #{sha256(url.encode()).hexdigest()[:8]}"
