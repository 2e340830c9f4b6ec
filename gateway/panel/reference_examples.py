"""What the API answers, as examples: one of each kind of record, with every field it has."""

from __future__ import annotations

from typing import Any

MOMENT = "2026-04-05T06:00:00.000Z"
ENDPOINT_ID = "0b9e4f4a-6f6e-4f5b-9d0e-2f1c7d3a8b55"
EVENTS = (
    "payment.completed", "payment.failed", "payout.processed", "payout.rejected", "user.created", "user.suspended",
)
PAGINATION = {
    "current_page": 1, "total_pages": 1, "total_items": 1, "items_per_page": 20, "has_next": False, "has_prev": False,
}
PAYMENT: dict[str, Any] = {
    "transaction_id": "pay_8Zc1YtQ0vXw2LmNb",
    "order_id": "TXN-2026-001",
    "amount": 5000,
    "amount_refunded": 0,
    "fee": 118,
    "net_amount": 4882,
    "currency": "INR",
    "status": "completed",
    "method": "upi",
    "payer": "Jane Smith",
    "email": "jane@example.com",
    "phone": "+919876543210",
    "utr": "609512345678",
    "failure_reason": None,
    "notes": {"table": "7"},
    "payment_url": "https://pay.example.com/pay/Tq7mP2xWc9LkRv4ZsB1nYd8H",
    "created_by": "usr_6VbN2jRk8MxCe4Ya",
    "merchant_id": "mrc_1QwErTy2UiOp3AsD",
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "completed_at": MOMENT,
}
NEW_PAYMENT = PAYMENT | {"status": "pending", "utr": None, "completed_at": None}
PAYOUT: dict[str, Any] = {
    "payout_id": "pout_3Hd9KsP7rTf5GqWz",
    "order_id": "PAYOUT-2026-001",
    "amount": 2500,
    "charge": 5.9,
    "currency": "INR",
    "status": "processed",
    "method": "IMPS",
    "beneficiary_name": "Asha Verma",
    "account_number": "123456789012",
    "ifsc": "HDFC0001234",
    "bank_name": "HDFC Bank",
    "utr": "609598765432",
    "failure_reason": None,
    "remarks": "April",
    "created_by": "usr_6VbN2jRk8MxCe4Ya",
    "merchant_id": "mrc_1QwErTy2UiOp3AsD",
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "processed_at": MOMENT,
}
NEW_PAYOUT = PAYOUT | {"status": "pending", "utr": None, "processed_at": None}
USER: dict[str, Any] = {
    "user_id": "usr_6VbN2jRk8MxCe4Ya",
    "email": "server@shop.example",
    "name": "Shop server",
    "role": "api_user",
    "status": "active",
    "parent_id": "usr_9KfD3sLp1ZxQw7Er",
    "merchant_id": "mrc_1QwErTy2UiOp3AsD",
    "business_name": "Chai Point Traders",
    "created_at": MOMENT,
}
MERCHANT: dict[str, Any] = {
    "merchant_id": "mrc_1QwErTy2UiOp3AsD",
    "name": "Chai Point Traders",
    "status": "active",
    "settlement_delay_days": 0,
    "payout_auto_approve_limit": 10000,
    "public_checkout": False,
    "created_at": MOMENT,
}
ENDPOINT: dict[str, Any] = {
    "id": ENDPOINT_ID,
    "url": "https://shop.example/webhooks",
    "contract": "portal",
    "events": [],
    "enabled": True,
    "secret": "whsec_…",
    "disabled_reason": None,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
BALANCE: dict[str, Any] = {
    "currency": "INR",
    "available": 97488.1,
    "pending": 0,
    "reserved": 2505.9,
    "wallets": [{"currency": "INR", "available": 97488.1, "pending": 0, "reserved": 2505.9}],
    "as_of": MOMENT,
}
PROFILE: dict[str, Any] = USER | {
    "role": "merchant",
    "mode": "test",
    "merchant": MERCHANT,
    "webhooks": {
        "endpoints": [{key: ENDPOINT[key] for key in ("id", "url", "contract", "events", "enabled")}],
        "available_events": list(EVENTS),
    },
    "api_key": {"hint": "gw_test_…x9Qk", "mode": "test", "created_at": MOMENT, "last_used_at": MOMENT},
    "rate_limit": {"limit": 500, "window_seconds": 3600},
}
SAMPLE_EVENT: dict[str, Any] = {
    "event": "payment.completed",
    "order_id": "TXN-2026-001",
    "amount": 5000,
    "currency": "INR",
    "status": "completed",
    "payer": "Jane Smith",
    "transaction_id": "pay_8Zc1YtQ0vXw2LmNb",
    "utr": "609512345678",
    "timestamp": MOMENT,
}
SAMPLE_ERROR: dict[str, Any] = {
    "success": False,
    "error": {
        "code": "invalid_api_key",
        "message": "The provided API key is invalid or does not exist.",
        "status": 401,
        "timestamp": MOMENT,
    },
}
