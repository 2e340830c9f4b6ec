"""How the portal's OpenAPI document describes calls: the envelopes, and which refusals each call can meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import getdoc
from typing import Any, Literal, NotRequired, TypedDict, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from gateway.contracts.fields import Body
from gateway.contracts.filters import Filters
from gateway.contracts.pagination import Pagination
from gateway.contracts.portal import answers
from gateway.contracts.schema import parameters_of, reference

F = TypeVar("F", bound=Callable[..., Any])
TITLE = "Portal API"
DESCRIPTION = """Payments, payouts, balances, users and webhook endpoints, with one personal key a user.

Every call needs `X-API-KEY`. A key is of one mode, `test` or `live` (its prefix says which), and sees that mode only.
Amounts are JSON numbers in rupees. Every answer to an authenticated call carries `X-RateLimit-Limit`,
`X-RateLimit-Remaining` and `X-RateLimit-Reset`; every answer carries `X-Request-Id`.
"""


class ErrorBody(TypedDict):
    """`fields` and `details` with a 400 about fields, `request_id` with a 5xx."""

    code: str
    message: str
    status: int
    timestamp: answers.Timestamp
    fields: NotRequired[list[str]]
    details: NotRequired[dict[str, str]]
    request_id: NotRequired[str]


class Refused(TypedDict):
    success: Literal[False]
    error: ErrorBody


COMPONENTS = (
    answers.BalanceBody, answers.PaymentBody, answers.PayoutBody, answers.UserBody, answers.NewUserBody,
    answers.ProfileBody, answers.NewKeyBody, answers.EndpointBody, answers.DeletedBody, answers.TestDeliveryBody,
    Pagination, Refused,
)
_MEANINGS = {
    400: "Something sent is missing or bad: `missing_fields`, `invalid_fields`, `malformed_request`.",
    401: "`invalid_api_key`",
    402: "`insufficient_balance`",
    403: "`insufficient_permissions`: the role never has access, or the account is suspended.",
    404: "`not_found`: it does not exist, or is not yours to see.",
    405: "`method_not_allowed`",
    409: "A conflict: `duplicate_order_id`, `email_taken`, `invalid_state` or `request_in_progress`.",
    413: "`payload_too_large`: over 1 MiB.",
    422: "`idempotency_key_reused`",
    429: "`rate_limit_exceeded`; `Retry-After` says when to come back.",
    500: "`database_error`: an error of ours, with its `request_id`.",
    503: "`provider_unavailable`, or `database_error` while the database cannot be reached.",
}
_ALWAYS = (400, 401, 403, 405, 429, 500, 503)
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255}, OpenApiParameter.HEADER,
    description="The same key and body get the first answer again, with `Idempotent-Replayed: true`, for 24 hours.",
)
_MERCHANT = OpenApiParameter(
    "merchant_id", {"type": "string", "maxLength": 24}, OpenApiParameter.QUERY,
    description="Which merchant's; operators only.",
)


class PortalScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "gateway.contracts.portal.authentication.PortalAuthentication"
    name = "X-API-KEY"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-API-KEY"}


def call(
    name: str, summary: str, tag: str, answer: Any, *, status: int = 200, body: type[Body] | None = None,
    refusals: Sequence[int] = (), idempotent: bool = False, merchant: bool = False,
) -> Callable[[F], F]:
    """Describes a call that answers one resource."""
    parameters = [_IDEMPOTENCY_KEY] if idempotent else []
    parameters += [_MERCHANT] if merchant else []
    more = {*refusals, *((413,) if body else ()), *((409, 413, 422) if idempotent else ())}
    data = {"type": "object", "properties": {"success": _TRUE, "data": reference(answer)}}
    return _described(
        summary, operation_id=name, tags=[tag], request=body, parameters=parameters,
        responses={status: _answer(data, ["success", "data"])} | _refusals(more),
    )


def listing(
    name: str, summary: str, tag: str, answer: Any, filters: type[Filters] | None = None
) -> Callable[[F], F]:
    """Describes a call that answers a page of resources."""
    rows = {"type": "array", "items": reference(answer)}
    data = {"type": "object", "properties": {"success": _TRUE, "data": rows, "pagination": reference(Pagination)}}
    return _described(
        summary, operation_id=name, tags=[tag], parameters=parameters_of(filters),
        responses={200: _answer(data, ["success", "data", "pagination"])} | _refusals(()),
    )


def _described(summary: str, **options: Any) -> Callable[[F], F]:
    """The handler's own docstring is the description; the view's, which is for readers of the code, never is."""

    def decorate(handler: F) -> F:
        described: F = extend_schema(summary=summary, description=getdoc(handler) or f"{summary}.", **options)(handler)
        return described

    return decorate


_TRUE = {"type": "boolean", "enum": [True]}


def _answer(schema: dict[str, Any], required: list[str]) -> OpenApiResponse:
    return OpenApiResponse(response=schema | {"required": required, "additionalProperties": False})


def _refusals(more: Any) -> dict[int, OpenApiResponse]:
    return {
        status: OpenApiResponse(response=dict(reference(Refused)), description=_MEANINGS[status])
        for status in sorted({*_ALWAYS, *more})
    }


