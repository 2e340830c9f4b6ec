"""A call with its values filled in: what is sent, with the names of its keys in place of the keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from gateway.panel.reference.code import Sent
from gateway.panel.reference.operations import KEY, PUBLIC, Operation

# Header and name in the environment, by contract.
_KEYS: dict[str, tuple[tuple[str, str], ...]] = {
    "portal": (("X-API-KEY", "API_KEY"),),
    "signed": (("Access-Key", "ACCESS_KEY"),),
    "checkout": (("X-Api-Key", "API_KEY"), ("X-Api-Secret", "API_SECRET")),
    "dashboard": (("X-API-Key", "API_KEY"),),
}
# What the server's own reading of a path leaves as it is; a signature is made of this writing.
_PLAIN_IN_PATHS = ":;@&=+$,-_.!~*'()"


def request_of(contract: str, operation: Operation, values: Mapping[str, Any], base: str) -> Sent:
    """`values` are named by place (`path.payment_id`, `query.page`, `header.Idempotency-Key`), and `body` and `key`."""
    path = operation.path
    for name, text in _of("path", operation, values):
        path = path.replace(f"{{{name}}}", quote(text, safe=_PLAIN_IN_PATHS))
    return Sent(
        base=base, method=operation.method, path=path, headers=tuple(_of("header", operation, values)),
        query=urlencode(_of("query", operation, values), quote_via=quote), body=values.get("body") or "",
        keys=_keys(contract, operation, values), signed=contract == "signed",
    )


def sample_request(contract: str, operation: Operation, base: str) -> Sent:
    values: dict[str, Any] = {f"{one.place}.{one.name}": one.sample for one in operation.own}
    body = operation.bodies[0].text if operation.bodies else ""
    return request_of(contract, operation, values | {"key": True, "body": body}, base)


def _keys(contract: str, operation: Operation, values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """A public call may do without a key, and never has the secret."""
    if operation.access == KEY:
        return _KEYS[contract]
    return _KEYS[contract][:1] if operation.access == PUBLIC and values.get("key") else ()


def _of(place: str, operation: Operation, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = ((one.name, values.get(f"{place}.{one.name}")) for one in operation.own if one.place == place)
    return [(name, str(value)) for name, value in pairs if value]
