"""How the checkout contract's OpenAPI document describes calls: shapes, refusals, and examples that a test executes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import getdoc
from typing import Any, Literal, TypedDict, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from gateway.contracts.checkout import answers
from gateway.contracts.checkout.lists import MAX_SKIP
from gateway.contracts.checkout.stats import StatsBody
from gateway.contracts.fields import Body
from gateway.contracts.filters import Filters
from gateway.contracts.pagination import MAX_LIMIT
from gateway.contracts.schema import parameters_of, reference

F = TypeVar("F", bound=Callable[..., Any])
TITLE = "Checkout API"
DESCRIPTION = """Orders, payments, captures, refunds and webhooks, in the manner of Razorpay.

Merchants' calls need `X-Api-Key` and `X-Api-Secret`, or the same two by HTTP Basic. A pair is of one mode, `test` or
`live` (its prefix says which), and sees that mode only. Public calls need no secret. Amounts are JSON integers in
paise. Callers by HTTP Basic also get the names that Razorpay's own clients look for (`entity`, `amount_refunded`, …).
"""


class ErrorBody(TypedDict):
    code: Literal[
        "AUTHENTICATION_ERROR", "BAD_REQUEST_ERROR", "FORBIDDEN_ERROR", "NOT_FOUND_ERROR", "CONFLICT_ERROR",
        "IDEMPOTENCY_ERROR", "RATE_LIMIT_ERROR", "METHOD_NOT_ALLOWED_ERROR", "PAYLOAD_TOO_LARGE_ERROR",
        "GATEWAY_ERROR", "SERVER_ERROR",
    ]
    description: str
    field: str | None


class Refused(TypedDict):
    """`field`: the first field that is missing or bad, if it is about one."""

    error: ErrorBody


COMPONENTS = (
    answers.OrderBody, answers.PaymentBody, answers.RefundBody, answers.NewWebhookBody, answers.WebhookBody,
    answers.WebhookLogBody, answers.RetryBody, answers.JobBody, answers.HealthBody, StatsBody, Refused,
)
_MEANINGS = {
    400: "`BAD_REQUEST_ERROR`: something sent is missing or bad, or the record's state does not allow it.",
    401: "`AUTHENTICATION_ERROR`",
    403: "`FORBIDDEN_ERROR`",
    404: "`NOT_FOUND_ERROR`: it does not exist, or is not yours to see.",
    405: "`METHOD_NOT_ALLOWED_ERROR`",
    409: "`CONFLICT_ERROR`: the order is paid already, or the first call with this key is still running.",
    413: "`PAYLOAD_TOO_LARGE_ERROR`: over 1 MiB.",
    422: "`IDEMPOTENCY_ERROR`: this `Idempotency-Key` was used before with another body.",
    429: "`RATE_LIMIT_ERROR`; `Retry-After` says when to come back.",
    500: "`SERVER_ERROR`: an error of ours; the description names the request.",
    503: "`GATEWAY_ERROR` (no provider), or `SERVER_ERROR` while the database cannot be reached.",
}
_ALWAYS = (400, 401, 403, 405, 429, 500, 503)
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255}, OpenApiParameter.HEADER,
    description="The same key and body get the first answer again, with `Idempotent-Replayed: true`, for 24 hours.",
)
_SKIPPING = [
    OpenApiParameter("count", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}, OpenApiParameter.QUERY),
    OpenApiParameter("skip", {"type": "integer", "minimum": 0, "maximum": MAX_SKIP}, OpenApiParameter.QUERY),
]
_ADDRESS = {"type": "string", "format": "uri", "maxLength": 2000}
URL_PARAMETERS = [
    OpenApiParameter("url", _ADDRESS, OpenApiParameter.QUERY, description="If the body has none."),
    OpenApiParameter("url", _ADDRESS, OpenApiParameter.HEADER, description="If neither body nor query has one."),
]
DEEP = [OpenApiParameter("deep", {"type": "string", "enum": ["1"]}, OpenApiParameter.QUERY)]


class PairScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "gateway.contracts.checkout.authentication.PairAuthentication"
    name = ["X-Api-Key", "X-Api-Secret", "Basic"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        headers = [{"type": "apiKey", "in": "header", "name": name} for name in ("X-Api-Key", "X-Api-Secret")]
        return [*headers, {"type": "http", "scheme": "basic"}]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{"X-Api-Key": [], "X-Api-Secret": []}, {"Basic": []}]


class PublicScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "gateway.contracts.checkout.authentication.PublicAuthentication"
    name = "PublishableKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-Api-Key"}

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{}, {"PublishableKey": []}]


def call(
    name: str, summary: str, tag: str, answer: Any, *, status: int = 200, body: type[Body] | None = None,
    refusals: Sequence[int] = (), also: Sequence[int] = (), idempotent: bool = False,
    parameters: Sequence[OpenApiParameter] = (), example: dict[str, Any] | None = None,
    examples: Mapping[str, dict[str, Any]] | None = None,
) -> Callable[[F], F]:
    """Describes a call that answers one resource. `also`: other statuses that answer it; `answer` None: no body."""
    shown = examples or ({summary.lower(): example} if example else {})
    more = {*refusals, *((413,) if body else ()), *((409, 413, 422) if idempotent else ())}
    good = OpenApiResponse(response=dict(reference(answer)) if answer else None)
    return _described(
        summary, operation_id=name, tags=[tag], request=body,
        parameters=[*parameters, *([_IDEMPOTENCY_KEY] if idempotent else [])],
        examples=[OpenApiExample(title, value=value, request_only=True) for title, value in shown.items()],
        responses=_refusals(more) | dict.fromkeys((status, *also), good),
    )


def listing(
    name: str, summary: str, tag: str, answer: Any, filters: type[Filters] | None = None, *,
    refusals: Sequence[int] = (), plain: bool = False,
) -> Callable[[F], F]:
    """Describes a call that answers a collection, or (`plain`) an array."""
    items = {"type": "array", "items": reference(answer)}
    return _described(
        summary, operation_id=name, tags=[tag], parameters=[*parameters_of(filters), *_SKIPPING],
        responses={200: OpenApiResponse(response=items if plain else _collection(items))} | _refusals(refusals),
    )


def _collection(items: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "entity": {"type": "string", "enum": ["collection"]}, "count": {"type": "integer"}, "items": items,
        },
        "required": ["entity", "count", "items"],
        "additionalProperties": False,
    }


def _described(summary: str, **options: Any) -> Callable[[F], F]:
    """The handler's own docstring is the description; the view's, which is for readers of the code, never is."""

    def decorate(handler: F) -> F:
        described: F = extend_schema(summary=summary, description=getdoc(handler) or f"{summary}.", **options)(handler)
        return described

    return decorate


def _refusals(more: Any) -> dict[int, OpenApiResponse]:
    return {
        status: OpenApiResponse(response=dict(reference(Refused)), description=_MEANINGS[status])
        for status in sorted({*_ALWAYS, *more})
    }
