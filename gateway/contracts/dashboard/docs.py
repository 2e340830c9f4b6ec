"""How the dashboard's OpenAPI document describes calls: envelopes, pages with a summary, refusals, examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import getdoc
from typing import Any, Literal, NotRequired, TypedDict, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from crypto.models import Export
from gateway.contracts.dashboard.answers import (
    addresses,
    analytics,
    balances,
    exports,
    sessions,
    transactions,
    webhooks,
    withdrawals,
)
from gateway.contracts.dashboard.exporting import ExportFilters
from gateway.contracts.dashboard.periods import PeriodFilters
from gateway.contracts.fields import Body
from gateway.contracts.filters import Filters
from gateway.contracts.pagination import Pagination
from gateway.contracts.schema import parameters_of, reference

F = TypeVar("F", bound=Callable[..., Any])
TITLE = "Dashboard API"
DESCRIPTION = """Crypto payments: checkout sessions, deposit addresses, balances, transactions, withdrawals, analytics.

Every call needs your key in `X-API-Key`, or as a bearer token in `Authorization`, or the same in both. A key is of one
mode, `test` or `live` (its prefix says which), and sees that mode only. Amounts of sessions are JSON numbers; all other
amounts are text with eight places. Times are UTC. Lists of more than 10,000 records count themselves at most once in
ten seconds. Every answer to an authenticated call carries `X-RateLimit-Limit`, `X-RateLimit-Remaining` and
`X-RateLimit-Reset`; every answer carries `X-Request-Id`.
"""


class ErrorDetails(TypedDict):
    """`parameter` and, where there are few, `allowed_values`; `fields` if several are bad; `request_id` with a 5xx."""

    parameter: NotRequired[str]
    allowed_values: NotRequired[list[str]]
    fields: NotRequired[Any]
    request_id: NotRequired[str]
    retry_after: NotRequired[int]


class ErrorBody(TypedDict):
    code: str
    message: str
    details: ErrorDetails


class Refused(TypedDict):
    success: Literal[False]
    error: ErrorBody


COMPONENTS = (
    sessions.SessionBody, sessions.SessionsSummary, sessions.SessionDetailBody, addresses.AddressBody,
    addresses.AddressesSummary, addresses.AddressDetailBody, addresses.CheckedBalanceBody, balances.CryptoBalanceBody,
    balances.NetworksBody, transactions.TransactionBody, transactions.TransactionsSummary,
    transactions.TransactionDetailBody, withdrawals.WithdrawalBody, withdrawals.WithdrawalsSummary,
    withdrawals.WithdrawalDetailBody, withdrawals.NewWithdrawalBody, analytics.AnalyticsBody, analytics.OverviewBody,
    exports.ExportBody, webhooks.WebhookConfigBody, webhooks.WebhookTestBody, Pagination, Refused,
)
_MEANINGS = {
    400: "`INVALID_PARAMETER`: something sent is missing or bad; or `INSUFFICIENT_BALANCE`.",
    401: "`UNAUTHORIZED`",
    403: "`FORBIDDEN`: not allowed from this address, or to this account, or beyond its limits.",
    404: "`NOT_FOUND`: it does not exist, or is not yours, or is of the other mode.",
    405: "`METHOD_NOT_ALLOWED`",
    409: "`DUPLICATE_REFERENCE`, `REQUEST_IN_PROGRESS` or `INVALID_STATE`.",
    413: "`PAYLOAD_TOO_LARGE`: over 1 MiB.",
    422: "`IDEMPOTENCY_KEY_REUSED`",
    429: "`RATE_LIMIT_EXCEEDED`; `Retry-After` says when to come back.",
    500: "`SERVER_ERROR`: an error of ours, with its `request_id`.",
    503: "`SERVICE_UNAVAILABLE`: a network, a provider or the database cannot be reached. Nothing was changed.",
}
_ALWAYS = (400, 401, 403, 405, 429, 500, 503)
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": 255}, OpenApiParameter.HEADER,
    description="The same key and body get the first answer again, with `Idempotent-Replayed: true`, for 24 hours.",
)
_PAGES = ("page", "limit")
PERIOD_PARAMETERS = [item for item in parameters_of(PeriodFilters) if item.name not in _PAGES]
EXPORT_PARAMETERS = [item for item in parameters_of(ExportFilters) if item.name not in _PAGES] + [
    OpenApiParameter(
        "filters", {"type": "string", "maxLength": 4000, "example": '{"status": "paid"}'}, OpenApiParameter.QUERY,
        description="A JSON object with filters of that type's list; or each as `filters[status]=paid`.",
    ),
]
for _item in EXPORT_PARAMETERS[:-1]:
    _item.required = True


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "gateway.contracts.dashboard.authentication.KeyAuthentication"
    name = ["X-API-Key", "Bearer"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [{"type": "apiKey", "in": "header", "name": "X-API-Key"}, {"type": "http", "scheme": "bearer"}]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{"X-API-Key": []}, {"Bearer": []}]


class LinkScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "gateway.contracts.dashboard.views.exports.LinkAuthentication"
    name = "Link"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "query", "name": "token"}


def call(
    name: str, summary: str, tag: str, answer: Any, *, status: int = 200, body: type[Body] | None = None,
    refusals: Sequence[int] = (), idempotent: bool = False, parameters: Sequence[OpenApiParameter] = (),
    example: dict[str, Any] | None = None, examples: Mapping[str, dict[str, Any]] | None = None,
) -> Callable[[F], F]:
    """Describes a call that answers one resource."""
    shown = examples or ({summary.lower(): example} if example else {})
    more = {*refusals, *((413,) if body else ()), *((409, 413, 422) if idempotent else ())}
    return _described(
        summary, operation_id=name, tags=[tag], request=body,
        parameters=[*parameters, *([_IDEMPOTENCY_KEY] if idempotent else [])],
        examples=[OpenApiExample(title, value=value, request_only=True) for title, value in shown.items()],
        responses={status: _answer(dict(reference(answer)))} | _refusals(more),
    )


def listing(
    name: str, summary: str, tag: str, rows: str, answer: Any, totals: Any, filters: type[Filters]
) -> Callable[[F], F]:
    """Describes a call that answers a page of resources, under the name `rows`, and a summary."""
    properties = {
        rows: {"type": "array", "items": reference(answer)}, "pagination": reference(Pagination),
        "summary": reference(totals),
    }
    data = {
        "type": "object", "properties": properties, "required": [*properties], "additionalProperties": False,
    }
    return _described(
        summary, operation_id=name, tags=[tag], parameters=parameters_of(filters),
        responses={200: _answer(data)} | _refusals(()),
    )


def download(name: str, summary: str, tag: str) -> Callable[[F], F]:
    """Describes a call that answers a file."""
    file = OpenApiResponse(response={"type": "string", "format": "binary"}, description="The file.")
    kinds = {(200, f"application/{word}"): file for word in Export.Format.values}
    return _described(summary, operation_id=name, tags=[tag], responses=kinds | _refusals((404,)))


def _described(summary: str, **options: Any) -> Callable[[F], F]:
    """The handler's own docstring is the description; the view's, which is for readers of the code, never is."""

    def decorate(handler: F) -> F:
        described: F = extend_schema(summary=summary, description=getdoc(handler) or f"{summary}.", **options)(handler)
        return described

    return decorate


def _answer(data: dict[str, Any]) -> OpenApiResponse:
    return OpenApiResponse(response={
        "type": "object",
        "properties": {"success": {"type": "boolean", "enum": [True]}, "data": data},
        "required": ["success", "data"],
        "additionalProperties": False,
    })


def _refusals(more: Any) -> dict[Any, OpenApiResponse]:
    return {
        status: OpenApiResponse(response=dict(reference(Refused)), description=_MEANINGS[status])
        for status in sorted({*_ALWAYS, *more})
    }
