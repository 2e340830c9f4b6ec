"""The portal's reference: words and order of its original page; calls that it did not have stand after its seven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings

from gateway.panel.reference.words import Role, Tier, Words

_MOMENT = "2026-04-05T06:00:00.000Z"
_ENDPOINT_ID = "0b9e4f4a-6f6e-4f5b-9d0e-2f1c7d3a8b55"
_EVENTS = (
    "payment.completed", "payment.failed", "payout.processed", "payout.rejected", "user.created", "user.suspended",
)
_ALL, _OPERATORS, _MANAGERS = "Everybody", "admin, super_admin", "merchant, admin, super_admin"
_KEY_CALLS = (
    "get_balance", "create_payment", "list_payments", "get_payment", "list_payouts", "create_payout", "get_profile",
)
_MORE_CALLS = ("get_payout", "approve_payout", "reject_payout", "regenerate_api_key")
_USER_CALLS = ("list_users", "create_user", "get_user", "update_user", "suspend_user", "activate_user")
_WEBHOOK_CALLS = (
    "list_webhook_endpoints", "create_webhook_endpoint", "get_webhook_endpoint", "update_webhook_endpoint",
    "delete_webhook_endpoint", "rotate_webhook_secret", "test_webhook_endpoint",
)


def _limit(role: str) -> Callable[[], int]:
    return lambda: int(settings.PORTAL_RATE_LIMITS[role])


_VALUES: dict[str, Any] = {
    "transaction_id": "pay_8Zc1YtQ0vXw2LmNb", "order_id": "TXN-2026-001", "amount": 5000, "amount_refunded": 0,
    "fee": 118, "net_amount": 4882, "currency": "INR", "status": "completed", "payer": "Jane Smith",
    "email": "jane@example.com", "phone": "+919876543210", "utr": "609512345678", "failure_reason": None,
    "notes": {"table": "7"}, "payment_url": "https://pay.example.com/pay/Tq7mP2xWc9LkRv4ZsB1nYd8H",
    "created_by": "usr_6VbN2jRk8MxCe4Ya", "merchant_id": "mrc_1QwErTy2UiOp3AsD",
    "create_payment.status": "pending", "create_payment.utr": None, "create_payment.completed_at": None,
    "payout_id": "pout_3Hd9KsP7rTf5GqWz", "Payout.order_id": "PAYOUT-2026-001", "Payout.amount": 2500, "charge": 5.9,
    "Payout.status": "processed", "beneficiary_name": "Asha Verma", "account_number": "123456789012",
    "ifsc": "HDFC0001234", "bank_name": "HDFC Bank", "Payout.utr": "609598765432", "remarks": "April",
    **{f"{name}.utr": None for name in ("create_payout", "approve_payout", "reject_payout")},
    **{f"{name}.processed_at": None for name in ("create_payout", "approve_payout", "reject_payout")},
    "create_payout.status": "pending", "approve_payout.status": "approved", "reject_payout.status": "rejected",
    "reject_payout.failure_reason": "Unknown beneficiary",
    "user_id": "usr_6VbN2jRk8MxCe4Ya", "User.email": "server@shop.example", "NewUser.email": "server@shop.example",
    "Profile.email": "server@shop.example", "name": "Shop server", "role": "api_user", "User.status": "active",
    "NewUser.status": "active", "Profile.status": "active", "Profile.role": "merchant", "Merchant.status": "active",
    "suspend_user.status": "suspended", "update_user.name": "Checkout server", "parent_id": "usr_9KfD3sLp1ZxQw7Er",
    "business_name": "Chai Point Traders", "Merchant.name": "Chai Point Traders", "settlement_delay_days": 0,
    "payout_auto_approve_limit": 10000, "public_checkout": False, "live": "gw_live_…", "test": "gw_test_…",
    "api_key": "gw_test_…", "Profile.api_key": {
        "hint": "gw_test_…x9Qk", "mode": "test", "created_at": _MOMENT, "last_used_at": _MOMENT,
    },
    "hint": "gw_test_…x9Qk", "limit": 500, "window_seconds": 3600, "available_events": list(_EVENTS),
    "available": 97488.1, "pending": 0, "reserved": 2505.9,
    "id": _ENDPOINT_ID, "endpoint_id": _ENDPOINT_ID, "url": "https://shop.example/webhooks", "events": [],
    "update_webhook_endpoint.events": ["payment.completed"], "secret": "whsec_…", "disabled_reason": None,
    "event": "payment.completed", "response_status": 200, "response_time_ms": 84, "error": None,
    "items_per_page": 20, "has_next": False, "has_prev": False,
}
_MEANINGS = {
    "merchant_id": "Operators only: for which merchant. They must name one.",
    "create_payout.merchant_id": "super_admin only: for which merchant. Must be named.",
    "get_balance.merchant_id": "Operators only. An admin must name one of the team; a super_admin who names none gets "
                               "the platform’s totals.",
    "get_profile.merchant_id": "Operators only: whose settings are shown.",
    "list_payments.merchant_id": "One merchant of those you see.",
    "list_payouts.merchant_id": "One merchant of those you see.",
    "page": "From 1.", "limit": "Rows on a page.",
    "order_id": "Exactly this order id.",
    "create_payment.order_id": "Yours; unique. 1 to 64 of A–Z a–z 0–9 . _ -",
    "create_payout.order_id": "Yours; unique. 1 to 64 of A–Z a–z 0–9 . _ -",
    "start_date": "Created on or after, UTC: 2026-04-05, or 2026-04-05T06:00:00Z.",
    "end_date": "Created on or before; that day included.",
    "min_amount": "Rupees.", "max_amount": "Rupees.",
    "search": "Order id, transaction id, name or UTR.", "list_users.search": "Name, e-mail, business or user id.",
    "status": "Only those in this state.", "method": "Only those by this method.",
    "create_payment.amount": "Rupees, more than 0, at most two decimal places.",
    "create_payment.currency": "Rupees.",
    "payer": "The customer’s name.", "email": "The customer’s e-mail address.", "phone": "The customer’s phone number.",
    "create_payment.method": "What the hosted page offers first.",
    "redirect_url": "Where the customer’s browser returns to.",
    "notes": "Anything of yours. Returned as sent.",
    "create_payout.amount": "Rupees. Amount and charge are held at once.",
    "beneficiary_name": "Name of the account’s holder.", "account_number": "9 to 18 digits.",
    "ifsc": "Such as HDFC0001234.", "bank_name": "For your records.", "create_payout.method": "The bank’s rail.",
    "remarks": "For the statement.", "reason": "Told to the merchant.",
    "transaction_id": "The payment’s transaction_id.", "payout_id": "The payout’s payout_id.",
    "user_id": "The user’s user_id.", "endpoint_id": "The endpoint’s id.",
    "create_user.email": "Where the invitation goes.", "name": "1 to 120 characters.",
    "role": "Only users of this role.", "create_user.role": "Below your own; partner_api is another word for merchant.",
    "update_user.role": "By a super_admin only.", "create_user.parent_id": "Whom the user belongs to. Default: you.",
    "update_user.parent_id": "Whom the user belongs to from now on.",
    "business_name": "Of a new merchant. Default: the name.",
    "list_webhook_endpoints.contract": "Only those that speak this contract.",
    "list_webhook_endpoints.enabled": "Only those that are on, or off.",
    "url": "Your server’s address.", "contract": "Whose payloads.", "enabled": "Whether anything is sent there.",
    "events": "Only these. Default: all of the contract.",
}

WORDS = Words(
    title="Portal API",
    original="API Reference",
    intro="Integrate, automate, and build on top of the platform. Every request requires your personal API key.",
    format="JSON", auth="API Key", protocol="HTTPS / REST", headers="X-API-KEY",
    base_note="All API requests should be made to this base URL. All responses return JSON. Authentication is required "
              "for every endpoint via the X-API-KEY header.",
    auth_note="All API requests require your unique personal API key. Pass it in the X-API-KEY request header. Keys "
              "are unique per user: never share yours.",
    important=(
        "Never expose your API key in client-side JavaScript or public repos.",
        "Each user has a unique API key regardless of their role, one for test and one for live.",
        "Regenerating a key immediately invalidates the previous one.",
        "Your account will be suspended if misuse is detected.",
    ),
    key_name="API key", key_note="Your personal access token", guide="docs/portal.md", colon=True,
    names={"transaction_id": "id", "endpoint_id": "id"},
    sections={
        "Balance, payments and payouts": _KEY_CALLS, "More of payouts and keys": _MORE_CALLS, "Users": _USER_CALLS,
        "Webhook endpoints": _WEBHOOK_CALLS,
    },
    summaries={
        "get_balance": "Get current account balance and wallet info",
        "create_payment": "Create a new payment order (Pay-in) to collect money from customers",
        "list_payments": "List all payment transactions with optional filters",
        "get_payment": "Get a single payment record by transaction ID",
        "list_payouts": "List all payout requests with optional status filter",
        "create_payout": "Create a new payout request to a bank account",
        "get_profile": "Get your account profile and merchant settings",
        "get_payout": "Get a single payout record", "regenerate_api_key": "Replace the calling key",
        "approve_payout": "Approve a payout that waits", "reject_payout": "Reject a payout that waits",
        "list_users": "List the users you see", "activate_user": "Activate a suspended user",
        "list_webhook_endpoints": "List your webhook endpoints",
        "rotate_webhook_secret": "Make a new signing secret", "test_webhook_endpoint": "Send a test event now",
    },
    notes={
        "get_balance": "pending is paid and not settled yet, reserved is held for payouts and refunds.",
        "create_payment": "Send the customer to payment_url. The payment turns completed or failed by itself; a "
                          "webhook says so.",
        "create_payout": "Above the merchant’s limit an operator approves it first. A rejected or failed one releases "
                         "its hold.",
        "approve_payout": "Never one that you created yourself.",
        "reject_payout": "What was held is available again at once.",
        "regenerate_api_key": "The new key is shown this once; the one that made the call is dead.",
        "create_user": "Both keys are shown this once. The user is invited by e-mail to set a password for the panel.",
        "suspend_user": "Keys and sessions are refused at once.",
        "rotate_webhook_secret": "For a day both secrets sign, so that you can change over without a gap.",
        "test_webhook_endpoint": "Answers with what your server answered.",
    },
    who={
        **dict.fromkeys(("get_balance", "create_payment", "list_payments", "get_payment", "list_payouts",
                         "get_profile", "get_payout", "regenerate_api_key"), _ALL),
        "create_payout": "api_user, merchant, super_admin",
        **dict.fromkeys(("approve_payout", "reject_payout"), _OPERATORS),
        **dict.fromkeys(_USER_CALLS, _MANAGERS), **dict.fromkeys(_WEBHOOK_CALLS, "merchant"),
    },
    bodies={
        "create_payment": {
            "amount": 5000, "order_id": "TXN-2026-001", "payer": "Jane Smith", "email": "jane@example.com",
            "phone": "+919876543210", "notes": {"table": "7"}, "redirect_url": "https://shop.example/thanks",
        },
        "create_payout": {
            "amount": 2500, "order_id": "PAYOUT-2026-001", "beneficiary_name": "Asha Verma",
            "account_number": "123456789012", "ifsc": "HDFC0001234", "bank_name": "HDFC Bank", "remarks": "April",
        },
        "reject_payout": {"reason": "Unknown beneficiary"},
        "create_user": {"email": "server@shop.example", "name": "Shop server", "role": "api_user"},
        "update_user": {"name": "Checkout server"},
        "create_webhook_endpoint": {"url": "https://shop.example/webhooks"},
        "update_webhook_endpoint": {"events": ["payment.completed"]},
    },
    query={
        "list_payments": {"status": "completed", "start_date": "2026-04-01"}, "list_payouts": {"status": "processed"},
    },
    meanings=_MEANINGS, values=_VALUES,
    tiers=(
        Tier("api_user", "Worker tier", _limit("api_user"), "hr"),
        Tier("merchant / partner", "Business tier", _limit("merchant"), "hr"),
        Tier("admin / super_admin", "Management tier", _limit("admin"), "hr"),
    ),
    roles=(
        Role("super_admin", (
            "Full access to all endpoints", "Manage any user and role", "Access all financial data and reports",
        )),
        Role("admin", (
            "Access payment endpoints", "List and manage sub-users", "View team transaction history",
        )),
        Role("partner_api / merchant", (
            "Pay-in and pay-out endpoints", "Create and manage api_users", "View own transaction history",
        )),
        Role("api_user", (
            "Balance and profile endpoints", "Submit pay-in / pay-out requests", "View own reports only",
        )),
    ),
    event_note="We’ll POST a JSON payload whenever a payment event occurs. Your server must respond with HTTP 200 to "
               "acknowledge (any 2xx does); until then it is sent again for about three days.",
    error_sample={
        "success": False,
        "error": {
            "code": "invalid_api_key", "message": "The provided API key is invalid or does not exist.", "status": 401,
            "timestamp": _MOMENT,
        },
    },
    errors=(
        (400, "missing_fields", "Required parameters are missing; fields names them"),
        (400, "invalid_fields", "Parameters are present but bad; details says what is wrong with each"),
        (400, "malformed_request", "The body is not a JSON object"),
        (401, "invalid_api_key", "API key is missing or invalid"),
        (402, "insufficient_balance", "Not enough wallet balance"),
        (403, "insufficient_permissions", "Role does not have access, or the account is suspended"),
        (404, "not_found", "Record does not exist"),
        (405, "method_not_allowed", "The address does not have this method; Allow names those it has"),
        (409, "duplicate_order_id", "Order ID already exists"),
        (409, "email_taken", "A user with this e-mail address exists"),
        (409, "invalid_state", "The record is no longer in a state that allows this"),
        (409, "request_in_progress", "The first call with this Idempotency-Key is still running"),
        (413, "payload_too_large", "The body is over 1 MiB"),
        (422, "idempotency_key_reused", "The Idempotency-Key was used with another body"),
        (429, "rate_limit_exceeded", "Too many requests; Retry-After says how long to wait"),
        (500, "database_error", "Internal server error; quote its request_id"),
        (503, "provider_unavailable", "Live mode has no provider yet; nothing was moved"),
    ),
)
