"""The signed contract's door: a pair whose secret signed this very request, within its time.

In this order: the three headers, the access key, the query, the timestamp, the signature; then (in `base`) the rate
limit, the caller's address, the merchant, and that the signature is new. One query finds the pair and its merchant.
Nothing is kept in this process: a pair that is revoked or regenerated is refused everywhere from the next request on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import credentials
from accounts.actors import Actor
from accounts.models import Credential, Merchant
from gateway.contracts import bodies
from gateway.contracts.base import MerchantCaller
from gateway.contracts.limits import Limit
from gateway.contracts.problems import MalformedRequest, Unauthenticated
from gateway.contracts.signed.bodies import form_fields
from gateway.contracts.signed.errors import Refused, UnexpectedQuery
from gateway.contracts.signed.explaining import what_was_signed
from gateway.lib import secrets, signature
from gateway.lib.modes import Mode
from gateway.lib.signature import Received

HEADERS = ("Access-Key", "Timestamp", "Signature")
_IN_META = tuple(f"HTTP_{name.upper().replace('-', '_')}" for name in HEADERS)
MINUTE = 60


@dataclass(frozen=True, slots=True)
class SignedCaller(MerchantCaller):
    """`signature` is authentic; whether it was used before is asked when everything else is in order."""

    credential: Credential
    signature: str


class SignedAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Merchant, SignedCaller]:
        access_key, timestamp, given = _headers(request)
        found = credentials.find_signed_credential(access_key)
        if found is None:
            raise Unauthenticated("This access key does not exist, or is no longer valid.", "invalid_access_key")
        if request._request.META.get("QUERY_STRING"):
            raise UnexpectedQuery()
        _check_time(timestamp)
        _check_signature(received(request._request, timestamp), found, given)
        credentials.touch(found)
        return found.merchant, SignedCaller(
            actor=Actor(None, found.identifier), mode=found.mode, owner=found.merchant.public_id,
            limit=Limit(f"signed:{found.identifier}", settings.SIGNED_RATE_LIMIT, MINUTE),
            merchant=found.merchant, credential=found, signature=given,
        )


def _headers(request: Request) -> list[str]:
    values = [request.META.get(name, "") for name in _IN_META]
    missing = [name for name, value in zip(HEADERS, values, strict=True) if not value]
    if missing:
        raise Unauthenticated(f"Headers are missing: {', '.join(missing)}.", "missing_credentials")
    return values


def _check_time(timestamp: str) -> None:
    if not signature.is_timestamp(timestamp):
        raise Unauthenticated(
            "Timestamp must be the milliseconds since 1 January 1970, UTC: 13 digits, and nothing else.",
            "invalid_timestamp",
        )
    offset = signature.offset_ms(timestamp, time.time_ns() // 1_000_000)
    if not signature.is_in_window(offset):
        side = "ahead of" if offset > 0 else "behind"
        raise Unauthenticated(
            f"Timestamp is {abs(offset) / 1000:.1f} s {side} this server's clock; "
            "it may be 5 minutes behind and 30 s ahead.", "timestamp_expired",
        )


def received(request: HttpRequest, timestamp: str) -> Received:
    """What a signature must have been made of."""
    body = bodies.raw_body(request)
    return Received(str(request.method), escape_uri_path(request.path), body, timestamp, _fields(request, body))


def _fields(request: HttpRequest, body: bytes) -> list[tuple[str, str]] | None:
    """None also for a form that cannot be read: its signature may still be good, and then it is told so."""
    try:
        return form_fields(request, body)
    except MalformedRequest:
        return None


def _check_signature(request: Received, found: Credential, given: str) -> None:
    if signature.matching(request, secrets.decrypt(found.secret_encrypted), given) is None:
        help_data: dict[str, Any] | None = what_was_signed(request) if found.mode == Mode.TEST else None
        raise Refused(
            "The signature does not belong to this request and this access key's secret.", "invalid_signature",
            data=help_data,
        )
