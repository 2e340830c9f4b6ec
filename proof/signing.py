"""The signed contract's signature, written from its published form; also the hook that signs a fuzzer's requests."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from typing import Any
from urllib.parse import urlsplit

_lock = threading.Lock()
_last = 0


def headers(access_key: str, secret: str, method: str, path: str, body: bytes) -> dict[str, str]:
    timestamp = _fresh()
    said = body or (b"" if method == "GET" else b"{}")
    message = b"\n".join((method.encode(), path.encode(), said, timestamp.encode(), b""))
    signature = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return {"Access-Key": access_key, "Timestamp": timestamp, "Signature": signature}


def _fresh() -> str:
    """Now, and never the same twice: two calls within a millisecond would have one signature."""
    global _last
    with _lock:
        _last = max(_last + 1, time.time_ns() // 1_000_000)
        return str(_last)


class Signer:
    """For `requests`: signs what is really sent."""

    def __call__(self, request: Any) -> Any:
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        own = headers(
            os.environ["PROOF_ACCESS_KEY"], os.environ["PROOF_SECRET_KEY"], request.method, urlsplit(request.url).path, raw
        )
        request.headers.update(own)
        return request


if "PROOF_ACCESS_KEY" in os.environ:  # loaded by schemathesis, which is there then
    import schemathesis

    schemathesis.auth.set_from_requests(Signer())

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        """Without any access key a call is the portal's, by the rule of dispatch: this contract's cases have one."""
        case.headers = case.headers or {}
        case.headers.setdefault("Access-Key", "ak_test_nobody")
