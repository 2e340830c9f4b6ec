"""Reading what a caller sent: a bounded body that is a JSON object, and a query string a database can hold."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from gateway.contracts.problems import MalformedRequest, PayloadTooLarge
from gateway.lib import strict_json

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def raw_body(request: HttpRequest) -> bytes:
    """The bytes as sent, at most 1 MiB; also those of a chunked body, which Django itself would read as empty."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if length and not (length.isascii() and length.isdigit()):
        raise MalformedRequest("Content-Length must be a number.")
    if int(length[:12] or 0) > strict_json.MAX_BYTES:
        raise PayloadTooLarge()
    if not length and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        body: bytes = request.META["wsgi.input"].read(strict_json.MAX_BYTES + 1)
    else:
        body = request.body
    if len(body) > strict_json.MAX_BYTES:
        raise PayloadTooLarge()
    return body


def json_object(request: HttpRequest) -> dict[str, Any]:
    """The body as an object; no body at all counts as `{}`."""
    body = raw_body(request)
    if request.content_type in _FORMS:
        raise MalformedRequest("Send the body as JSON, with Content-Type: application/json.")
    return strict_json.loads_object(body) if body.strip() else {}


def check_query(request: HttpRequest) -> None:
    for name, values in request.GET.lists():
        for text in (name, *values):
            strict_json.check_text(text)
