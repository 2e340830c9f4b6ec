"""A refusal in the core's words: one translation of every exception, before a contract puts it into its envelope.

Nothing raised by domain code, DRF, Django or the database gets past `problem_of`; what nobody foresaw is a 500 that
says its request id and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest
from django.http.request import UnreadablePostError
from rest_framework.exceptions import APIException

from gateway.lib import logs
from gateway.lib.errors import GatewayError
from gateway.lib.outages import database_unavailable
from gateway.lib.strict_json import MalformedJson

SERVER_ERROR = "server_error"
DATABASE_UNAVAILABLE = "database_unavailable"

# Core code → HTTP status; every other refusal is a 400.
STATUSES = {
    "invalid_api_key": 401,
    "insufficient_balance": 402,
    "insufficient_permissions": 403,
    "account_suspended": 403,
    "test_mode_only": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "duplicate_order_id": 409,
    "email_taken": 409,
    "invalid_state": 409,
    "order_already_paid": 409,
    "payment_under_way": 409,
    "payment_expired": 409,
    "not_capturable": 409,
    "not_refundable": 409,
    "balance_too_large": 409,
    "request_in_progress": 409,
    "payload_too_large": 413,
    "idempotency_key_reused": 422,
    "rate_limit_exceeded": 429,
    "provider_unavailable": 503,
    DATABASE_UNAVAILABLE: 503,
    SERVER_ERROR: 500,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """`status` is the usual one of `code`; a contract may have its own. `details` are plain values."""

    code: str
    status: int
    message: str
    details: dict[str, Any] = field(default_factory=dict)


class Unauthenticated(GatewayError):
    """No credential, or none of this contract's; `code` is the contract's own word for which."""

    code = "invalid_api_key"

    def __init__(self, message: str, code: str = "invalid_api_key") -> None:
        super().__init__(message)
        self.code = code


class MissingFields(GatewayError):
    """`details["fields"]` lists the required fields that were not sent."""

    code = "missing_fields"

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(f"Required parameters are missing: {', '.join(fields)}.", fields=list(fields))


class MalformedRequest(GatewayError):
    code = "malformed_request"


class PayloadTooLarge(GatewayError):
    code = "payload_too_large"
    message = "The body may have at most 1 MiB."


class MethodNotAllowed(GatewayError):
    code = "method_not_allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"This address allows {', '.join(allowed)}.", allowed=list(allowed))


class RateLimited(GatewayError):
    """`details["retry_after"]`: seconds."""

    code = "rate_limit_exceeded"
    message = "Too many requests. Wait before you try again."


class IdempotencyKeyReused(GatewayError):
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used before with another body."


class RequestInProgress(GatewayError):
    code = "request_in_progress"
    message = "The first request with this Idempotency-Key is still running. Try again shortly."


def problem_of(error: Exception) -> Problem:
    if isinstance(error, Unauthenticated):
        return Problem(error.code, 401, error.message, error.details)
    if isinstance(error, GatewayError):
        return Problem(error.code, STATUSES.get(error.code, 400), error.message, error.details)
    if isinstance(error, Http404):
        return Problem("not_found", 404, "Record does not exist.")
    if isinstance(error, MalformedJson):
        return Problem("malformed_request", 400, f"The request is malformed: {error}.")
    if isinstance(error, (SuspiciousOperation, UnreadablePostError)):
        return Problem("malformed_request", 400, "The request could not be read.")
    if isinstance(error, APIException):
        return _of_rest_framework(error)
    return _of_our_own(error)


def unknown_address() -> Problem:
    return Problem("not_found", 404, "There is nothing at this address.")


def _of_rest_framework(error: APIException) -> Problem:
    codes = {401: "invalid_api_key", 403: "insufficient_permissions", 404: "not_found", 405: "method_not_allowed"}
    status = error.status_code if 400 <= error.status_code < 500 else 500
    return Problem(codes.get(status, "malformed_request"), status, str(error.detail))


def _of_our_own(error: Exception) -> Problem:
    request_id = {"request_id": str(logs.context().get("request_id", ""))}
    if database_unavailable(error):
        away = "The database cannot be reached. Try again shortly."
        return Problem(DATABASE_UNAVAILABLE, 503, away, request_id | {"retry_after": 5})
    return Problem(SERVER_ERROR, 500, "Internal server error", request_id)


def allowed_methods(problem: Problem) -> str:
    return ", ".join(problem.details.get("allowed", ()))


def is_json_address(request: HttpRequest) -> bool:
    return request.path_info == "/api" or request.path_info.startswith(("/api/", "/callbacks/"))
