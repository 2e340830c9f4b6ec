"""What the portal's webhooks say: the six events of the original, fixed at the moment they happened."""

import json
import re

import pytest

from accounts.actors import Actor
from payments.models import Payment
from payments.services import confirm_payment, simulate
from payments.work import drive_payments
from payouts.models import Payout
from payouts.services import return_payout
from payouts.work import drive_payouts
from webhooks.models import Delivery
from webhooks.queries import event_names
from webhooks.services import create_endpoint

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
EVENTS = [
    "payment.completed", "payment.failed", "payout.processed", "payout.rejected", "user.created", "user.suspended",
]


@pytest.fixture(autouse=True)
def listening(cast, fund, settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = settings.SANDBOX_BANK_DELAY_SECONDS = 0
    fund(cast.merchant, 1_000_000)
    create_endpoint(actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", url="https://a.example/")


def told():
    """The payloads told so far, in order, each with its true timestamp taken off."""
    bodies = [json.loads(row.body) for row in Delivery.objects.order_by("created_at", "event__id")]
    assert [next(iter(body)) for body in bodies] == ["event"] * len(bodies)
    assert all(TIMESTAMP.fullmatch(body.pop("timestamp")) for body in bodies)
    return bodies


def test_the_contract_has_these_events():
    assert event_names("portal") == EVENTS


def test_a_completed_payment(api):
    body = {"amount": 5000, "order_id": "TXN-2026-001", "payer": "Jane Smith"}
    made = api("merchant_user", "POST", "/payments", body).json()["data"]
    confirm_payment(actor=Actor.system("payment page"), payment=Payment.objects.get(), vpa="success@upi")
    assert told() == []

    drive_payments()

    utr = Payment.objects.get().utr
    assert utr
    assert told() == [{
        "event": "payment.completed", "order_id": "TXN-2026-001", "amount": 5000, "currency": "INR",
        "status": "completed", "payer": "Jane Smith", "transaction_id": made["transaction_id"], "utr": utr,
    }]
    assert '"amount":5000,' in Delivery.objects.get().body


def test_a_failed_payment(api):
    made = api("merchant_user", "POST", "/payments", {"amount": 5.9, "order_id": "A"}).json()["data"]
    simulate(payment=Payment.objects.get(), succeed=False)

    assert told() == [{
        "event": "payment.failed", "order_id": "A", "amount": 5.9, "currency": "INR", "status": "failed", "payer": None,
        "transaction_id": made["transaction_id"], "utr": None,
    }]


@pytest.mark.parametrize(("account", "event", "status"), [
    ("123456789012", "payout.processed", "processed"), ("123456780000", "payout.rejected", "rejected"),
])
def test_a_payout_that_the_bank_ends(api, payout_body, account, event, status):
    made = api("merchant_user", "POST", "/payouts", payout_body(account_number=account)).json()["data"]
    api("admin", "POST", f"/payouts/{made['payout_id']}/approve")
    drive_payouts()
    drive_payouts()

    body = told()[0]
    assert len(told()) == 1
    assert bool(body.pop("utr")) == (status == "processed")
    assert body == {
        "event": event, "order_id": made["order_id"], "amount": 100, "currency": "INR", "status": status,
        "payer": "Chai Point", "payout_id": made["payout_id"],
    }


def test_a_payout_that_the_bank_returns_is_told_once_more(api, cast, payout_body):
    made = api("merchant_user", "POST", "/payouts", payout_body()).json()["data"]
    api("admin", "POST", f"/payouts/{made['payout_id']}/approve")
    drive_payouts()
    drive_payouts()
    utr = Payout.objects.get().utr

    words = {"utr": "RTN0000001", "note": "The account is frozen."}
    return_payout(actor=Actor(cast.admin, "panel"), payout=Payout.objects.get(), **words)

    assert [body["event"] for body in told()] == ["payout.processed", "payout.rejected"]
    assert told()[1] == {
        "event": "payout.rejected", "order_id": made["order_id"], "amount": 100, "currency": "INR",
        "status": "rejected", "payer": "Chai Point", "payout_id": made["payout_id"], "utr": utr,
    }
    shown = api("merchant_user", "GET", f"/payouts/{made['payout_id']}").json()["data"]
    assert (shown["status"], shown["utr"], shown["processed_at"]) == ("rejected", utr, None)
    assert shown["failure_reason"] == "Returned by the bank: The account is frozen."
    listed = api("merchant_user", "GET", "/payouts?status=rejected").json()["data"]
    assert made["payout_id"] in str(listed)


def test_a_payout_that_an_operator_rejects(api, payout_body):
    made = api("merchant_user", "POST", "/payouts", payout_body()).json()["data"]
    api("admin", "POST", f"/payouts/{made['payout_id']}/reject", {"reason": "no"})

    assert [(body["event"], body["status"], body["payout_id"]) for body in told()] == [
        ("payout.rejected", "rejected", made["payout_id"])
    ]


def test_what_the_portal_has_no_word_for_is_not_told():
    from gateway.contracts.portal.events import render

    assert [render(name, object()) for name in ("payment.initiated", "payment.captured", "refund.processed")] == [None] * 3


def test_a_sample_looks_like_the_originals():
    from gateway.contracts.portal.events import sample

    assert {name: value for name, value in sample("payment.completed").items() if name != "timestamp"} == {
        "event": "payment.completed", "order_id": "TXN-2026-001", "amount": 5000, "currency": "INR",
        "status": "completed", "payer": "Jane Smith", "transaction_id": "pay_0000000000000000", "utr": "000000000000",
        "test": True,
    }


def test_a_replayed_call_tells_nobody_twice(api):
    body = {"email": "a@b.co", "name": "A", "role": "api_user"}
    api("merchant_user", "POST", "/users", body)
    before = Delivery.objects.count()
    api("merchant_user", "POST", "/users", body)

    assert Delivery.objects.count() == before == 1
