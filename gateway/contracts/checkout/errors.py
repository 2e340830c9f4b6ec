"""The checkout contract's envelope: `{"error": {"code": "…_ERROR", "description": "…", "field": null}}`."""

from __future__ import annotations

from typing import Any

from gateway.contracts.problems import DATABASE_UNAVAILABLE, SERVER_ERROR, Problem

_BY_STATUS = {
    401: "AUTHENTICATION_ERROR",
    403: "FORBIDDEN_ERROR",
    404: "NOT_FOUND_ERROR",
    405: "METHOD_NOT_ALLOWED_ERROR",
    409: "CONFLICT_ERROR",
    413: "PAYLOAD_TOO_LARGE_ERROR",
    422: "IDEMPOTENCY_ERROR",
    429: "RATE_LIMIT_ERROR",
    500: "SERVER_ERROR",
    502: "GATEWAY_ERROR",
    503: "GATEWAY_ERROR",
}
_BY_CODE = {DATABASE_UNAVAILABLE: "SERVER_ERROR", SERVER_ERROR: "SERVER_ERROR"}
# This contract has no 402, and calls a step from a wrong state a bad request.
_STATUSES = {"insufficient_balance": 400, "not_capturable": 400, "not_refundable": 400, "refund_too_large": 400}
# A refusal that is about one field without saying so.
_FIELDS = {"refund_too_large": "amount"}


def envelope(problem: Problem) -> tuple[int, dict[str, Any]]:
    status = _STATUSES.get(problem.code, problem.status)
    code = _BY_CODE.get(problem.code) or _BY_STATUS.get(status, "BAD_REQUEST_ERROR")
    return status, {"error": {"code": code, "description": _description(problem), "field": _field(problem)}}


def _field(problem: Problem) -> str | None:
    """The first field that is missing or bad."""
    return next(iter(problem.details.get("fields", ())), _FIELDS.get(problem.code))


def _description(problem: Problem) -> str:
    if "left_minor" in problem.details:  # the core says it in rupees, and every amount here is in paise
        return f"At most {problem.details['left_minor']} paise can still be refunded."
    request_id = problem.details.get("request_id")
    return f"{problem.message} (request {request_id})" if request_id else problem.message
