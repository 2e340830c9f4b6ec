"""For tests: a client of this contract that holds every answer against its own OpenAPI document."""

from __future__ import annotations

import base64
import json
from typing import Any

from django.test import Client

from accounts.actors import Actor
from accounts.credentials import IssuedCredential, issue_credential
from accounts.models import Merchant
from gateway.contracts.document_testing import check_documented
from payments.work import drive_payments

CARD = {"method": "card", "card_number": "4111111111111111", "expiry_month": 12, "expiry_year": 2030, "cvv": "123"}


class Checkout:
    """`checkout("POST", "/orders", {…})` → the response, called with a pair of `merchant`'s."""

    def __init__(self, merchant: Merchant, mode: str = "test") -> None:
        self.merchant = merchant
        self.pair: IssuedCredential = issue_credential(
            actor=Actor.system("tests"), merchant=merchant, contract="checkout", mode=mode
        )

    def headers(self, *, basic: bool = False) -> dict[str, str]:
        if not basic:
            return {"X-Api-Key": self.pair.identifier, "X-Api-Secret": self.pair.secret}
        words = f"{self.pair.identifier}:{self.pair.secret}".encode()
        return {"Authorization": f"Basic {base64.b64encode(words).decode()}"}

    def __call__(
        self, method: str, path: str, body: Any = None, *, basic: bool = False, headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Any:
        return call(method, path, body, raw=raw, headers=self.headers(basic=basic) | (headers or {}))

    def order(self, amount: int = 50_000, **more: Any) -> Any:
        return good(self("POST", "/orders", {"amount": amount} | more))

    def pay(self, order: dict[str, Any], **more: Any) -> Any:
        way = {"method": "upi", "vpa": "success@upi"} if "method" not in more else {}
        return good(self("POST", "/payments", {"order_id": order["id"]} | way | more))

    def paid(self, amount: int = 50_000, **more: Any) -> Any:
        """A payment that was authorised and, unless its order says so, not captured."""
        payment = self.pay(self.order(amount, **more))
        drive_payments()
        return good(self("GET", f"/payments/{payment['id']}"), 200)

    def captured(self, amount: int = 50_000) -> Any:
        return self.paid(amount, manual_capture=False)


def call(
    method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, raw: bytes | None = None,
    documented: bool = True,
) -> Any:
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    response = Client(raise_request_exception=False).generic(
        method, f"/api/v1{path}", content, content_type="application/json", headers=headers or {}
    )
    if documented:
        check_documented("checkout", method, path, response)
    return response


def good(response: Any, status: int = 201) -> Any:
    assert response.status_code == status, response.content
    return response.json()


def refused(response: Any, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """Asserts a refusal of this contract, and returns its `error`."""
    body = response.json()
    assert (response.status_code, body["error"]["code"], body["error"]["field"]) == (status, code, field), body
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "description", "field"}
    assert body["error"]["description"]
    error: dict[str, Any] = body["error"]
    return error
