"""The checkout contract's reference: its original's sections, words and samples, and what Razorpay's clients call."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from gateway.panel.reference.words import Tier, Words

_MERCHANT, _ORDER, _PAYMENT = "mrc_sHuqktTIDTdkJBPK", "order_22hJz371jXdn3yaw", "pay_8ZcxseV6Ggfe9rze"
_REFUND, _WEBHOOK = "refund_UxiGQETHPTDgMtGO", "7f91a7a2-2204-4a89-ac3b-e6a75058fbf4"
_LOG = "7a0bfbc3-1a30-4ac6-bbcb-e49908d3f26e"
# Only for callers by HTTP Basic, whom the examples do not show.
_FOR_BASIC = (
    "Order.entity", "Order.amount_paid", "Order.amount_due", "Payment.entity", "Payment.amount_refunded",
    "Payment.refund_status", "Payment.fee", "Payment.tax", "Payment.vpa", "Payment.email", "Payment.contact",
    "Refund.entity", "Refund.currency",
)
_PUBLIC = "Anybody; a publishable key (X-Api-Key alone) names the merchant"

_VALUES: dict[str, Any] = {
    **dict.fromkeys((*_FOR_BASIC, "broker", "cache", "worker", "watcher"), Words.LEFT_OUT),
    "Order.id": _ORDER, "order_id": _ORDER, "merchant_id": _MERCHANT, "amount": 50000, "receipt": "receipt_001",
    "notes": {"customer": "John Doe"}, "created_at": "2026-01-15T05:01:56.279536Z",
    "updated_at": "2026-01-15T05:01:56.279536Z", "Payment.id": _PAYMENT, "payment_id": _PAYMENT,
    "error_code": None, "error_description": None, "Payment.captured": Words.LEFT_OUT,
    "capture_payment.status": "SUCCESS", "capture_payment.captured": True,
    "get_payment.status": "SUCCESS", "get_payment.captured": True,
    "list_payments.status": "SUCCESS", "list_payments.captured": True,
    "Refund.id": _REFUND, "refund_id": _REFUND, "Refund.amount": 1500, "reason": None,
    "get_refund.status": "PROCESSED", "list_refunds.status": "PROCESSED",
    "NewWebhook.id": _WEBHOOK, "Webhook.id": _WEBHOOK, "webhook_id": _WEBHOOK,
    "url": "https://webhook.site/abcd-1234", "secret": "455be43ec4cd144f242a503e1eb909b9",
    "WebhookLog.id": _LOG, "log_id": _LOG, "event_type": "payment.captured", "WebhookLog.status": "success",
    "attempts": 1, "response_code": "200", "response_body": "test-mode-success",
    "Job.payment_id": "pay_5VhlmyYt3jlpADJZ", "timestamp": "2026-01-11T10:30:00Z",
    "PaymentFigures.total": 2, "PaymentFigures.success": 0, "PaymentFigures.failed": 1,
    "PaymentFigures.processing": 0, "success_rate_pct": 0, "failure_rate_pct": 50,
    "WebhookFigures.total": 0, "WebhookFigures.failed": 0, "retries": 0,
    "avg": 0, "min": 0, "max": 0, "p50": 0, "p95": 0,
}
_MEANINGS = {
    "amount": "Paise.", "currency": "Rupees.",
    "receipt": "Yours.", "list_orders.receipt": "Exactly this receipt.",
    "notes": "Anything of yours. Returned as sent.",
    "manual_capture": "false: captured at once when a payment succeeds.",
    "merchant_id": "Whose order it is, where no publishable key says it.",
    "order_id": "The order’s id.", "list_payments.order_id": "Only payments of this order.",
    "create_payment.order_id": "The order to pay.", "create_public_payment.order_id": "The public order to pay.",
    "payment_id": "The payment’s id.", "list_refunds.payment_id": "Only refunds of this payment.",
    "create_refund.payment_id": "A captured payment.", "refund_id": "The refund’s id.",
    "method": "How it is paid.", "list_payments.method": "Only payments by this method.",
    "vpa": "The payer’s UPI address; needed with upi. In test mode success@upi pays, failure@upi is declined.",
    "create_payment.amount": "If sent, it must be the order’s.", "create_payment.currency": "If sent, the order’s.",
    "create_public_payment.amount": "If sent, it must be the order’s.",
    "create_public_payment.currency": "If sent, the order’s.",
    "capture_payment.amount": "If sent, it must be the payment’s.",
    "capture_payment.currency": "If sent, the payment’s.",
    "create_refund.amount": "Paise. Default: what is left.", "refund_payment.amount": "Paise. Default: what is left.",
    "reason": "For your records.", "card": "The card, nested; or the flat fields beside it. Needed with card.",
    "card.number": "The card’s number. In test mode 4111 1111 1111 1111 succeeds.",
    "card_number": "The card’s number, flat. In test mode 4000 0000 0000 0002 is declined, "
        "and 4000 0000 0000 3220 goes to a test bank first.",
    "card.expiry_month": "1 to 12.", "expiry_month": "1 to 12.", "card.expiry_year": "Such as 2030.",
    "expiry_year": "Such as 2030.", "card.cvv": "Three digits; four on American Express.",
    "cvv": "Three digits; four on American Express.", "card.name": "As printed on the card.",
    "name": "As printed on the card.",
    "url": "Where deliveries go.", "events": "Only these. Default: all of them.",
    "webhook_id": "The webhook’s id.", "list_webhook_logs.webhook_id": "Only deliveries to this webhook.",
    "log_id": "The log’s id.", "event_type": "Only this event, such as payment.captured.",
    "status": "Only those in this state.", "deep": "1: also broker, cache, worker and watcher.",
    "page": "From 1.", "limit": "Rows on a page.", "count": "Razorpay’s word for limit.",
    "skip": "Razorpay’s way to page: how many rows to leave out.",
    "create_public_payment.Idempotency-Key": "Required here. The same key and body get the first answer again, for 24 "
                                             "hours.",
}

WORDS = Words(
    title="Checkout API", original="Payment Gateway API Documentation",
    intro="Orders, payments by UPI and card, captures, refunds and webhooks, in the manner of Razorpay. All responses "
          "are JSON; timestamps are ISO 8601 in UTC.",
    format="JSON", auth="Key and secret", protocol="HTTPS / REST", headers="X-Api-Key, X-Api-Secret",
    base_note="Every call is under this address. Amounts are whole numbers of paise: ₹500.00 is 50000.",
    auth_note="Merchant calls require X-Api-Key and X-Api-Secret, or the same two by HTTP Basic. Public calls, which a "
              "checkout page makes, need no secret: X-Api-Key alone (the key is publishable) names the merchant.",
    important=(
        "Never put the secret into a page or an app; the key alone may stand there.",
        "A pair is of one mode, test or live: its prefix says which, and it sees that mode only.",
        "Callers by HTTP Basic also get the names that Razorpay’s own clients look for (entity, amount_refunded, …).",
    ),
    key_name="Key pair", key_note="Your key and secret", guide="docs/checkout.md",
    sections={
        "Health check": ("get_health",),
        "Orders": ("create_order", "get_order", "list_orders", "list_order_payments"),
        "Public orders (checkout, SDK)": ("create_public_order", "get_public_order"),
        "Payments": ("create_payment", "capture_payment", "get_payment", "list_payments"),
        "Public payments (checkout, SDK)": ("create_public_payment", "get_public_payment"),
        "Refunds": ("create_refund", "get_refund", "list_refunds", "refund_payment", "list_payment_refunds",
                    "get_payment_refund"),
        "Webhooks and logs": ("create_webhook", "list_webhooks", "delete_webhook", "list_webhook_logs",
                              "retry_webhook"),
        "Admin and tests": ("get_stats", "enqueue_test_job"),
    },
    summaries={
        "create_public_order": "Create public order", "get_public_order": "Get public order",
        "create_payment": "Create payment", "create_public_payment": "Create public payment",
        "get_public_payment": "Get payment status", "create_refund": "Create refund", "get_refund": "Get refund status",
        "retry_webhook": "Retry webhook", "get_stats": "Success rate, refunds, webhook deliveries, latency",
        "enqueue_test_job": "Enqueue test job", "get_health": "Health check",
    },
    notes={
        "get_health": "Needs no key. 503 and \"database\": \"disconnected\" when the database does not answer within 2 "
                      "seconds. deep=1 also says how everything else is.",
        "create_order": "Its payments are captured when you ask for it, or at once with \"manual_capture\": false. Its "
                        "hosted page is /pay/{id} on this host, and leads back to redirect_url.",
        "create_payment": "Answers CREATED; a job authorises it. One payment of an order succeeds; after a failure try "
                          "again.",
        "capture_payment": "Before its authorisation has ended the wish is remembered, and PROCESSING answered. After "
                           "a success the money is booked, once, and \"captured\": true answered; again, the same "
                           "answer. After a failure: 400.",
        "create_public_order": "For the merchant of the publishable key in X-Api-Key, of merchant_id, or the "
                               "installation’s own. Its payments are captured at once.",
        "create_public_payment": "Idempotency-Key is required. amount and currency, if sent, must be the order’s.",
        "create_refund": "Captured payments only; in parts until their sum is reached, and never more than your "
                         "balance holds. The amount is held at once and sent by a job.",
        "refund_payment": "As POST /refunds, at the address that Razorpay’s clients use.",
        "create_webhook": "url in the body, as a query parameter or as a header. The secret is shown here and in the "
                          "list.",
        "retry_webhook": "The same event and body, at once; 409 while it is being sent, or its webhook is gone.",
        "enqueue_test_job": "A payment of ₹1.00 by success@upi, and its job on the queue gateway_jobs. Test mode only.",
    },
    who=dict.fromkeys(
        ("create_public_order", "get_public_order", "create_public_payment", "get_public_payment"), _PUBLIC
    ),
    answers={"delete_webhook": ""},
    titles={"upi": "UPI", "nested card": "Card, nested"}, meanings=_MEANINGS, values=_VALUES,
    tiers=(
        Tier("every pair", "Merchant calls together", lambda: int(settings.CHECKOUT_RATE_LIMIT), "min"),
        Tier("every address", "Public calls together", lambda: int(settings.PUBLIC_CHECKOUT_RATE_LIMIT), "min"),
    ),
    event_note="Register a URL here with POST /webhooks, or in the panel under Webhooks. X-Signature is HMAC_SHA256 of "
               "the payload. Any 2xx acknowledges it; until then it is sent again for about three days.",
    error_sample={
        "error": {
            "code": "AUTHENTICATION_ERROR", "description": "The API key and secret are not valid.", "field": None,
        },
    },
    errors=(
        (400, "BAD_REQUEST_ERROR", "Something sent is missing or bad, or the record’s state does not allow it; field "
                                   "names it"),
        (401, "AUTHENTICATION_ERROR", "Key or secret are missing or wrong"),
        (403, "FORBIDDEN_ERROR", "Not from this address, or the merchant is suspended, or not in this mode"),
        (404, "NOT_FOUND_ERROR", "It does not exist, or is not yours to see"),
        (405, "METHOD_NOT_ALLOWED_ERROR", "The address does not have this method"),
        (409, "CONFLICT_ERROR", "The order is paid already, or the first call with this key is still running"),
        (413, "PAYLOAD_TOO_LARGE_ERROR", "The body is over 1 MiB"),
        (422, "IDEMPOTENCY_ERROR", "This Idempotency-Key was used before with another body"),
        (429, "RATE_LIMIT_ERROR", "Too many requests; Retry-After says how long to wait"),
        (500, "SERVER_ERROR", "An error of ours; the description names the request"),
        (503, "GATEWAY_ERROR", "Live mode has no provider yet; nothing was moved"),
    ),
)
