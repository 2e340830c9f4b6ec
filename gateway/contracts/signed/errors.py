"""The signed contract's envelope: `{"error": "…", "data": null, "message": "…", "success": false}`."""

from __future__ import annotations

from typing import Any

from gateway.contracts.problems import DATABASE_UNAVAILABLE, SERVER_ERROR, Problem

# Core code → (this contract's code, its status); what is not listed keeps both.
_WORDS = {
    "missing_fields": ("validation_failed", 422),
    "invalid_fields": ("validation_failed", 422),
    "utr_used": ("validation_failed", 422),
    "insufficient_permissions": ("account_suspended", 403),
    DATABASE_UNAVAILABLE: ("service_unavailable", 503),
    SERVER_ERROR: ("server_error", 500),
}


def envelope(problem: Problem) -> tuple[int, dict[str, Any]]:
    code, status = _WORDS.get(problem.code, (problem.code, problem.status))
    data = _messages(problem) if code == "validation_failed" else None
    return status, {"error": code, "data": data, "message": _message(problem), "success": False}


def _messages(problem: Problem) -> dict[str, list[str]]:
    fields = problem.details.get("fields", {})
    if isinstance(fields, dict):
        return {name: [text] for name, text in fields.items()}
    return {name: ["is required"] for name in fields}


def _message(problem: Problem) -> str:
    request_id = problem.details.get("request_id")
    return f"{problem.message} (request {request_id})" if request_id else problem.message
