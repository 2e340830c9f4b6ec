"""What the API reference says beside its calls, in the words and order of the contract's original page."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tier:
    """Who may send how many requests an hour; `role` names the setting that says how many."""

    title: str
    role: str
    name: str


@dataclass(frozen=True, slots=True)
class RoleNote:
    title: str
    notes: tuple[str, ...] = field(default_factory=tuple)


NOTES = (
    "Never expose your API key in client-side JavaScript or public repos.",
    "Each user has a unique API key regardless of their role, one for test and one for live.",
    "Regenerating a key immediately invalidates the previous one.",
    "Your account will be suspended if misuse is detected.",
)
TIERS = (
    Tier("api_user", "api_user", "Worker tier"),
    Tier("merchant / partner", "merchant", "Business tier"),
    Tier("admin / super_admin", "admin", "Management tier"),
)
ROLES = (
    RoleNote("super_admin", (
        "Full access to all endpoints", "Manage any user and role", "Access all financial data and reports",
    )),
    RoleNote("admin", (
        "Access payment endpoints", "List and manage sub-users", "View team transaction history",
    )),
    RoleNote("partner_api / merchant", (
        "Pay-in and pay-out endpoints", "Create and manage api_users", "View own transaction history",
    )),
    RoleNote("api_user", (
        "Balance and profile endpoints", "Submit pay-in / pay-out requests", "View own reports only",
    )),
)
ERRORS: tuple[tuple[int, str, str], ...] = (
    (400, "missing_fields", "Required parameters are missing; fields names them"),
    (400, "invalid_fields", "Parameters are present but bad; details says what is wrong with each"),
    (401, "invalid_api_key", "API key is missing or invalid"),
    (402, "insufficient_balance", "Not enough wallet balance"),
    (403, "insufficient_permissions", "Role does not have access, or the account is suspended"),
    (404, "not_found", "Record does not exist"),
    (405, "method_not_allowed", "The address does not have this method; Allow names those it has"),
    (409, "duplicate_order_id", "Order ID already exists"),
    (409, "invalid_state", "The record is no longer in a state that allows this"),
    (422, "idempotency_key_reused", "The Idempotency-Key was used with another body"),
    (429, "rate_limit_exceeded", "Too many requests; Retry-After says how long to wait"),
    (500, "database_error", "Internal server error; quote its request_id"),
    (503, "provider_unavailable", "Live mode has no provider yet; nothing was moved"),
)
VERIFY_PYTHON = '''\
import hashlib, hmac

def is_genuine(raw_body: bytes, signature: str, secret: str) -> bool:
    """raw_body: the bytes as received, before any JSON parser. signature: the X-Signature header."""
    expected = hmac.new(secret.encode(), raw_body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)
'''
VERIFY_NODE = """\
const crypto = require("node:crypto");

// rawBody: the Buffer as received (express.raw), before any JSON parser. signature: the X-Signature header.
function isGenuine(rawBody, signature, secret) {
  const expected = crypto.createHmac("sha256", secret).update(rawBody).digest("hex");
  return signature.length === expected.length &&
    crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(signature));
}
"""
