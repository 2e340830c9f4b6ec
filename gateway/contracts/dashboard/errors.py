"""The dashboard contract's envelope: `{"success": false, "error": {"code", "message", "details"}}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.contracts.problems import DATABASE_UNAVAILABLE, SERVER_ERROR, Problem
from gateway.lib.errors import InvalidFields

_BY_STATUS = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND"}
# Core code → (this contract's code, its status); what is not listed is told by its status, or is a bad parameter.
_WORDS = {
    "insufficient_balance": ("INSUFFICIENT_BALANCE", 400),
    "method_not_allowed": ("METHOD_NOT_ALLOWED", 405),
    "duplicate_order_id": ("DUPLICATE_REFERENCE", 409),
    "duplicate_reference": ("DUPLICATE_REFERENCE", 409),
    "request_in_progress": ("REQUEST_IN_PROGRESS", 409),
    "invalid_state": ("INVALID_STATE", 409),
    "payload_too_large": ("PAYLOAD_TOO_LARGE", 413),
    "idempotency_key_reused": ("IDEMPOTENCY_KEY_REUSED", 422),
    "rate_limit_exceeded": ("RATE_LIMIT_EXCEEDED", 429),
    SERVER_ERROR: ("SERVER_ERROR", 500),
    "withdrawal_limit_reached": ("FORBIDDEN", 403),
    "settlement_account_missing": ("FORBIDDEN", 403),
    "chain_unavailable": ("SERVICE_UNAVAILABLE", 503),
    "provider_unavailable": ("SERVICE_UNAVAILABLE", 503),
    DATABASE_UNAVAILABLE: ("SERVICE_UNAVAILABLE", 503),
}
_ALSO_TOLD = ("request_id", "retry_after")


class InvalidParameter(InvalidFields):
    """One bad value, and the values that would have been good where there are few."""

    def __init__(self, parameter: str, text: str, allowed: Iterable[str] = ()) -> None:
        super().__init__(**{parameter: text})
        if allowed:
            self.details["allowed_values"] = list(allowed)


def envelope(problem: Problem) -> tuple[int, dict[str, Any]]:
    code, status = _word_of(problem)
    error = {"code": code, "message": problem.message, "details": _details(problem)}
    return status, {"success": False, "error": error}


def _word_of(problem: Problem) -> tuple[str, int]:
    return _WORDS.get(problem.code) or (_BY_STATUS.get(problem.status, "INVALID_PARAMETER"), problem.status)


def _details(problem: Problem) -> dict[str, Any]:
    """The parameter that is bad, and the allowed values; all bad fields, where there are several."""
    fields = problem.details.get("fields")
    if not fields:
        return {key: value for key, value in problem.details.items() if key in _ALSO_TOLD}
    bad: dict[str, Any] = {"parameter": next(iter(fields))}
    if len(fields) > 1:
        bad["fields"] = fields
    return bad | {key: value for key, value in problem.details.items() if key == "allowed_values"}
