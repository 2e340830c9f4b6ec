"""The portal contract's envelope: `{"success": false, "error": {code, message, status, timestamp}}`.

Beside the original's four members: `fields` (the names of missing or bad fields), `details` (what is wrong with each
bad one), and `request_id` on a 5xx of ours.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from gateway.contracts.portal.words import timestamp
from gateway.contracts.problems import DATABASE_UNAVAILABLE, SERVER_ERROR, Problem

# Core code → this contract's; what is not listed keeps its own.
_WORDS = {
    "utr_used": "invalid_fields",
    "account_suspended": "insufficient_permissions",
    DATABASE_UNAVAILABLE: "database_error",
    SERVER_ERROR: "database_error",
}


def envelope(problem: Problem) -> tuple[int, dict[str, Any]]:
    error: dict[str, Any] = {
        "code": _WORDS.get(problem.code, problem.code),
        "message": problem.message,
        "status": problem.status,
        "timestamp": timestamp(timezone.now()),
    }
    return problem.status, {"success": False, "error": error | _more(problem.details)}


def _more(details: dict[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = {}
    fields = details.get("fields")
    if fields:
        more["fields"] = list(fields)
    if isinstance(fields, dict):
        more["details"] = fields
    if "request_id" in details:
        more["request_id"] = details["request_id"]
    return more
