"""The signed contract's reference: its original's sections, words and samples."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from gateway.panel.reference.words import Tier, Words

_VALUES: dict[str, Any] = {
    "user_id": "a42332-2fs-q341-d36d34", "order_id": "adsd-ewerz-23sdsd-ad234", "transaction_id": "98675644343",
    "redirect_url": "http://test.com", "pay_url": "https://pay.example.com/pay/Tq7mP2xWc9LkRv4ZsB1nYd8H",
    "comments": "Auto Approved", "status": "Approved", "request_amount": 100, "amount": 100,
    "created_at": "2025-08-04T06:16:03.000000Z", "updated_at": "2025-08-04T11:28:30.000000Z",
    "create_payin_link.created_at": "2025-07-29T16:23:48.000000Z",
    "create_payin_link.updated_at": "2025-07-29T16:23:48.000000Z",
    "bank_upi": "bharatpe907m7b2z0p2i00183@yesbankltd", "bank_name": None,
    "beneficiary_name": "Test Name", "beneficiary_email": "test.test@gmail.com",
    "beneficiary_mobile_no": "7878787878", "beneficiary_address": "NOIDA", "beneficiary_acc_no": "99999999999",
    "NewPayout.bank_name": "SBI", "Payout.bank_name": "SBI", "ifsc": "SBIN0060589", "remarks": None, "vpa": None,
    **{f"{name}.order_id": "qweq-2d2fss-2234sd-44533" for name in ("create_payout", "get_payout")},
    **{f"{name}.user_id": "aseq-2d2fss-22a4sd-44a33" for name in ("create_payout", "get_payout")},
    "create_payout.transaction_id": None, "create_payout.status": "Pending", "create_payout.charge": 2,
    "create_payout.created_at": "2024-11-14T14:35:26.000000Z",
    "create_payout.updated_at": "2024-11-14T14:35:26.000000Z",
    "create_payout/NewPayout.message": "Payout has been processing.", "create_payout.message": "Payout initiated.",
    "get_payout/Payout.message": "Payout has been completed.", "get_payout.message": "Payout status fetched.",
    "get_payout.transaction_id": "2517319122", "get_payout.charge": 5.9,
    "get_payout.created_at": "2024-11-14T08:09:54.000000Z", "get_payout.updated_at": "2024-11-14T14:55:36.000000Z",
    "get_balance.message": "Merchant wallet balance fetched.",
    "create_payin_link.message": "Payin link generated successfully.",
    "get_payin.message": "Payin transaction fetched successfully.",
}
_MEANINGS = {
    "user_id": "Your user’s id, whatever it is.", "create_payout.user_id": "The merchant’s user id for the payout.",
    "order_id": "Your unique order_id.", "create_payin_link.order_id": "Unique order id for the payment collection.",
    "get_payin.order_id": "Get the status of one payment by your unique order_id.",
    "create_payout.order_id": "Unique identifier for the payout request.",
    "amount": "Amount for the payment collection, in rupees.",
    "create_payout.amount": "Amount to be transferred in INR.",
    "method": "The method of the payment collection; it is always UPI.",
    "redirect_url": "Where to send the user after the payment collection.",
    "beneficiary_name": "Name of the beneficiary to whom the payout will be made.",
    "beneficiary_email": "E-mail of the beneficiary.",
    "beneficiary_mobile_no": "Mobile number of the beneficiary; a string or a number, answered as sent.",
    "beneficiary_address": "Address of the beneficiary.", "payment_method": "Method of payment.",
    "beneficiary_acc_no": "Bank account number of the beneficiary.",
    "bank_name": "Name of the bank of the beneficiary account.",
    "ifsc": "IFSC code of the beneficiary bank branch.",
    "remarks": "Any additional notes or remarks for the payout.",
}

WORDS = Words(
    title="Signed API", original="Payin & Payout REST APIs",
    intro="Payin links and payouts. An Access Key and a Secret Key authenticate and authorize every API request, and "
          "every request is signed.",
    format="JSON", auth="HMAC-SHA256", protocol="HTTPS / REST", headers="Access-Key, Timestamp, Signature",
    base_note="Every call is under this address. No call takes a query string. All responses return JSON: error (empty "
              "when there is none), data, message and success. Amounts are JSON numbers in rupees.",
    auth_note="Every request carries three headers. Access-Key names your pair. Timestamp is the current Unix time in "
              "milliseconds: a request that is more than five minutes old, or 30 seconds ahead, is rejected. Signature "
              "is made of the request and your Secret Key, and works once.",
    important=(
        "To get a pair: sign in, open API keys, and make a new key under Signed API. The Secret Key is shown once.",
        "For live mode your server’s addresses must be allowed on the pair; without any, it can only read its balance.",
        "Keep the Secret Key on your server. It never travels with a request.",
    ),
    key_name="Key pair", key_note="Your Access Key and Secret Key", guide="docs/signed.md",
    sections={
        "Balance": ("get_balance",), "Payin": ("create_payin_link", "get_payin"),
        "Payout": ("create_payout", "get_payout"),
    },
    notes={
        "get_balance": "The current wallet balance of the merchant in real time: verify what is available before you "
                       "initiate payouts. A live pair without allowed addresses may make this call only.",
        "create_payin_link": "A unique, one-time payment link for your customer, who completes the payment on a secure "
                             "hosted page. It expires after half an hour. You will be notified by webhook whether the "
                             "payin was Approved or Rejected.",
        "get_payin": "The current state of a payment: Pending, Approved or Rejected. amount is what was received, "
                     "request_amount what was asked for; transaction_id is the UTR, null until it is known. Takes JSON "
                     "or a form.",
        "create_payout": "Transfers funds from your account to a beneficiary. The amount and its charge are held at "
                         "once. You will be notified by webhook whether the payout was Approved or Rejected.",
        "get_payout": "The current state of a payout: Pending, Approved or Rejected.",
    },
    meanings=_MEANINGS, values=_VALUES,
    tiers=(Tier("every pair", "All calls together", lambda: int(settings.SIGNED_RATE_LIMIT), "min"),),
    event_note="Set your webhook URL for this contract under Webhooks. Every delivery is signed as your own requests "
               "are (Timestamp and Signature: POST, the path of your URL, the raw body), and carries X-Signature as "
               "well. Any 2xx acknowledges it; until then it is sent again for about three days.",
    error_sample={
        "error": "invalid_access_key", "data": None,
        "message": "This access key does not exist, or is no longer valid.", "success": False,
    },
    errors=(
        (400, "malformed_request", "The body cannot be read"),
        (400, "unexpected_query", "The address has a query string; no call of this contract has one"),
        (401, "missing_credentials", "Access-Key, Timestamp or Signature is missing"),
        (401, "invalid_access_key", "The access key does not exist, is revoked or has expired"),
        (401, "invalid_timestamp", "Timestamp is not a number of milliseconds"),
        (401, "timestamp_expired", "Timestamp is more than 5 minutes old, or over 30 s ahead"),
        (401, "invalid_signature", "The signature is of another request or secret; in test mode, data explains"),
        (401, "replayed_request", "This signature was used before: sign again, with a new Timestamp"),
        (402, "insufficient_balance", "Not enough wallet balance"),
        (403, "ip_not_allowed", "The caller’s address is not on the pair’s list"),
        (403, "account_suspended", "The merchant is suspended"),
        (404, "not_found", "No payment or payout of yours has this order_id in this mode"),
        (405, "method_not_allowed", "The address does not have this method"),
        (409, "duplicate_order_id", "The order_id was used before"),
        (409, "request_in_progress", "The first call with this Idempotency-Key is still running"),
        (413, "payload_too_large", "The body is over 1 MiB"),
        (422, "validation_failed", "data maps each field to what is wrong with it"),
        (422, "idempotency_key_reused", "The Idempotency-Key was used with another body"),
        (429, "rate_limit_exceeded", "Too many requests; Retry-After says how long to wait"),
        (500, "server_error", "An error of ours; the message names the request"),
        (503, "provider_unavailable", "Live mode has no provider yet; nothing was moved"),
        (503, "service_unavailable", "Something of ours cannot be reached; nothing was changed"),
    ),
)
