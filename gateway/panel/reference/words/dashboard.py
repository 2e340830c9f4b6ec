"""The dashboard contract's reference: its original's eight sections, words and samples; presumed calls go before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings

from gateway.panel.reference.words import Tier, Words

_SESSION, _ADDRESS = "11fec830-6b48-4e1e-b504-eef2ad0bbc01", "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb"
_PAID, _SWEPT, _HOT = "0xabc123def456...", "0xdef789ghi012...", "0xHOTWALLET123..."
_SCAN = "https://bscscan.com/tx/"
_EVENTS = ["payment.confirmed", "payment.failed", "session.expired"]
_LINK = "The file, as it is: CSV, a workbook, JSON or PDF."


def _group(name: str) -> Callable[[], int]:
    return lambda: int(settings.DASHBOARD_RATE_LIMITS[name][0])


_VALUES: dict[str, Any] = {
    "session_id": _SESSION, "reference": "ORDER-12345", "status": "paid", "amount": 100, "currency": "USDT",
    "network": "BSC", "customer_email": "customer@example.com", "customer_name": "John Doe",
    "Customer.email": "customer@example.com", "Customer.name": "John Doe",
    "description": "Product purchase", "PendingBalance.description": "Awaiting blockchain confirmations",
    "deposit_address": _ADDRESS, "deposit_address_id": 42, "address": _ADDRESS, "address_id": "42",
    "blockchain_tx_hash": _PAID, "blockchain_explorer_url": _SCAN + _PAID, "paid_amount": 100, "expected_amount": 100,
    "confirmations": 15, "required_confirmations": 12, "paid_at": "2026-01-30T18:10:23Z",
    "created_at": "2026-01-30T18:00:00Z", "updated_at": "2026-01-30T18:12:02Z", "expires_at": "2026-01-30T18:15:00Z",
    "payment_url": f"https://pay.example.com/pay/{_SESSION}", "callback_url": "https://yoursite.com/payment/callback",
    "metadata": {"order_id": "12345", "product_sku": "PROD-ABC"},
    "SessionDetail.timeline": [
        {"event": "session_created", "timestamp": "2026-01-30T18:00:00Z", "details": "Checkout session created"},
        {"event": "address_assigned", "timestamp": "2026-01-30T18:00:01Z", "details": "Deposit address assigned"},
        {"event": "payment_received", "timestamp": "2026-01-30T18:10:23Z", "details": "Payment received (100 USDT)"},
        {"event": "payment_confirmed", "timestamp": "2026-01-30T18:12:00Z",
         "details": "Payment confirmed on blockchain"},
        {"event": "webhook_sent", "timestamp": "2026-01-30T18:12:02Z", "details": "Webhook notification sent"},
        {"event": "funds_swept", "timestamp": "2026-01-30T18:15:00Z", "details": "Funds swept to hot wallet"},
    ],
    "create_session.status": "pending", "create_session.blockchain_tx_hash": None,
    "create_session.blockchain_explorer_url": None, "create_session.paid_amount": 0,
    "create_session.confirmations": 0, "create_session.paid_at": None, "create_session.callback_url": None,
    "create_session.metadata": {"order_id": "12345"}, "create_session.timeline": [
        {"event": "session_created", "timestamp": "2026-01-30T18:00:00Z", "details": "Checkout session created"},
        {"event": "address_assigned", "timestamp": "2026-01-30T18:00:01Z", "details": "Deposit address assigned"},
    ],
    "items_per_page": 20, "total_pages": 5, "total_items": 98, "has_prev": False,
    "total_sessions": 98, "total_paid": 75, "total_pending": 12, "total_failed": 8, "total_expired": 3,
    "Address.id": 42, "AddressDetail.id": 42, "assigned_to_session_id": _SESSION,
    "assigned_to_reference": "ORDER-12345", "current": "0.00000000", "current_usd": 0,
    "AddressDetailBalance.total_received": "350.00000000", "AddressDetailBalance.total_swept": "350.00000000",
    "total_received_usd": 350, "total_swept_usd": 350, "AddressDetail.is_assigned": False,
    "SweepInfo.status": "swept", "sweep_tx_hash": _SWEPT, "sweep_explorer_url": _SCAN + _SWEPT,
    "last_swept_at": "2026-01-30T18:15:00Z", "swept_at": "2026-01-30T18:15:00Z", "SweepLine.status": "confirmed",
    "SweepLine.tx_hash": _SWEPT, "SweepLine.explorer_url": _SCAN + _SWEPT, "SweepLine.amount": "100.00000000",
    "times_reused": 3, "last_used_at": "2026-01-30T18:00:01Z", "first_used_at": "2026-01-20T10:00:00Z",
    "funded_at": "2026-01-20T10:00:00Z", "funding_tx_hash": "0xgas123...", "funding_amount": "0.01000000",
    "last_checked_at": "2026-01-30T18:20:00Z", "total_addresses": 56, "active_addresses": 50,
    "assigned_addresses": 15, "addresses_with_balance": 5, "total_balance_across_all": "250.50000000",
    "AddressTransaction.amount": "100.00000000", "tx_hash": _PAID, "explorer_url": _SCAN + _PAID, "from": "0x1234...",
    "to": _ADDRESS, "balance_usd": 0, "CheckedBalance.balance": "0.00000000",
    "AvailableBalance.amount": "9850.50000000", "AvailableBalance.usd_value": 9850.5, "breakdown": [
        {"currency": "USDT", "amount": "7500.00000000", "usd_value": 7500, "networks": [
            {"network": "BSC", "amount": "5000.00000000"}, {"network": "ETH", "amount": "1500.00000000"},
            {"network": "POL", "amount": "1000.00000000"},
        ]},
        {"currency": "USDC", "amount": "2350.50000000", "usd_value": 2350.5, "networks": [
            {"network": "SOL", "amount": "1350.50000000"}, {"network": "ETH", "amount": "1000.00000000"},
        ]},
    ],
    "PendingBalance.amount": "150.00000000", "PendingBalance.usd_value": 150,
    "TotalEarnings.all_time": "25500.75000000", "TotalEarnings.this_month": "3250.00000000",
    "this_week": "750.00000000", "today": "100.00000000", "total_withdrawn": {
        "all_time": "15500.00000000", "this_month": "2000.00000000",
    },
    "platform_fees_paid": {"all_time": "255.00750000", "this_month": "32.50000000"},
    "last_updated": "2026-01-31T17:30:00Z", "total_balance": "5000.00000000", "hot_wallet": _HOT,
    "NetworkCurrency.balance": "5000.00000000", "addresses_count": 15, "NetworkCurrency.addresses_with_balance": 3,
    "NetworkBalance.total_swept": "45000.00000000", "last_sweep": "2026-01-30T18:15:00Z",
    "Transaction.id": 1234, "Transaction.amount": "100.00000000", "amount_usd": 100, "from_address": "0xcustomer123...",
    "to_address": _ADDRESS, "Transaction.confirmations": 150, "AddressTransaction.confirmations": 150,
    "Transaction.status": "confirmed", "TransactionDetail.status": "confirmed",
    "Transaction.gas_fee": Words.LEFT_OUT, "TransactionDetail.amount": "100.00000000",
    "TransactionAddresses.from": "0xcustomer123...", "block_number": 12345678, "block_hash": "0xblock123...",
    "BlockchainInfo.confirmations": 150, "gas_used": "65000", "gas_price": "5000000000", "gas_fee": "0.00032500",
    "timestamp": "2026-01-30T18:10:23Z", "confirmed_at": "2026-01-30T18:11:00Z", "total_transactions": 298,
    "total_incoming": 250, "total_outgoing": 48, "TransactionsSummary.total_volume": "25500.75000000",
    "Withdrawal.id": 789, "WithdrawalDetail.id": 789, "withdrawal_id": "789", "NewWithdrawal.withdrawal_id": 790,
    "Withdrawal.amount": "5000.00000000", "WithdrawalDetail.amount": "5000.00000000",
    "NewWithdrawal.amount": "5000.00000000", "fee_amount": "5.00000000", "fee_percentage": "0.1",
    "net_amount": "4995.00000000", "Withdrawal.status": "completed", "WithdrawalDetail.status": "completed",
    "NewWithdrawal.status": "pending", "CryptoDetails.address": "0xmerchant_wallet...",
    "CryptoDetails.tx_hash": "0xwithdrawal123...", "CryptoDetails.explorer_url": _SCAN + "0xwithdrawal123...",
    "fiat_details": Words.LEFT_OUT, "processed_at": "2026-01-28T10:05:00Z", "completed_at": "2026-01-28T10:10:00Z",
    "Withdrawal.created_at": "2026-01-28T10:00:00Z", "WithdrawalDetail.created_at": "2026-01-28T10:00:00Z",
    "WithdrawalDetail.timeline": [
        {"event": "requested", "timestamp": "2026-01-28T10:00:00Z", "details": "Withdrawal requested"},
        {"event": "completed", "timestamp": "2026-01-28T10:10:00Z", "details": "Withdrawal completed"},
    ],
    "estimated_completion": "2026-01-31T18:00:00Z", "NewWithdrawal.created_at": "2026-01-31T17:30:00Z",
    "WithdrawalsSummary.total_withdrawn": "50000.00000000", "pending_withdrawals": "1500.00000000",
    "WithdrawalsSummary.this_month": "8000.00000000",
    "period": "30d", "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-31T23:59:59Z",
    "AnalyticsOverview.total_sessions": 245, "successful_sessions": 198, "failed_sessions": 32, "expired_sessions": 15,
    "success_rate": 80.82, "AnalyticsOverview.total_volume": "19800.00000000", "total_volume_usd": 19800,
    "average_transaction": "100.00000000", "platform_fees": "198.00000000", "by_network": [
        {"network": "BSC", "sessions": 120, "volume": "12000.00000000", "percentage": 60.61},
        {"network": "ETH", "sessions": 45, "volume": "4500.00000000", "percentage": 22.73},
    ],
    "by_currency": [
        {"currency": "USDT", "sessions": 150, "volume": "15000.00000000", "percentage": 75.76},
        {"currency": "USDC", "sessions": 48, "volume": "4800.00000000", "percentage": 24.24},
    ],
    "Analytics.timeline": [
        {"date": "2026-01-01", "sessions": 8, "successful": 6, "volume": "600.00000000"},
        {"date": "2026-01-02", "sessions": 10, "successful": 8, "volume": "800.00000000"},
    ],
    "top_hours": [{"hour": 14, "sessions": 35, "label": "2:00 PM"}, {"hour": 15, "sessions": 30, "label": "3:00 PM"}],
    "top_amounts": [{"amount": "100.00", "count": 85}, {"amount": "50.00", "count": 42}],
    "export_id": "exp_123456", "Export.status": "ready", "records_done": Words.LEFT_OUT,
    "download_url": "https://pay.example.com/api/v1/dashboard/exports/exp_123456.csv?token=…",
    "Export.expires_at": "2026-02-01T17:30:00Z", "file_size": "245KB", "record_count": 198,
    "file_name": "exp_123456.csv", "webhook_url": "https://yoursite.com/webhooks/payment",
    "webhook_secret": "whsec_123456...", "events": _EVENTS,
    "update_webhook_config.events": _EVENTS[:2], "max_retries": 3, "retry_interval": 300, "response_status": 200,
    "response_time_ms": 125, "OverviewBalance.available": "9850.50000000", "OverviewBalance.pending": "150.00000000",
    "Overview.today": {"sessions": 12, "successful": 10, "volume": "1000.00000000", "revenue": "990.00000000"},
    "Overview.this_week": {"sessions": 75, "successful": 62, "volume": "6200.00000000", "revenue": "6138.00000000"},
    "Overview.this_month": {
        "sessions": 245, "successful": 198, "volume": "19800.00000000", "revenue": "19602.00000000",
    },
    "RecentSession.created_at": "2026-01-31T17:00:00Z", "pending_sessions": 5, "addresses_needing_sweep": 3,
    "PendingActions.pending_withdrawals": 1,
}
_MEANINGS = {
    "page": "Page number.", "limit": "Items per page (max 100).",
    "status": "Filter by status.", "network": "Filter by network.", "currency": "Filter by currency.",
    "start_date": "Filter from date (ISO 8601).", "end_date": "Filter to date (ISO 8601).",
    "search": "Search by reference, customer email, or session ID.", "sort_by": "Sort field.",
    "sort_order": "Sort order.", "has_balance": "true: only addresses with balance > 0; false: only those without.",
    "sweep_status": "Filter by what became of the last sweep.", "type": "Filter by type.",
    "min_amount": "Minimum amount.", "max_amount": "Maximum amount.", "list_withdrawals.method": "Filter by method.",
    "period": "Time period.", "get_payment_analytics.start_date": "Custom start date.",
    "get_payment_analytics.end_date": "Custom end date.", "group_by": "Group the time line.",
    "format": "Format of the file.", "create_export.type": "Data type.", "create_export.start_date": "Start date.",
    "create_export.end_date": "End date.",
    "session_id": "The session’s session_id.", "address_id": "The address’s id.", "tx_hash": "The transaction’s hash.",
    "withdrawal_id": "The withdrawal’s id.", "export_id": "The export’s export_id.",
    "file_name": "The file’s name, from download_url.", "token": "The link’s token, from download_url.",
    "create_session.amount": "In tokens; no more places than the token has on that network.",
    "create_session.currency": "The token.", "create_session.network": "The chain it is paid on.",
    "reference": "Yours; used once in each mode.", "customer_email": "Your customer’s e-mail address.",
    "customer_name": "Your customer’s name.", "description": "What it is for.",
    "callback_url": "Gets this session’s webhooks as well.", "metadata": "Anything of yours. Returned as sent.",
    "create_withdrawal.amount": "In tokens. It is held at once; the fee is part of it.",
    "create_withdrawal.method": "To a wallet, or to the settlement bank account.",
    "create_withdrawal.currency": "The token.", "crypto_network": "The chain to pay on; needed with crypto.",
    "crypto_address": "Where to pay to; needed with crypto. It is checked for its network.",
    "note": "For your records.", "webhook_url": "Where deliveries go. The first call needs it.",
    "enabled": "Whether anything is sent.", "events": "Only these; an empty list means all.",
    "retry_config": "How often a failed delivery is tried again.",
    "retry_config.max_retries": "How many times.", "retry_config.retry_interval": "Seconds between two.",
}
_ALL = dict.fromkeys(
    [f"{call}.{name}" for call, names in {
        "list_sessions": ("status", "network", "currency"),
        "list_addresses": ("network", "currency", "status", "sweep_status"),
        "list_transactions": ("type", "network", "currency"), "list_withdrawals": ("status", "method"),
    }.items() for name in names], "all",
)

WORDS = Words(
    title="Dashboard API", original="Crypto Payment Gateway – Merchant Dashboard API",
    intro="View payment sessions, monitor crypto addresses, track balances, manage withdrawals, and access detailed "
          "transaction information.",
    format="JSON", auth="API Key", protocol="HTTPS / REST", headers="X-API-Key or Authorization: Bearer",
    base_note="Every call is under this address. Amounts of sessions are JSON numbers; all other amounts are text with "
              "eight places. Times are UTC.",
    auth_note="All dashboard API requests require authentication using your API key, in X-API-Key, or as a bearer "
              "token in Authorization, or the same key in both.",
    important=(
        "Test key (test_sk_…): access test mode data only, on a simulated chain.",
        "Production key (live_sk_…): access production data only.",
        "Keep the key on your server; never put it into a page or an app.",
    ),
    key_name="API key", key_note="Your secret key", guide="docs/dashboard.md", colon=True,
    names={
        "session_id": "sessionId", "address_id": "addressId", "tx_hash": "txHash", "withdrawal_id": "withdrawalId",
        "export_id": "exportId", "file_name": "fileName",
    },
    sections={
        "Taking a payment": ("create_session", "get_checkout_session"),
        "1. Payment Sessions Management": ("list_sessions", "get_session"),
        "2. Crypto Addresses Management": ("list_addresses", "get_address", "check_address_balance"),
        "3. Merchant Balance & Earnings": ("get_crypto_balance", "get_network_balances"),
        "4. Transaction History": ("list_transactions", "get_transaction"),
        "5. Withdrawals Management": ("list_withdrawals", "create_withdrawal", "get_withdrawal"),
        "6. Analytics & Reports": ("get_payment_analytics", "create_export", "get_export", "download_export"),
        "7. Webhook Configuration": ("get_webhook_config", "update_webhook_config", "test_webhook"),
        "8. Statistics & Summaries": ("get_overview",),
    },
    summaries={
        "list_sessions": "List all payment sessions", "get_session": "Get session details",
        "list_addresses": "List all deposit addresses", "get_address": "Get address details",
        "check_address_balance": "Check address balance (real-time)",
        "get_crypto_balance": "Get crypto payment gateway balance",
        "get_network_balances": "Get balance breakdown by network",
        "list_transactions": "List all blockchain transactions", "get_transaction": "Get transaction details",
        "list_withdrawals": "List withdrawal requests", "create_withdrawal": "Create withdrawal request",
        "get_withdrawal": "Get withdrawal details", "get_payment_analytics": "Payment analytics",
        "create_export": "Export transactions", "get_webhook_config": "Get webhook settings",
        "update_webhook_config": "Update webhook settings", "test_webhook": "Test webhook",
        "get_overview": "Dashboard overview",
    },
    answers={"download_export": _LINK},
    query={
        "create_export": {"format": "csv", "type": "sessions", "start_date": "2026-01-01", "end_date": "2026-12-31"},
        "list_sessions": {"status": "paid"},
    },
    titles={"to the bank account": "To the bank account", "to a wallet": "To a wallet"},
    meanings=_MEANINGS, values=_VALUES, defaults=_ALL | {
        **dict.fromkeys(("list_sessions.sort_by", "list_addresses.sort_by"), "created_at"),
        **dict.fromkeys(("list_sessions.sort_order", "list_addresses.sort_order"), "desc"),
        "get_payment_analytics.period": "30d", "get_payment_analytics.group_by": "day",
        "create_session.expires_in": "900",
    },
    tiers=(
        Tier("standard", "Standard endpoints", _group("standard"), "min"),
        Tier("analytics", "Analytics endpoints", _group("analytics"), "min"),
        Tier("exports", "Export endpoints", _group("exports"), "hr"),
    ),
    event_note="Set your webhook with PUT /dashboard/webhooks/config, or in the panel under Webhooks. A session’s "
               "callback_url gets the same. Any 2xx acknowledges it; until then it is sent again as retry_config says.",
    error_sample={
        "success": False,
        "error": {
            "code": "INVALID_PARAMETER", "message": "Invalid network specified",
            "details": {"parameter": "network", "allowed_values": ["BSC", "ETH", "POL", "TRX", "SOL"]},
        },
    },
    errors=(
        (400, "INVALID_PARAMETER", "Invalid request parameter"),
        (400, "INSUFFICIENT_BALANCE", "Not enough balance for withdrawal"),
        (401, "UNAUTHORIZED", "Invalid or missing API key"),
        (403, "FORBIDDEN", "Action not allowed for your account"),
        (404, "NOT_FOUND", "Resource not found"),
        (405, "METHOD_NOT_ALLOWED", "The address does not have this method"),
        (409, "DUPLICATE_REFERENCE", "The reference was used before"),
        (409, "REQUEST_IN_PROGRESS", "The first call with this Idempotency-Key is still running"),
        (409, "INVALID_STATE", "The record is no longer in a state that allows this"),
        (413, "PAYLOAD_TOO_LARGE", "The body is over 1 MiB"),
        (422, "IDEMPOTENCY_KEY_REUSED", "The Idempotency-Key was used with another body"),
        (429, "RATE_LIMIT_EXCEEDED", "Too many requests; Retry-After says how long to wait"),
        (500, "SERVER_ERROR", "Internal server error; quote its request_id"),
        (503, "SERVICE_UNAVAILABLE", "A network, a provider or the database cannot be reached; nothing was changed"),
    ),
    practices=(
        "Cache dashboard data: don’t refresh the balance every second.",
        "Use webhooks: don’t poll for payment updates.",
        "Handle pagination: don’t fetch all records at once.",
        "Respect rate limits: implement exponential backoff.",
        "Store export files: download exports promptly (24 h expiry).",
        "Monitor webhook health: check webhook delivery status.",
        "Use filters: filter data on the server’s side for performance.",
    ),
)
