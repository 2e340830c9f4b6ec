"""Secrets at rest.

What is only looked up is kept as a keyed digest (HMAC-SHA-256 with the installation's pepper); what is needed in
clear (HMAC secrets, webhook secrets) is encrypted with MultiFernet, whose first key encrypts and whose others
still decrypt. Neither form appears in logs, errors, task arguments or the audit trail.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def digest(value: str, *, purpose: str) -> str:
    """64 hex digits, the same for the same value and purpose; `purpose` keeps one kind from matching another."""
    message = f"{purpose}\0{value}".encode("utf-8", "surrogatepass")
    return hmac.new(settings.GATEWAY_PEPPER.encode(), message, hashlib.sha256).hexdigest()


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(value: str) -> str:
    return _cipher(tuple(settings.GATEWAY_ENCRYPTION_KEYS)).encrypt(value.encode()).decode()


def decrypt(token: str) -> str:
    return _cipher(tuple(settings.GATEWAY_ENCRYPTION_KEYS)).decrypt(token.encode()).decode()


def reencrypt(token: str) -> str:
    """The same secret under the first key of `GATEWAY_ENCRYPTION_KEYS`."""
    return _cipher(tuple(settings.GATEWAY_ENCRYPTION_KEYS)).rotate(token.encode()).decode()


def uses_first_key(token: str) -> bool:
    try:
        _cipher((settings.GATEWAY_ENCRYPTION_KEYS[0],)).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def new_key(prefix: str) -> str:
    """A credential such as `gw_test_` + 43 characters (32 random bytes, base64url without padding)."""
    return prefix + secrets.token_urlsafe(32)


def new_webhook_secret() -> str:
    """The Standard Webhooks form: `whsec_` + base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
