"""How the signed contract's OpenAPI document describes calls: envelopes, refusals, examples that a test executes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import getdoc
from typing import Any, TypedDict, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from gateway.contracts.fields import Body
from gateway.contracts.schema import reference
from gateway.contracts.signed import answers
from gateway.contracts.signed.bodies import MULTIPART, URLENCODED

F = TypeVar("F", bound=Callable[..., Any])
TITLE = "Signed API"
DESCRIPTION = """Payin links and payouts, every request signed.

Every call needs three headers. `Access-Key` names your pair; a pair is of one mode, `test` or `live` (its prefix says
which), and sees that mode only. `Timestamp` is the Unix time in milliseconds. `Signature` is the lower-case hex
HMAC-SHA256, with your secret key, of `METHOD`, `PATH`, `BODY` and `TIMESTAMP`, each followed by a newline. A signature
works once. No call takes a query string. Amounts are JSON numbers in rupees. The panel has a signature debugger.
"""


class AcceptedForm(TypedDict):
    """One way to write the request down: its path, its body, and the digest of the whole string to sign."""

    path: str
    body: str
    body_as_signed: str | None
    string_to_sign_sha256: str


class WhatWasSigned(TypedDict):
    """What the server made its signature of. Only with `invalid_signature`, in test mode."""

    method: str
    path: str
    timestamp: str
    body_sha256: str
    accepted: list[AcceptedForm]



COMPONENTS = (
    answers.BalanceBody, answers.PayinLinkBody, answers.PayinBody, answers.NewPayoutBody, answers.PayoutBody,
    WhatWasSigned,
)
_MEANINGS = {
    400: "`malformed_request`, or `unexpected_query`.",
    401: "`missing_credentials`, `invalid_access_key`, `invalid_timestamp`, `timestamp_expired`, `invalid_signature` "
         "(in test mode with what the server signed), `replayed_request`.",
    402: "`insufficient_balance`",
    403: "`ip_not_allowed`, `account_suspended`",
    404: "`not_found`: it does not exist, or is not yours, or is of the other mode.",
    405: "`method_not_allowed`",
    409: "`duplicate_order_id`; or `request_in_progress`: the first call with this `Idempotency-Key` still runs.",
    413: "`payload_too_large`: over 1 MiB.",
    422: "`validation_failed`: `data` maps each field to what is wrong with it; or `idempotency_key_reused`.",
    429: "`rate_limit_exceeded`; `Retry-After` says when to come back.",
    500: "`server_error`: an error of ours; the message names the request.",
    503: "`provider_unavailable` (live mode before a provider is set up), `service_unavailable` (ours).",
}
_ALWAYS = (400, 401, 403, 405, 413, 429, 500, 503)
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255}, OpenApiParameter.HEADER,
    description="The same key and body, signed anew, get the first answer again, for 24 hours.",
)


class SignatureScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "gateway.contracts.signed.authentication.SignedAuthentication"
    name = ["Access-Key", "Timestamp", "Signature"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [{"type": "apiKey", "in": "header", "name": name} for name in self.name]

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[Any]]:
        return {name: [] for name in self.name}


def call(
    name: str, summary: str, tag: str, answer: Any, *, body: type[Body] | None = None, refusals: Sequence[int] = (),
    idempotent: bool = False, form: bool = False, example: dict[str, Any] | None = None,
) -> Callable[[F], F]:
    """Describes a call that answers `data` in the envelope. `form`: it takes form bodies as well as JSON."""
    more = {*refusals, *((422,) if body else ())}
    kinds = ("application/json", *((URLENCODED, MULTIPART) if form else ()))
    request = dict.fromkeys(kinds, body) if body else None
    return _described(
        summary, operation_id=name, tags=[tag], request=request,
        parameters=[_IDEMPOTENCY_KEY] if idempotent else [],
        examples=[OpenApiExample(summary.lower(), value=example, request_only=True)] if example else [],
        responses={200: OpenApiResponse(response=_envelope(answer))} | _refusals(more),
    )


def _envelope(answer: Any) -> dict[str, Any]:
    return _object({
        "error": {"type": "string", "enum": [""]}, "data": dict(reference(answer)), "message": {"type": "string"},
        "success": {"type": "boolean", "enum": [True]},
    })


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }


def _described(summary: str, **options: Any) -> Callable[[F], F]:
    """The handler's own docstring is the description; the view's, which is for readers of the code, never is."""

    def decorate(handler: F) -> F:
        described: F = extend_schema(summary=summary, description=getdoc(handler) or f"{summary}.", **options)(handler)
        return described

    return decorate


_NOTHING: dict[str, Any] = {"type": "object", "nullable": True, "enum": [None]}
_DATA: dict[int, dict[str, Any]] = {
    401: {"allOf": [reference(WhatWasSigned)], "nullable": True},
    422: {
        "type": "object", "nullable": True,
        "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    },
}


def _refusals(more: Any) -> dict[int, OpenApiResponse]:
    return {
        status: OpenApiResponse(response=_refused(_DATA.get(status, _NOTHING)), description=_MEANINGS[status])
        for status in sorted({*_ALWAYS, *more})
    }


def _refused(data: dict[str, Any]) -> dict[str, Any]:
    return _object({
        "error": {"type": "string", "minLength": 1}, "data": data, "message": {"type": "string", "minLength": 1},
        "success": {"type": "boolean", "enum": [False]},
    })
