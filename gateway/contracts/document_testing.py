"""For tests: a contract's OpenAPI document, its operations and examples, and whether an answer is what it says."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from django.conf import settings

from gateway.contracts import schema

METHODS = ("get", "post", "put", "patch", "delete")


def frozen(contract: str) -> bytes:
    """The document as it stands in docs/openapi."""
    return (Path(settings.BASE_DIR) / "docs" / "openapi" / f"{contract}.yaml").read_bytes()


def operations(contract: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of every call."""
    for path, calls in schema.document(contract)["paths"].items():
        yield from ((path, method, calls[method]) for method in METHODS if method in calls)


def examples(contract: str) -> Iterator[tuple[str, str, str, Any]]:
    """(path, method, "operation example", body) of every JSON body that is shown."""
    for path, method, operation in operations(contract):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for name, example in content.get("examples", {}).items():
            yield path, method, f"{operation['operationId']} {name}", example["value"]


def takes_idempotency_key(operation: dict[str, Any]) -> bool:
    return any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))


def check_body(contract: str, path: str, method: str, body: Any) -> None:
    """A request's body has the shape that the document describes."""
    described = _document(contract)["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    _validate(contract, described, body)


def check_documented(contract: str, method: str, path: str, response: Any) -> None:
    """The status is one the document names for this call, and the body has exactly the shape it shows."""
    operation = _operation(contract, method, path.split("?")[0])
    if operation is None or response.status_code in (204, 405):
        return
    status = str(response.status_code)
    assert status in operation["responses"], (method, path, status, getattr(response, "content", "a stream"))
    said = operation["responses"][status]["content"].get("application/json", {}).get("schema", {})
    if method == "HEAD" or said.get("format") == "binary" or getattr(response, "streaming", False):
        return
    _validate(contract, said, json.loads(response.content))


def _validate(contract: str, described: dict[str, Any], body: Any) -> None:
    jsonschema.Draft202012Validator({"components": _document(contract)["components"], **described}).validate(body)


@cache
def _document(contract: str) -> dict[str, Any]:
    made: dict[str, Any] = _plain(copy.deepcopy(schema.document(contract)))
    return made


def _plain(node: Any) -> Any:
    """In JSON Schema's words: OpenAPI 3.0 says `nullable` for a second type, and has a boolean `exclusiveMinimum`."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _plain(item) for name, item in node.items()}
    if made.get("exclusiveMinimum") is True:
        made["exclusiveMinimum"] = made.pop("minimum")
    return {"anyOf": [made, {"type": "null"}]} if made.pop("nullable", False) is True else made


def _operation(contract: str, method: str, path: str) -> dict[str, Any] | None:
    """A fixed address comes before one with a parameter; HEAD is the GET's."""
    for template, calls in sorted(_document(contract)["paths"].items(), key=lambda item: item[0].count("{")):
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), f"/api/v1{path}"):
            found: dict[str, Any] | None = calls.get("get" if method == "HEAD" else method.lower())
            return found
    return None
