"""Sends a call through the API's own door, in this process, as a signed-in user's own test credential.

It is the call that a merchant's server makes, with the same rate limit, allow-list, checks and records, but for the
secret: of a portal, checkout or dashboard key only a digest is kept, so the panel vouches for it; a signed pair's
secret signs here. Live credentials are refused; each call that can change something is written down as the panel's.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import responses
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import resolve
from django.views.decorators.debug import sensitive_variables

from accounts import audit
from accounts.models import Credential, PortalKey
from gateway.lib import logs, secrets, signature
from gateway.lib.errors import NotAllowed
from gateway.lib.modes import Mode
from gateway.lib.vouching import vouch
from gateway.panel.access import PanelRequest
from gateway.panel.reference.code import Sent
from gateway.panel.reference.operations import Operation

_SHOWN = 64 * 1024
_KEPT = ("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "HTTP_HOST", "HTTP_X_FORWARDED_FOR",
         "HTTP_X_FORWARDED_PROTO", "wsgi.url_scheme")
_STAND_IN = "vouched-for"  # for a secret that nobody knows


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is what came, JSON laid out; cut at 64 KiB."""

    status: int
    milliseconds: int
    headers: list[tuple[str, str]]
    body: str

    @property
    def reason(self) -> str:
        return responses.get(self.status, "")

    @property
    def is_good(self) -> bool:
        return self.status < 400

    @property
    def data(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def send(
    request: PanelRequest, contract: str, operation: Operation, sent: Sent, credential: PortalKey | Credential | None
) -> Answer:
    """Raises `NotAllowed` for a credential that is not of test mode."""
    if credential is not None and credential.mode != Mode.TEST:
        raise NotAllowed("Only calls of test mode are sent from here.")
    call = _request(request, contract, sent, credential)
    if credential is not None and contract != "signed":
        vouch(call, contract, credential)
    started = time.perf_counter()
    response = resolve("/api/").func(call)
    answer = _read(response, started)
    if operation.changes:
        audit.record(
            request.actor, "api.tried", credential.hint if credential else "no key", mode=Mode.TEST,
            merchant=request.viewer.user.merchant_id, call=f"{sent.method} {sent.path}", contract=contract,
            status=answer.status,
        )
    return answer


def _request(
    request: PanelRequest, contract: str, sent: Sent, credential: PortalKey | Credential | None
) -> WSGIRequest:
    body = sent.body.encode()
    environ = {name: request.META[name] for name in _KEPT if name in request.META} | {
        "REQUEST_METHOD": sent.method, "PATH_INFO": unquote_to_bytes(sent.path).decode("latin-1"),
        "QUERY_STRING": sent.query, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body) or ""),
        "CONTENT_TYPE": "application/json" if body else "",
    }
    environ.setdefault("wsgi.url_scheme", request.scheme)
    headers = dict(sent.headers) | _credential_headers(contract, sent, credential)
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return WSGIRequest(environ)


@sensitive_variables("secret")
def _credential_headers(contract: str, sent: Sent, credential: PortalKey | Credential | None) -> dict[str, str]:
    """What a caller would send, so that the dispatcher finds the contract."""
    if credential is None or not sent.keys:
        return {}
    if isinstance(credential, PortalKey):
        return {"X-API-KEY": _STAND_IN}
    names = {name for name, _ in sent.keys}
    if contract == "dashboard":
        return dict.fromkeys(names, _STAND_IN)
    if contract == "checkout":
        secret = {"X-Api-Secret": _STAND_IN} if "X-Api-Secret" in names else {}
        return {"X-Api-Key": credential.identifier} | secret
    timestamp = str(time.time_ns() // 1_000_000)
    text = signature.string_to_sign(sent.method, sent.path, sent.signed_body.encode(), timestamp)
    secret_key = secrets.decrypt(credential.secret_encrypted)
    return {
        "Access-Key": credential.identifier, "Timestamp": timestamp, "Signature": signature.sign(secret_key, text),
    }


def _read(response: HttpResponseBase, started: float) -> Answer:
    content = _content(response)
    took = round((time.perf_counter() - started) * 1000)
    headers = [(name, str(value)) for name, value in response.items()]
    request_id = logs.context().get("request_id")
    headers += [("X-Request-Id", request_id)] if request_id else []
    return Answer(response.status_code, took, headers, _shown(content, response.get("Content-Type", "")))


def _content(response: HttpResponseBase) -> bytes:
    if isinstance(response, HttpResponse):
        return response.content
    assert isinstance(response, StreamingHttpResponse)
    parts: Iterable[bytes] = response.streaming_content  # type: ignore[assignment]
    kept = bytearray()
    for part in parts:
        kept += part
        if len(kept) > _SHOWN:
            break
    response.close()
    return bytes(kept)


def _shown(content: bytes, kind: str) -> str:
    if "json" in kind and len(content) <= _SHOWN:
        try:
            return json.dumps(json.loads(content), indent=2, ensure_ascii=False)
        except ValueError:
            pass
    try:
        return content[:_SHOWN].decode()
    except UnicodeDecodeError:
        return content[:_SHOWN].decode(errors="ignore") if kind.startswith("text/") else "(a file, not shown here)"
