"""Form bodies of the signed contract: their fields as text, in the order sent, and nothing that is not quite a form."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import parse_qsl

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from gateway.contracts.problems import MalformedRequest
from gateway.lib import strict_json

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_MAX_FIELDS = 100
_REPLACED = "\ufffd"  # what a lenient decoder puts where bytes were no text


def form_fields(request: HttpRequest, body: bytes) -> list[tuple[str, str]] | None:
    """The fields of a form; None for any other body. Raises `MalformedRequest`."""
    if not body or request.content_type not in (URLENCODED, MULTIPART):
        return None
    fields = _urlencoded(body) if request.content_type == URLENCODED else _multipart(request, body)
    if len(dict(fields)) != len(fields):
        raise MalformedRequest("The form names a field twice.")
    try:
        for text in (text for field in fields for text in field):
            strict_json.check_text(text)
    except strict_json.MalformedJson as error:
        raise MalformedRequest(f"The form is malformed: {error}.") from error
    return fields


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise MalformedRequest("The form could not be read: send UTF-8 fields, at most 100.") from error


def _multipart(request: HttpRequest, body: bytes) -> list[tuple[str, str]]:
    meta = request.META | {"CONTENT_LENGTH": str(len(body))}
    try:
        parser = MultiPartParser(meta, BytesIO(body), request.upload_handlers, "utf-8")
        values, files = parser.parse()
    except (MultiPartParserError, SuspiciousOperation, ValueError) as error:
        raise MalformedRequest("The multipart form could not be read.") from error
    if files:
        raise MalformedRequest("The form must not hold files.")
    fields = [(name, str(value)) for name, found in values.lists() for value in found]
    if any(_REPLACED in text for field in fields for text in field):
        raise MalformedRequest("The form must be UTF-8.")
    return fields
