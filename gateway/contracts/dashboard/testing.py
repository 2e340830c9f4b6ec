"""For tests: a client of this contract that holds every answer against its own OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from accounts.actors import Actor
from accounts.credentials import issue_credential
from accounts.models import Merchant
from gateway.contracts.document_testing import check_documented


class Dashboard:
    """`dashboard("GET", "/dashboard/overview")` → the response, called with a key of `merchant`'s."""

    def __init__(self, merchant: Merchant, mode: str = "test") -> None:
        self.merchant = merchant
        self.key = issue_credential(
            actor=Actor.system("tests"), merchant=merchant, contract="dashboard", mode=mode
        ).secret

    def __call__(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Any:
        return call(method, path, body, raw=raw, headers={"X-API-Key": self.key} | (headers or {}))

    def get(self, path: str, **query: Any) -> Any:
        """The `data` of a good answer to `GET /dashboard{path}`."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        return good(self("GET", f"/dashboard{path}{'?' if words else ''}{words}"), 200)

    def session(self, **more: Any) -> Any:
        body = {"amount": 100, "currency": "USDT", "network": "BSC", "reference": "ORDER-1"} | more
        return good(self("POST", "/checkout/sessions", body))


def call(
    method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, raw: bytes | None = None
) -> Any:
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    response = Client(raise_request_exception=False).generic(
        method, f"/api/v1{path}", content, content_type="application/json", headers=headers or {}
    )
    check_documented("dashboard", method, path, response)
    return response


def good(response: Any, status: int = 201) -> Any:
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) == {"success", "data"}
    assert body["success"] is True
    return body["data"]


def refused(response: Any, status: int, code: str, parameter: str | None = None) -> dict[str, Any]:
    """Asserts a refusal of this contract, and returns its `error`."""
    body = response.json()
    error: dict[str, Any] = body["error"]
    assert (response.status_code, error["code"], error["details"].get("parameter")) == (status, code, parameter), body
    assert set(body) == {"success", "error"}
    assert body["success"] is False
    assert set(error) == {"code", "message", "details"}
    assert error["message"]
    return error
