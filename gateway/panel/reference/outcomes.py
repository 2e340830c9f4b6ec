"""What a call that moved test money did, in a sentence, and where the panel shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse

from gateway.lib.money import Money
from gateway.panel.reference.calling import Answer
from gateway.panel.reference.operations import Operation
from gateway.panel.words import money_text


@dataclass(frozen=True, slots=True)
class Outcome:
    text: str
    href: str
    link: str


Record = dict[str, Any]
Say = Callable[[Record], Outcome]


def _rupees(value: Any) -> str:
    return money_text(Money(int(Decimal(str(value)) * 100), "INR"))


def _paise(value: Any) -> str:
    return money_text(Money(int(value), "INR"))


def _one(url_name: str, key: str, link: str, text: Callable[[Record], str]) -> Say:
    return lambda record: Outcome(text(record), reverse(f"panel:{url_name}", args=[record[key]]), link)


def _listed(url_name: str, link: str, text: Callable[[Record], str]) -> Say:
    return lambda record: Outcome(text(record), reverse(f"panel:{url_name}"), link)


_PAYOUT = _one(
    "payout", "payout_id", "Open the payout",
    lambda made: f"The test payout of {_rupees(made['amount'])} to {made['beneficiary_name']} is {made['status']}.",
)
_ORDER = _listed(
    "payments", "Payments", lambda made: f"A test order of {_paise(made['amount'])} was made. Nothing is paid yet.",
)
_PAID = _one(
    "payment", "id", "Open the payment",
    lambda made: f"A test payment of {_paise(made['amount'])} is being authorised. No real money moves.",
)
_REFUND = _one(
    "payment", "payment_id", "Open the payment",
    lambda made: f"A test refund of {_paise(made['amount'])} is held from your balance, and sent by a job.",
)
_SAYINGS: dict[str, dict[str, Say]] = {
    "portal": {
        "create_payment": _one(
            "payment", "transaction_id", "Open the payment",
            lambda made: f"A test payment of {_rupees(made['amount'])} waits for its payer. No real money moves.",
        ),
        "create_payout": _one(
            "payout", "payout_id", "Open the payout",
            lambda made: f"A test payout of {_rupees(made['amount'])} to {made['beneficiary_name']} is "
                         f"{made['status']}: that and its charge of {_rupees(made['charge'])} are held.",
        ),
        "approve_payout": _PAYOUT, "reject_payout": _PAYOUT,
    },
    "signed": {
        "create_payin_link": _listed(
            "payments", "Payments",
            lambda made: f"A test payin of {_rupees(made['amount'])} waits for its payer. No real money moves.",
        ),
        "create_payout": _listed(
            "payouts", "Payouts",
            lambda made: f"A test payout of {_rupees(made['amount'])} to {made['beneficiary_name']} is held from the "
                         "test balance.",
        ),
    },
    "checkout": {
        "create_order": _ORDER, "create_public_order": _ORDER, "create_payment": _PAID, "create_public_payment": _PAID,
        "create_refund": _REFUND, "refund_payment": _REFUND,
        "capture_payment": _one(
            "payment", "id", "Open the payment",
            lambda made: f"The test payment of {_paise(made['amount'])} is captured." if made.get("captured") else
            f"The test payment of {_paise(made['amount'])} is captured as soon as it has succeeded.",
        ),
        "enqueue_test_job": _one(
            "payment", "payment_id", "Open the payment", lambda made: "A test payment of ₹1.00 is on its way.",
        ),
    },
    "dashboard": {
        "create_session": _one(
            "session", "session_id", "Open the session",
            lambda made: f"A test session of {made['amount']} {made['currency']} waits for its payer on the simulated "
                         f"{made['network']}.",
        ),
        "create_withdrawal": _one(
            "withdrawal", "withdrawal_id", "Open the withdrawal",
            lambda made: f"A test withdrawal of {made['amount']} is {made['status']}; that is held from the test "
                         "balance.",
        ),
    },
}


def said(contract: str, operation: Operation, answer: Answer) -> Outcome | None:
    """None for a refusal, and for what moves no money."""
    say = _SAYINGS[contract].get(operation.name)
    body = answer.data
    if say is None or not answer.is_good or not isinstance(body, dict):
        return None
    return say(body.get("data", body))
