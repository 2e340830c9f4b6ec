"""What a call's form starts with: the sample's body with ids that are free, and records of the reader's own in test
mode, so that pressing Send does something."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from accounts.actors import Viewer, team_users
from accounts.models import User
from crypto.models import Export
from crypto.queries.addresses import visible_addresses
from crypto.queries.sessions import visible_sessions
from crypto.queries.transactions import visible_transactions
from crypto.queries.withdrawals import visible_withdrawals
from gateway.lib.ids import random_text
from gateway.panel.reference.operations import Operation, pretty
from payments.queries import visible_orders, visible_payments, visible_refunds
from payouts.queries import visible_payouts
from webhooks.queries import deliveries, endpoints

Find = Callable[[Viewer], Any]
# Fields that a merchant makes up, each used once.
_FRESH = ("order_id", "reference", "create_user.email")


def _last(rows: Callable[[Viewer], QuerySet[Any]], name: str, **only: Any) -> Find:
    """The newest: that is how every such query is ordered."""
    return lambda viewer: rows(viewer).filter(**only).values_list(name, flat=True).first()


def _people(viewer: Viewer) -> QuerySet[User]:
    return team_users(viewer.user).exclude(pk=viewer.user.pk).order_by("-pk")


def _exports(viewer: Viewer) -> QuerySet[Export]:
    return Export.objects.filter(merchant=viewer.user.merchant, mode=viewer.mode).order_by("-pk")


_PAYMENT, _ORDER = _last(visible_payments, "public_id"), _last(visible_orders, "public_id")
_RECORDS: dict[str, dict[str, Find]] = {
    "portal": {
        "transaction_id": _PAYMENT, "payout_id": _last(visible_payouts, "public_id"),
        "user_id": _last(_people, "public_id"), "endpoint_id": _last(endpoints, "pk"),
        "approve_payout.payout_id": _last(visible_payouts, "public_id", status="pending"),
        "reject_payout.payout_id": _last(visible_payouts, "public_id", status="pending"),
    },
    "signed": {
        "get_payin.order_id": _last(visible_payments, "order__reference", order__reference__isnull=False),
        "get_payout.order_id": _last(visible_payouts, "reference"),
    },
    "checkout": {
        "order_id": _ORDER, "payment_id": _PAYMENT, "refund_id": _last(visible_refunds, "public_id"),
        "create_payment.order_id": _last(visible_orders, "public_id", status="created"),
        "capture_payment.payment_id": _last(visible_payments, "public_id", status="succeeded"),
        "create_refund.payment_id": _last(visible_payments, "public_id", status="succeeded"),
        "refund_payment.payment_id": _last(visible_payments, "public_id", status="succeeded"),
        "webhook_id": _last(endpoints, "pk", contract="checkout"),
        "log_id": _last(deliveries, "pk", endpoint__contract="checkout"),
    },
    "dashboard": {
        "session_id": _last(visible_sessions, "pk"), "address_id": _last(visible_addresses, "pk"),
        "tx_hash": _last(visible_transactions, "transaction_hash"),
        "withdrawal_id": _last(visible_withdrawals, "pk"), "export_id": _last(_exports, "public_id"),
    },
}


def record_for(contract: str, operation: Operation, name: str, viewer: Viewer) -> str:
    """The id of the reader's latest record that `name` asks for; empty where there is none, or it asks for none."""
    find = _finder(contract, operation, name)
    value = find(viewer) if find else None
    return "" if value is None else str(value)


def _finder(contract: str, operation: Operation, name: str) -> Find | None:
    found = _RECORDS[contract]
    return found.get(f"{operation.name}.{name}") or found.get(name)


def body_for(contract: str, operation: Operation, text: str, viewer: Viewer) -> str:
    """A sample body that can be sent as it is."""
    body = json.loads(text)
    for name in body:
        if _finder(contract, operation, name):
            body[name] = record_for(contract, operation, name, viewer) or body[name]
        elif {name, f"{operation.name}.{name}"} & set(_FRESH):
            body[name] = _fresh(str(body[name]))
    return pretty(body)


def _fresh(text: str) -> str:
    """`TXN-2026-001-x7Kp2Q`; of an e-mail address, its name."""
    name, at, host = text.partition("@")
    return f"{name}-{random_text(6)}{at}{host}"
