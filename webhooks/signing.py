"""The headers of a delivery: who signs what, with which key.

`X-Signature`: hex HMAC-SHA256 of the raw body; key: the secret as it is shown, as UTF-8 bytes.
`webhook-id`, `-timestamp`, `-signature`: Standard Webhooks (https://www.standardwebhooks.com); key: what follows
`whsec_`, base64-decoded. While a secret is being rotated, one value each for the new and the old one.
`Timestamp`, `Signature` (contract `signed` only): METHOD, PATH, BODY, TIMESTAMP, each followed by a newline.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

USER_AGENT = "Gateway-Webhooks/1.0"
_PREFIX = "whsec_"


def headers(
    *, contract: str, url: str, event_id: str, event_name: str, body: bytes, secrets: Sequence[str], at: datetime
) -> dict[str, str]:
    """Every header of one attempt made `at`. `secrets`: the current one first, then any that is still honoured."""
    current, seconds = secrets[0], str(int(at.timestamp()))
    result = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Event": event_name,
        "X-Signature": _hex(current.encode(), body),
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_standard(secrets, event_id, seconds, body)),
    }
    if contract == "signed":
        milliseconds = str(int(at.timestamp() * 1000))
        result |= {"Timestamp": milliseconds, "Signature": sign_request(current, "POST", url, body, milliseconds)}
    return result


def sign_request(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """The `signed` contract's signature over the URL's path (without its query)."""
    path = urlsplit(url).path or "/"
    return _hex(secret.encode(), f"{method}\n{path}\n".encode() + body + f"\n{timestamp}\n".encode())


def standard_form(secret: str) -> str:
    """The secret as Standard Webhooks libraries take it; `checkout` shows its secrets as bare hex."""
    if secret.startswith(_PREFIX):
        return secret
    return _PREFIX + base64.b64encode(bytes.fromhex(secret)).decode()


def _standard(secrets: Sequence[str], event_id: str, seconds: str, body: bytes) -> list[str]:
    message = f"{event_id}.{seconds}.".encode() + body
    digests = [hmac.digest(key, message, "sha256") for secret in secrets for key in _standard_keys(secret)]
    return [f"v1,{base64.b64encode(digest).decode()}" for digest in digests]


def _standard_keys(secret: str) -> list[bytes]:
    """The bytes of `standard_form`; a hex secret counts as its text too, since both readings of it are in use."""
    keys = [base64.b64decode(standard_form(secret).removeprefix(_PREFIX))]
    return keys if secret.startswith(_PREFIX) else [*keys, secret.encode()]


def _hex(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()
