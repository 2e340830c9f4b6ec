"""What a request's signature is made of: `METHOD\\nPATH\\nBODY\\nTIMESTAMP\\n`, HMAC-SHA256, lower-case hex.

The published contract contradicts itself on PATH and BODY, so each has more than one form. Every form binds the whole
request: none can be reached from another request than the one that was sent. Pure: no clock, no database, no settings.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.lib import strict_json
from gateway.lib.strict_json import JsonNumber, MalformedJson

OLDEST_MS = 5 * 60 * 1000
AHEAD_MS = 30 * 1000
_TIMESTAMP = re.compile(r"[1-9][0-9]{12}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived. `path` is without its query; `fields` are those of a form, in the order sent."""

    method: str
    path: str
    body: bytes
    timestamp: str
    fields: Sequence[tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """One accepted way to write a request down. `label` says which, in words for a merchant."""

    label: str
    path: str
    body: bytes
    text: bytes  # what is signed


def forms(request: Received) -> Iterator[Form]:
    """Every accepted form, the usual ones first; the dearer ones are only made when they are asked for."""
    for label, body in _bodies(request):
        for path in (request.path, request.path.removeprefix("/")):
            yield Form(label, path, body, string_to_sign(request.method, path, body, request.timestamp))


def _bodies(request: Received) -> Iterator[tuple[str, bytes]]:
    if not request.body:
        if request.method == "GET":
            yield "an empty line", b""
        yield "{}", b"{}"
        return
    yield "the body as it was sent", request.body
    compact = _compact_body(request)
    if compact is not None and compact != request.body:
        yield "the fields as compact JSON" if request.fields is not None else "the body as compact JSON", compact


def _compact_body(request: Received) -> bytes | None:
    if request.fields is not None:
        return compact(dict(request.fields))
    try:
        return compact(strict_json.loads(request.body))
    except MalformedJson:
        return None


def compact(value: Any) -> bytes:
    """As Python's `json.dumps(value, separators=(",", ":"))`, with every number in the digits it was sent in."""
    return _compact(value).encode()


def _compact(value: Any) -> str:
    if isinstance(value, JsonNumber):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_compact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    return json.dumps(value)


def string_to_sign(method: str, path: str, body: bytes, timestamp: str) -> bytes:
    return f"{method}\n{path}\n".encode() + body + f"\n{timestamp}\n".encode()


def sign(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def matching(request: Received, secret: str, signature: str) -> Form | None:
    """The form that `signature` was made of; compared in constant time. None: it is no signature of this request."""
    if not _SIGNATURE.fullmatch(signature):
        return None
    return next((form for form in forms(request) if hmac.compare_digest(sign(secret, form.text), signature)), None)


def is_timestamp(text: str) -> bool:
    """Unix milliseconds: 13 digits, as they have been since 2001 and will be until 2286."""
    return bool(_TIMESTAMP.fullmatch(text))


def offset_ms(timestamp: str, now_ms: int) -> int:
    """How far a timestamp lies ahead of `now_ms`; negative: behind it."""
    return int(timestamp) - now_ms


def is_in_window(offset: int) -> bool:
    return -OLDEST_MS <= offset <= AHEAD_MS
