"""The dashboard contract's envelope: `{"success": false, "error": {"code", "message", "details"}}`."""

from __future__ import annotations

from typing import Any

from gateway.contracts.problems import DATABASE_UNAVAILABLE, SERVER_ERROR, Problem

_BY_STATUS = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND"}
# Core code → (this contract's code, its status); what is not listed is told by its status, or is a bad parameter.
_WORDS = {
    "insufficient_balance": ("INSUFFICIENT_BALANCE", 400),
    "method_not_allowed": ("METHOD_NOT_ALLOWED", 405),
    "duplicate_order_id": ("DUPLICATE_REFERENCE", 409),
    "request_in_progress": ("REQUEST_IN_PROGRESS", 409),
    "invalid_state": ("INVALID_STATE", 409),
    "payload_too_large": ("PAYLOAD_TOO_LARGE", 413),
    "idempotency_key_reused": ("IDEMPOTENCY_KEY_REUSED", 422),
    "rate_limit_exceeded": ("RATE_LIMIT_EXCEEDED", 429),
    SERVER_ERROR: ("SERVER_ERROR", 500),
    "provider_unavailable": ("SERVICE_UNAVAILABLE", 503),
    DATABASE_UNAVAILABLE: ("SERVICE_UNAVAILABLE", 503),
}


def envelope(problem: Problem) -> tuple[int, dict[str, Any]]:
    code, status = _WORDS.get(problem.code) or (_BY_STATUS.get(problem.status, "INVALID_PARAMETER"), problem.status)
    error = {"code": code, "message": problem.message, "details": _details(problem)}
    return status, {"success": False, "error": error}


def _details(problem: Problem) -> dict[str, Any]:
    fields = problem.details.get("fields")
    if not fields:
        return {key: value for key, value in problem.details.items() if key in ("request_id", "retry_after")}
    bad = {"parameter": next(iter(fields)), "fields": fields}
    return bad | {key: value for key, value in problem.details.items() if key == "allowed_values"}
