"""What a test-mode refusal tells of a signature: what the server signed; never the secret, nor a good signature."""

from __future__ import annotations

import hashlib
from typing import Any

from gateway.lib.signature import Form, Received, forms

_LONGEST = 4096


def what_was_signed(request: Received) -> dict[str, Any]:
    """Every accepted form of the request, with the digest of the string that its signature is made of."""
    return {
        "method": request.method,
        "path": request.path,
        "timestamp": request.timestamp,
        "body_sha256": hashlib.sha256(request.body).hexdigest(),
        "accepted": [_shown(form) for form in forms(request)],
    }


def _shown(form: Form) -> dict[str, str | None]:
    return {
        "path": form.path,
        "body": form.label,
        "body_as_signed": readable(form.body),
        "string_to_sign_sha256": hashlib.sha256(form.text).hexdigest(),
    }


def readable(body: bytes) -> str | None:
    """None for what is too long or no text; its digest must do then."""
    try:
        return body.decode() if len(body) <= _LONGEST else None
    except UnicodeDecodeError:
        return None
