"""What the portal answers: one TypedDict a resource, and the function that fills it.

The OpenAPI document is made from these types, so what is documented and what is sent cannot drift apart.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

from django.conf import settings

from accounts.models import Merchant, PortalKey, User
from gateway.contracts.limits import Limit
from gateway.contracts.portal.words import PAYMENT_STATUSES, PAYOUT_STATUSES, maybe_timestamp, number, timestamp
from gateway.contracts.schema import Says
from ledger.queries import Wallet
from payments.models import Payment
from payouts.models import Payout
from webhooks.models import Attempt, Endpoint
from webhooks.services import reveal_secret

Timestamp = Annotated[str, Says(format="date-time", example="2026-04-05T06:00:00.000Z")]
Amount = Annotated[float, Says(description="Major units; at most two places for INR, eight for tokens.")]


class WalletBody(TypedDict):
    currency: str
    available: Amount
    pending: Amount
    reserved: Amount


class BalanceBody(TypedDict):
    """INR at the top, every currency in `wallets`."""

    currency: str
    available: Amount
    pending: Amount
    reserved: Amount
    wallets: list[WalletBody]
    as_of: Timestamp


class PaymentBody(TypedDict):
    """`amount` is what was received; until that is known, what was asked for."""

    transaction_id: str
    order_id: str
    amount: Amount
    amount_refunded: Amount
    fee: Amount
    net_amount: Amount
    currency: str
    status: Literal["pending", "processing", "completed", "failed"]
    method: Literal["upi", "card"]
    payer: str | None
    email: str | None
    phone: str | None
    utr: str | None
    failure_reason: str | None
    notes: dict[str, Any]
    payment_url: str
    created_by: str | None
    merchant_id: str
    created_at: Timestamp
    updated_at: Timestamp
    completed_at: Timestamp | None


class PayoutBody(TypedDict):
    payout_id: str
    order_id: str
    amount: Amount
    charge: Amount
    currency: str
    status: Literal["pending", "approved", "processing", "processed", "rejected"]
    method: Literal["IMPS", "NEFT", "RTGS"]
    beneficiary_name: str
    account_number: str
    ifsc: str
    bank_name: str | None
    utr: str | None
    failure_reason: str | None
    remarks: str | None
    created_by: str | None
    merchant_id: str
    created_at: Timestamp
    updated_at: Timestamp
    processed_at: Timestamp | None


class UserBody(TypedDict):
    user_id: str
    email: str
    name: str
    role: Literal["super_admin", "admin", "merchant", "api_user"]
    status: Literal["active", "suspended"]
    parent_id: str | None
    merchant_id: str | None
    business_name: str | None
    created_at: Timestamp


class ApiKeys(TypedDict):
    live: str
    test: str


class NewUserBody(UserBody):
    """The keys are shown this once."""

    api_keys: ApiKeys


class MerchantBody(TypedDict):
    merchant_id: str
    name: str
    status: Literal["active", "suspended"]
    settlement_delay_days: int
    payout_auto_approve_limit: Amount | None
    public_checkout: bool
    created_at: Timestamp


class WebhookSummary(TypedDict):
    id: str
    url: str
    contract: Literal["portal", "signed", "checkout", "dashboard"]
    events: list[str]
    enabled: bool


class WebhookSettings(TypedDict):
    endpoints: list[WebhookSummary]
    available_events: list[str]


class KeyBody(TypedDict):
    hint: str
    mode: Literal["test", "live"]
    created_at: Timestamp
    last_used_at: Timestamp | None


class RateLimitBody(TypedDict):
    limit: int
    window_seconds: int


class ProfileBody(UserBody):
    mode: Literal["test", "live"]
    merchant: MerchantBody | None
    webhooks: WebhookSettings
    api_key: KeyBody
    rate_limit: RateLimitBody


class NewKeyBody(TypedDict):
    """The key is shown this once; the one that made the call is dead."""

    api_key: str
    mode: Literal["test", "live"]
    hint: str
    created_at: Timestamp


class EndpointBody(WebhookSummary):
    secret: str
    disabled_reason: str | None
    created_at: Timestamp
    updated_at: Timestamp


class DeletedBody(TypedDict):
    id: str
    deleted: Literal[True]


class TestDeliveryBody(TypedDict):
    delivered: bool
    event: str
    response_status: int | None
    response_time_ms: int
    error: str | None
    sent_at: Timestamp


def balance(wallets: list[Wallet], as_of: datetime) -> BalanceBody:
    bodies = [_wallet(*sums) for sums in _per_currency(wallets).items()]
    rupees = next(body for body in bodies if body["currency"] == "INR")
    return {
        "currency": rupees["currency"],
        "available": rupees["available"],
        "pending": rupees["pending"],
        "reserved": rupees["reserved"],
        "wallets": bodies,
        "as_of": timestamp(as_of),
    }


def _per_currency(wallets: list[Wallet]) -> dict[str, list[int]]:
    """A currency's networks added up."""
    sums: dict[str, list[int]] = {}
    for wallet in wallets:
        total = sums.setdefault(wallet.currency, [0, 0, 0])
        for index, minor in enumerate((wallet.available_minor, wallet.pending_minor, wallet.reserved_minor)):
            total[index] += minor
    return sums


def _wallet(currency: str, sums: list[int]) -> WalletBody:
    available, pending, reserved = (number(minor, currency) for minor in sums)
    return {"currency": currency, "available": available, "pending": pending, "reserved": reserved}


def payment(row: Payment) -> PaymentBody:
    return {
        "transaction_id": row.public_id,
        "order_id": str(row.order),
        "amount": number(row.gross.minor, row.currency),
        "amount_refunded": number(row.refunded_minor, row.currency),
        "fee": number(row.fee_minor, row.currency),
        "net_amount": number(row.net.minor, row.currency),
        "currency": row.currency,
        "status": PAYMENT_STATUSES[row.status],  # type: ignore[typeddict-item]
        "method": row.method,  # type: ignore[typeddict-item]
        "payer": row.payer_name or None,
        "email": row.payer_email or None,
        "phone": row.payer_phone or None,
        "utr": row.utr or None,
        "failure_reason": row.failure_reason or None,
        "notes": row.order.notes,
        "payment_url": f"{settings.PUBLIC_URL}/pay/{row.page_token}",
        "created_by": row.created_by.public_id if row.created_by else None,
        "merchant_id": row.merchant.public_id,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "completed_at": maybe_timestamp(row.completed_at),
    }


def payout(row: Payout) -> PayoutBody:
    return {
        "payout_id": row.public_id,
        "order_id": row.reference,
        "amount": number(row.amount_minor, row.currency),
        "charge": number(row.charge_minor, row.currency),
        "currency": row.currency,
        "status": PAYOUT_STATUSES[row.status],  # type: ignore[typeddict-item]
        "method": row.method,  # type: ignore[typeddict-item]
        "beneficiary_name": row.beneficiary_name,
        "account_number": row.account_number,
        "ifsc": row.ifsc,
        "bank_name": row.bank_name or None,
        "utr": row.utr or None,
        "failure_reason": row.failure_reason or None,
        "remarks": row.remarks or None,
        "created_by": row.created_by.public_id if row.created_by else None,
        "merchant_id": row.merchant.public_id,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "processed_at": maybe_timestamp(row.processed_at),
    }


def user(row: User) -> UserBody:
    return {
        "user_id": row.public_id,
        "email": row.email,
        "name": row.name,
        "role": row.role,  # type: ignore[typeddict-item]
        "status": row.status,  # type: ignore[typeddict-item]
        "parent_id": row.parent.public_id if row.parent else None,
        "merchant_id": row.merchant.public_id if row.merchant else None,
        "business_name": row.merchant.name if row.merchant else None,
        "created_at": timestamp(row.created_at),
    }


def merchant(row: Merchant) -> MerchantBody:
    limit = row.payout_auto_approve_minor
    return {
        "merchant_id": row.public_id,
        "name": row.name,
        "status": row.status,  # type: ignore[typeddict-item]
        "settlement_delay_days": row.settlement_delay_days,
        "payout_auto_approve_limit": None if limit is None else number(limit, "INR"),
        "public_checkout": row.public_checkout,
        "created_at": timestamp(row.created_at),
    }


def key(row: PortalKey) -> KeyBody:
    return {
        "hint": row.hint,
        "mode": row.mode,  # type: ignore[typeddict-item]
        "created_at": timestamp(row.created_at),
        "last_used_at": maybe_timestamp(row.last_used_at),
    }


def rate_limit(limit: Limit) -> RateLimitBody:
    return {"limit": limit.requests, "window_seconds": limit.seconds}


def webhook_summary(row: Endpoint) -> WebhookSummary:
    return {
        "id": str(row.pk),
        "url": row.url,
        "contract": row.contract,  # type: ignore[typeddict-item]
        "events": row.events,
        "enabled": row.enabled,
    }


def endpoint(row: Endpoint) -> EndpointBody:
    return {
        **webhook_summary(row),
        "secret": reveal_secret(row),
        "disabled_reason": row.disabled_reason or None,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def test_delivery(row: Attempt) -> TestDeliveryBody:
    return {
        "delivered": row.response_status is not None and 200 <= row.response_status < 300,
        "event": row.delivery.event_name,
        "response_status": row.response_status,
        "response_time_ms": row.duration_ms,
        "error": row.error or None,
        "sent_at": timestamp(row.started_at),
    }
