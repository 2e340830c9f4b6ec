"""For tests: a client that signs as the original's Python sample does, and holds every answer against the document."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from typing import Any

from django.test import Client

from accounts.actors import Actor
from accounts.credentials import IssuedCredential, issue_credential
from accounts.models import Credential, Merchant
from gateway.contracts.document_testing import check_documented

# The original's own bodies.
LINK: dict[str, Any] = {
    "user_id": "a42332-2fs-q341-d36d34", "order_id": "adsd-ewerz-23sdsd-ad234", "amount": 100, "method": "UPI",
    "redirect_url": "http://test.com",
}
PAYOUT: dict[str, Any] = {
    "beneficiary_name": "Test Name", "beneficiary_email": "test.test@gmail.com", "beneficiary_mobile_no": 7878787878,
    "beneficiary_address": "NOIDA", "payment_method": "IMPS", "beneficiary_acc_no": "99999999999", "bank_name": "SBI",
    "ifsc": "SBIN0060589", "amount": 100, "order_id": "qweq-2d2fss-2234sd-44533",
    "user_id": "aseq-2d2fss-22a4sd-44a33", "remarks": None,
}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def calculate_hmac(secret: str, timestamp: str, body: str, path: str, method: str) -> str:
    """Written from the published contract alone; the product's own code is not asked."""
    message = f"{method}\n{path}\n{body}\n{timestamp}\n"
    return hmac.new(secret.encode(), message.encode("utf-8"), hashlib.sha256).hexdigest()


class Signed:
    """`signed("POST", "/payin/generate/link", {…})` → the response, signed with a pair of `merchant`'s."""

    _last = 0
    _counting = threading.Lock()

    def __init__(self, merchant: Merchant, mode: str = "test", **more: Any) -> None:
        self.merchant = merchant
        self.pair: IssuedCredential = issue_credential(
            actor=Actor.system("tests"), merchant=merchant, contract="signed", mode=mode, **more
        )

    @property
    def credential(self) -> Credential:
        return Credential.objects.get(identifier=self.pair.identifier)

    def headers(
        self, method: str, path: str, body: str, *, secret: str | None = None, timestamp: str | None = None
    ) -> dict[str, str]:
        """`path` and `body` as they are signed."""
        timestamp = self.fresh() if timestamp is None else timestamp
        key = self.pair.secret if secret is None else secret
        return {
            "Access-Key": self.pair.identifier, "Timestamp": timestamp,
            "Signature": calculate_hmac(key, timestamp, body, path, method),
        }

    @classmethod
    def fresh(cls) -> str:
        """Now, and never the same twice: two calls within a millisecond would have one signature."""
        with cls._counting:
            cls._last = max(cls._last + 1, now_ms())
            return str(cls._last)

    def __call__(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, signed: str | None = None,
        headers: dict[str, str] | None = None, content_type: str = "application/json", **more: Any,
    ) -> Any:
        """`raw` is what is sent instead of compact JSON; `signed` what is signed instead of what is sent."""
        compact = "" if body is None else json.dumps(body, separators=(",", ":"))
        content = compact.encode() if raw is None else raw
        empty = "" if method == "GET" else "{}"
        as_signed = signed if signed is not None else (content.decode("utf-8", "surrogateescape") or empty)
        made = self.headers(method, f"/api/v1{path.split('?')[0]}", as_signed)
        return send(method, path, content, made | (headers or {}), content_type=content_type, **more)


def send(
    method: str, path: str, content: bytes = b"", headers: dict[str, str] | None = None, *,
    content_type: str = "application/json", documented: bool = True, **environ: Any,
) -> Any:
    response = Client(raise_request_exception=False).generic(
        method, f"/api/v1{path}", content, content_type=content_type, headers=headers or {}, **environ
    )
    if documented:
        check_documented("signed", method, path, response)
    return response


def good(response: Any) -> Any:
    """The `data` of a success."""
    body = response.json()
    assert response.status_code == 200, body
    assert list(body) == ["error", "data", "message", "success"]
    assert (body["error"], body["success"]) == ("", True)
    return body["data"]


def refused(response: Any, status: int, error: str) -> dict[str, Any]:
    """Asserts a refusal of this contract, and returns its body."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["error"]) == (status, error), body
    assert list(body) == ["error", "data", "message", "success"]
    assert body["success"] is False
    assert body["message"]
    return body
