"""The signed contract's envelope: `{"error": "…", "data": null, "message": "…", "success": false}`.

`data` maps each bad field to its messages (`validation_failed`), or helps to find a wrong signature (test mode).
"""

from __future__ import annotations

from typing import Any

from gateway.contracts.problems import DATABASE_UNAVAILABLE, SERVER_ERROR, Problem, Unauthenticated
from gateway.lib.errors import GatewayError

# Core code → (this contract's code, its status); what is not listed keeps both.
_WORDS = {
    "missing_fields": ("validation_failed", 422),
    "invalid_fields": ("validation_failed", 422),
    "utr_used": ("validation_failed", 422),
    "beneficiary_blocked": ("validation_failed", 422),
    "insufficient_permissions": ("account_suspended", 403),
    "ip_not_allowed": ("ip_not_allowed", 403),
    DATABASE_UNAVAILABLE: ("service_unavailable", 503),
    SERVER_ERROR: ("server_error", 500),
}


class Refused(Unauthenticated):
    """A 401 with `data` beside it."""

    def __init__(self, message: str, code: str, data: dict[str, Any] | None) -> None:
        super().__init__(message, code)
        self.details = {"data": data} if data else {}


class UnexpectedQuery(GatewayError):
    code = "unexpected_query"
    message = "No call of this API takes a query string, and none is covered by the signature."


class AddressNotAllowed(GatewayError):
    code = "ip_not_allowed"


def envelope(problem: Problem) -> tuple[int, dict[str, Any]]:
    code, status = _WORDS.get(problem.code, (problem.code, problem.status))
    data = _messages(problem) if code == "validation_failed" else problem.details.get("data")
    return status, {"error": code, "data": data, "message": _message(problem), "success": False}


def _messages(problem: Problem) -> dict[str, list[str]]:
    if problem.code == "beneficiary_blocked":
        return {"beneficiary_acc_no": [problem.message]}
    fields = problem.details.get("fields", {})
    if isinstance(fields, dict):
        return {name: [text] for name, text in fields.items()}
    return {name: ["is required"] for name in fields}


def _message(problem: Problem) -> str:
    request_id = problem.details.get("request_id")
    return f"{problem.message} (request {request_id})" if request_id else problem.message
