"""The API reference as data: every call of the portal contract with its parameters and true examples.

A test sends each example to the API and compares the fields of its answers with those documented here, so that the
page cannot drift from what it describes. Words and order follow the contract's original page; the calls that it did
not have stand after its seven.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.panel.reference_examples import (
    BALANCE,
    ENDPOINT,
    ENDPOINT_ID,
    MOMENT,
    NEW_PAYMENT,
    NEW_PAYOUT,
    PAGINATION,
    PAYMENT,
    PAYOUT,
    PROFILE,
    USER,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """`place` is `body`, `query` or `path`; `note` says values, default and limits."""

    name: str
    type: str
    note: str
    required: bool = False
    place: str = "body"


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    summary: str
    roles: str
    answer: Any  # of `data`; a list for lists
    parameters: tuple[Parameter, ...] = ()
    body: dict[str, Any] | None = None
    query: str = ""
    status: int = 200
    refusals: tuple[str, ...] = ()
    note: str = ""
    idempotent: bool = False

    @property
    def anchor(self) -> str:
        """`get-payments`, `get-payments-id`."""
        words = self.path.strip("/").replace(":", "").replace("/", "-")
        return f"{self.method.lower()}-{words}"

    @property
    def is_list(self) -> bool:
        return isinstance(self.answer, list)

    def curl(self, base_url: str) -> str:
        lines = [f'curl -X {self.method} "{base_url}{self.example_path}"', '  -H "X-API-KEY: YOUR_API_KEY"']
        if self.idempotent:
            lines.append('  -H "Idempotency-Key: 5b0c7e1e-order-2026-001"')
        if self.body is not None:
            lines += ['  -H "Content-Type: application/json"', f"  -d '{pretty(self.body)}'"]
        return " \\\n".join(lines)

    @property
    def example_path(self) -> str:
        path = self.path
        for pattern, value in _EXAMPLE_IDS.items():
            path = path.replace(pattern, f"{pattern.split(':')[0]}{value}")
        return path + (f"?{self.query}" if self.query else "")

    @property
    def answer_text(self) -> str:
        body: dict[str, Any] = {"success": True, "data": self.answer}
        if self.is_list:
            body["pagination"] = PAGINATION
        return pretty(body)


_EXAMPLE_IDS = {
    "/payments/:id": "pay_8Zc1YtQ0vXw2LmNb",
    "/payouts/:payout_id": "pout_3Hd9KsP7rTf5GqWz",
    "/users/:user_id": "usr_6VbN2jRk8MxCe4Ya",
    "/webhook-endpoints/:id": ENDPOINT_ID,
}


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


# What is asked ----------------------------------------------------------------------------------------------
def _query(name: str, type_: str, note: str) -> Parameter:
    return Parameter(name, type_, note, place="query")


_PAGES = (
    _query("page", "integer", "From 1. Default 1."),
    _query("limit", "integer", "1 to 100. Default 20."),
)
_MONEY_FILTERS = (
    _query("order_id", "string", "Exactly this order id."),
    _query("start_date", "date or moment", "Created on or after, UTC: 2026-04-05, or 2026-04-05T06:00:00Z."),
    _query("end_date", "date or moment", "Created on or before; that day included."),
    _query("min_amount", "number", "Rupees."),
    _query("max_amount", "number", "Rupees."),
    _query("search", "string", "Order id, transaction id, name or UTR."),
    _query("merchant_id", "string", "One merchant of those you see."),
    *_PAGES,
)
_FOR_MERCHANT = Parameter("merchant_id", "string", "Operators only: for which merchant. They must name one.")
_NEW_PAYMENT = (
    Parameter("amount", "number", "Rupees, more than 0, at most two decimal places.", required=True),
    Parameter("order_id", "string", "Yours; unique. 1 to 64 of A–Z a–z 0–9 . _ -", required=True),
    Parameter("currency", "string", "INR, the default."),
    Parameter("payer", "string", "The customer's name."),
    Parameter("email", "string", "The customer's e-mail address."),
    Parameter("phone", "string", "The customer's phone number."),
    Parameter("method", "string", "upi (default) or card."),
    Parameter("redirect_url", "string", "Where the customer's browser returns to."),
    Parameter("notes", "object", "Anything of yours, at most 15 keys. Returned as sent."),
    _FOR_MERCHANT,
)
_NEW_PAYOUT = (
    Parameter("amount", "number", "Rupees. Amount and charge are held at once.", required=True),
    Parameter("order_id", "string", "Yours; unique. 1 to 64 of A–Z a–z 0–9 . _ -", required=True),
    Parameter("beneficiary_name", "string", "Name of the account's holder.", required=True),
    Parameter("account_number", "string", "9 to 18 digits.", required=True),
    Parameter("ifsc", "string", "Such as HDFC0001234.", required=True),
    Parameter("bank_name", "string", "For your records."),
    Parameter("method", "string", "IMPS (default), NEFT or RTGS."),
    Parameter("remarks", "string", "For the statement, at most 200 characters."),
    Parameter("merchant_id", "string", "super_admin only: for which merchant. Must be named."),
)
_NEW_USER = (
    Parameter("email", "string", "Where the invitation goes.", required=True),
    Parameter("name", "string", "1 to 120 characters.", required=True),
    Parameter("role", "string", "api_user, merchant (or partner_api), admin; below your own.", required=True),
    Parameter("parent_id", "string", "Whom the user belongs to. Default: you."),
    Parameter("business_name", "string", "Of a new merchant. Default: the name."),
)
_NEW_ENDPOINT = (
    Parameter("url", "string", "Your server's address.", required=True),
    Parameter("contract", "string", "portal (default), signed, checkout or dashboard: whose payloads."),
    Parameter("events", "array of strings", "Only these. Default: all of the contract."),
    Parameter("enabled", "boolean", "Default true."),
)
_CHANGED_ENDPOINT = tuple(
    Parameter(one.name, one.type, one.note.replace(" Default true.", "")) for one in _NEW_ENDPOINT
    if one.name != "contract"
)
_ID = Parameter("id", "string", "", required=True, place="path")
_ALL, _OPERATORS, _MANAGERS = "Everybody", "admin, super_admin", "merchant, admin, super_admin"

CALLS: tuple[Call, ...] = (
    Call(
        "GET", "/balance", "Get current account balance and wallet info", _ALL, BALANCE,
        (_query("merchant_id", "string", "Operators only. An admin must name one of the team; a super_admin who names "
                "none gets the platform's totals."),),
        note="pending is paid and not settled yet, reserved is held for payouts and refunds.",
    ),
    Call(
        "POST", "/payments", "Create a new payment order (Pay-in) to collect money from customers", _ALL, NEW_PAYMENT,
        _NEW_PAYMENT, status=201, idempotent=True, refusals=("missing_fields", "duplicate_order_id"),
        body={
            "amount": 5000, "order_id": "TXN-2026-001", "payer": "Jane Smith", "email": "jane@example.com",
            "phone": "+919876543210", "notes": {"table": "7"}, "redirect_url": "https://shop.example/thanks",
        },
        note="Send the customer to payment_url. The payment turns completed or failed by itself; a webhook says so.",
    ),
    Call(
        "GET", "/payments", "List all payment transactions with optional filters", _ALL, [PAYMENT],
        (
            _query("status", "string", "pending, processing, completed or failed."),
            _query("method", "string", "upi or card."),
            *_MONEY_FILTERS,
        ),
        query="status=completed&start_date=2026-04-01",
    ),
    Call(
        "GET", "/payments/:id", "Get a single payment record by transaction ID", _ALL, PAYMENT,
        (Parameter("id", "string", "The transaction_id.", required=True, place="path"),), refusals=("not_found",),
    ),
    Call(
        "GET", "/payouts", "List all payout requests with optional status filter", _ALL, [PAYOUT],
        (
            _query("status", "string", "pending, approved, processing, processed or rejected."),
            _query("method", "string", "IMPS, NEFT or RTGS."),
            *_MONEY_FILTERS,
        ),
        query="status=processed",
    ),
    Call(
        "POST", "/payouts", "Create a new payout request to a bank account", "api_user, merchant, super_admin",
        NEW_PAYOUT, _NEW_PAYOUT, status=201, idempotent=True,
        refusals=("missing_fields", "insufficient_balance", "duplicate_order_id"),
        body={
            "amount": 2500, "order_id": "PAYOUT-2026-001", "beneficiary_name": "Asha Verma",
            "account_number": "123456789012", "ifsc": "HDFC0001234", "bank_name": "HDFC Bank", "remarks": "April",
        },
        note="Above the merchant's limit an operator approves it first. A rejected or failed one releases its hold.",
    ),
    Call("GET", "/profile", "Get your account profile and merchant settings", _ALL, PROFILE),
    Call(
        "GET", "/payouts/:payout_id", "Get a single payout record", _ALL, PAYOUT,
        (Parameter("payout_id", "string", "", required=True, place="path"),), refusals=("not_found",),
    ),
    Call(
        "POST", "/payouts/:payout_id/approve", "Approve a payout that waits", _OPERATORS,
        NEW_PAYOUT | {"status": "approved"},
        (Parameter("payout_id", "string", "", required=True, place="path"),), idempotent=True,
        refusals=("not_found", "invalid_state"), note="Never one that you created yourself.",
    ),
    Call(
        "POST", "/payouts/:payout_id/reject", "Reject a payout that waits", _OPERATORS,
        NEW_PAYOUT | {"status": "rejected", "failure_reason": "Unknown beneficiary"},
        (
            Parameter("payout_id", "string", "", required=True, place="path"),
            Parameter("reason", "string", "Told to the merchant.", required=True),
        ),
        body={"reason": "Unknown beneficiary"}, idempotent=True, refusals=("not_found", "invalid_state"),
        note="What was held is available again at once.",
    ),
    Call(
        "POST", "/profile/api-key/regenerate", "Replace the calling key", _ALL,
        {"api_key": "gw_test_…", "mode": "test", "hint": "gw_test_…x9Qk", "created_at": MOMENT},
        note="The new key is shown this once; the one that made the call is dead.",
    ),
    Call(
        "GET", "/users", "List the users you see", _MANAGERS, [USER],
        (
            _query("role", "string", "super_admin, admin, merchant or api_user."),
            _query("status", "string", "active or suspended."),
            _query("search", "string", "Name, e-mail, business or user id."),
            *_PAGES,
        ),
    ),
    Call(
        "POST", "/users", "Create a user", _MANAGERS, USER | {"api_keys": {"live": "gw_live_…", "test": "gw_test_…"}},
        _NEW_USER, status=201, refusals=("missing_fields", "email_taken"),
        body={"email": "server@shop.example", "name": "Shop server", "role": "api_user"},
        note="Both keys are shown this once. The user is invited by e-mail to set a password for the panel.",
    ),
    Call(
        "GET", "/users/:user_id", "Get a user", _MANAGERS, USER,
        (Parameter("user_id", "string", "", required=True, place="path"),), refusals=("not_found",),
    ),
    Call(
        "PATCH", "/users/:user_id", "Change a user", _MANAGERS, USER | {"name": "Checkout server"},
        (
            Parameter("user_id", "string", "", required=True, place="path"),
            Parameter("name", "string", "1 to 120 characters."),
            Parameter("parent_id", "string", "Whom the user belongs to from now on."),
            Parameter("role", "string", "By a super_admin only."),
        ),
        body={"name": "Checkout server"}, refusals=("not_found",),
    ),
    Call(
        "POST", "/users/:user_id/suspend", "Suspend a user", _MANAGERS, USER | {"status": "suspended"},
        (Parameter("user_id", "string", "", required=True, place="path"),), refusals=("not_found", "invalid_state"),
        note="Keys and sessions are refused at once.",
    ),
    Call(
        "POST", "/users/:user_id/activate", "Activate a suspended user", _MANAGERS, USER,
        (Parameter("user_id", "string", "", required=True, place="path"),), refusals=("not_found", "invalid_state"),
    ),
    Call(
        "GET", "/webhook-endpoints", "List your webhook endpoints", "merchant", [ENDPOINT],
        (
            _query("contract", "string", "portal, signed, checkout or dashboard."),
            _query("enabled", "boolean", "true or false."),
            *_PAGES,
        ),
    ),
    Call(
        "POST", "/webhook-endpoints", "Add a webhook endpoint", "merchant", ENDPOINT, _NEW_ENDPOINT, status=201,
        body={"url": "https://shop.example/webhooks"}, refusals=("missing_fields", "invalid_fields"),
    ),
    Call(
        "GET", "/webhook-endpoints/:id", "Get a webhook endpoint", "merchant", ENDPOINT, (_ID,),
        refusals=("not_found",),
    ),
    Call(
        "PATCH", "/webhook-endpoints/:id", "Change a webhook endpoint", "merchant",
        ENDPOINT | {"events": ["payment.completed"]}, (_ID, *_CHANGED_ENDPOINT),
        body={"events": ["payment.completed"]}, refusals=("not_found", "invalid_fields"),
    ),
    Call(
        "DELETE", "/webhook-endpoints/:id", "Delete a webhook endpoint", "merchant",
        {"id": ENDPOINT_ID, "deleted": True}, (_ID,), refusals=("not_found",),
    ),
    Call(
        "POST", "/webhook-endpoints/:id/rotate-secret", "Make a new signing secret", "merchant", ENDPOINT, (_ID,),
        refusals=("not_found",), note="For a day both secrets sign, so that you can change over without a gap.",
    ),
    Call(
        "POST", "/webhook-endpoints/:id/test", "Send a test event now", "merchant",
        {
            "delivered": True, "event": "payment.completed", "response_status": 200, "response_time_ms": 84,
            "error": None, "sent_at": MOMENT,
        },
        (_ID,), refusals=("not_found",), note="Answers with what your server answered.",
    ),
)
