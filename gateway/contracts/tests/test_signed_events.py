"""What the signed contract's webhooks say: the original's payloads, field for field, and signed as its requests are."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from accounts.actors import Actor
from gateway.contracts.signed import events
from gateway.contracts.signed.testing import LINK, PAYOUT, Signed, calculate_hmac, good
from gateway.lib.money import Money
from payments.models import Payment
from payments.services import confirm_payment, create_order, pay_order, simulate
from payments.work import drive_payments
from payouts.models import Payout
from payouts.services import approve_payout, reject_payout, return_payout
from payouts.work import drive_payouts
from webhooks.models import Delivery
from webhooks.queries import event_names
from webhooks.services import create_endpoint
from webhooks.signing import headers

PAYIN_FIELDS = [
    "user_id", "order_id", "transaction_id", "amount", "request_amount", "method", "comments", "status",
    "time_of_processing", "created_at", "updated_at", "bank_upi", "bank_name",
]
PAYOUT_FIELDS = [
    "transaction_id", "amount", "charge", "beneficiary_name", "beneficiary_address", "beneficiary_email",
    "beneficiary_mobile_no", "payment_method", "beneficiary_acc_no", "ifsc", "bank_name", "vpa", "remarks", "order_id",
    "user_id", "status", "created_at", "updated_at", "message",
]
NAMES = ["payin.initiated", "payin.succeeded", "payin.failed", "payout.succeeded", "payout.failed"]


@pytest.fixture(autouse=True)
def listening(cast, fund, settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = settings.SANDBOX_BANK_DELAY_SECONDS = 0
    fund(cast.merchant, 1_000_00)
    create_endpoint(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", url="https://a.example/", contract="signed",
    )


@pytest.fixture
def signed(cast):
    return Signed(cast.merchant)


def told():
    """The events told so far, in order: name and data."""
    bodies = [json.loads(row.body) for row in Delivery.objects.order_by("created_at", "event__id")]
    assert [list(body) for body in bodies] == [["event", "data"]] * len(bodies)
    return [(body["event"], body["data"]) for body in bodies]


def test_the_contract_has_these_events():
    assert event_names("signed") == NAMES


def test_a_payin_that_succeeds(signed):
    good(signed("POST", "/payin/generate/link", LINK))
    assert told() == []
    confirm_payment(actor=Actor.system("payment page"), payment=Payment.objects.get(), vpa="success@upi")
    drive_payments()

    (first, initiated), (second, succeeded) = told()

    assert (first, second) == ("payin.initiated", "payin.succeeded")
    assert list(initiated) == list(succeeded) == PAYIN_FIELDS
    assert (initiated["status"], initiated["comments"], initiated["transaction_id"]) == ("Initiated", "Payin Initiated", None)
    assert (initiated["amount"], initiated["request_amount"], initiated["bank_upi"]) == (100, 100, None)
    assert initiated["time_of_processing"]
    assert (succeeded["status"], succeeded["comments"]) == ("Approved", "Auto Approved")
    assert (succeeded["transaction_id"], succeeded["bank_upi"]) == (Payment.objects.get().utr, "gateway@sandbox")
    asked = good(signed("POST", "/payin/transactions", {"order_id": LINK["order_id"]}))
    assert {name: asked[name] for name in asked if name != "updated_at"} == {
        name: succeeded[name] for name in succeeded if name != "updated_at"
    }


def test_a_payin_that_fails(signed):
    good(signed("POST", "/payin/generate/link", LINK | {"amount": 5.9}))
    simulate(payment=Payment.objects.get(), succeed=False)

    name, data = told()[-1]

    assert (name, list(data)) == ("payin.failed", PAYIN_FIELDS)
    assert (data["status"], data["amount"], data["transaction_id"], data["user_id"]) == ("Rejected", 5.9, None, LINK["user_id"])


def test_other_tries_of_an_order_that_is_paid_are_not_told(signed, cast):
    order = create_order(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", contract="checkout",
        amount=Money(50_000, "INR"),
    )
    tries = {"actor": Actor.system("tests"), "order": order, "contract": "checkout", "method": "upi"}
    waiting = pay_order(**tries, vpa="pending@upi")
    drive_payments()
    pay_order(**tries, vpa="success@upi")
    pay_order(**tries, vpa="success@upi")
    drive_payments()
    simulate(payment=waiting, succeed=False)

    assert set(order.payments.values_list("status", flat=True)) == {"succeeded", "failed"}
    assert [(name, data["order_id"]) for name, data in told()] == [
        (name, order.public_id) for name in ("payin.initiated", "payin.initiated", "payin.succeeded")
    ]
    assert good(signed("POST", "/payin/transactions", {"order_id": order.public_id}))["status"] == "Approved"


def test_a_payout_that_is_paid(signed, cast):
    good(signed("POST", "/payout/initiate", PAYOUT))
    assert told() == []
    approve_payout(actor=Actor(cast.admin, "panel"), payout=Payout.objects.get())
    drive_payouts()
    drive_payouts()

    ((name, data),) = told()

    assert (name, list(data)) == ("payout.succeeded", PAYOUT_FIELDS)
    assert {field: data[field] for field in PAYOUT} == PAYOUT
    assert (data["status"], data["message"]) == ("Approved", "Payout has been approved.")
    assert (data["transaction_id"], data["charge"], data["vpa"]) == (Payout.objects.get().utr, 5.9, None)


@pytest.mark.parametrize("by_bank", [True, False])
def test_a_payout_that_is_not_paid(signed, cast, by_bank):
    good(signed("POST", "/payout/initiate", PAYOUT | {"beneficiary_acc_no": "123456780000"}))
    payout, operator = Payout.objects.get(), Actor(cast.admin, "panel")
    if by_bank:
        approve_payout(actor=operator, payout=payout)
        drive_payouts()
        drive_payouts()
    else:
        reject_payout(actor=operator, payout=payout, reason="Wrong bank")

    ((name, data),) = told()

    assert (name, list(data)) == ("payout.failed", PAYOUT_FIELDS)
    reason = "The account is closed." if by_bank else "Wrong bank."
    assert (data["status"], data["message"], data["transaction_id"]) == ("Rejected", f"Payout has been rejected. {reason}", None)


def test_a_payout_that_the_bank_returns_after_it_was_paid(signed, cast):
    good(signed("POST", "/payout/initiate", PAYOUT))
    payout, operator = Payout.objects.get(), Actor(cast.admin, "panel")
    approve_payout(actor=operator, payout=payout)
    drive_payouts()
    drive_payouts()
    return_payout(actor=operator, payout=payout, utr="RTN0000001", note="The account is frozen.")

    (paid, _), (name, data) = told()

    assert (paid, name, list(data)) == ("payout.succeeded", "payout.failed", PAYOUT_FIELDS)
    said = "Payout has been rejected. Returned by the bank: The account is frozen."
    assert (data["status"], data["message"], data["transaction_id"]) == ("Rejected", said, Payout.objects.get().utr)
    status = good(signed("GET", f"/payout/{PAYOUT['order_id']}/status"))
    assert (status["status"], status["message"]) == ("Rejected", said)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_has_the_fields_of_its_event(name):
    body = events.sample(name)

    assert (body["event"], body["test"]) == (name, True)
    assert list(body["data"]) == (PAYIN_FIELDS if name.startswith("payin.") else PAYOUT_FIELDS)


def test_a_delivery_is_signed_as_the_contract_signs_a_request(signed):


    body, secret = '{"event":"payin.succeeded","data":{"user_id":"चाय"}}', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = headers(
        contract="signed", url="https://shop.example/hooks/in?x=1", event_id="evt_1", event_name="payin.succeeded",
        body=body.encode(), secrets=[secret], at=datetime(2025, 8, 4, 11, 28, 30, 123_000, tzinfo=UTC),
    )

    assert made["Timestamp"] == "1754306910123"
    assert made["Signature"] == calculate_hmac(secret, "1754306910123", body, "/hooks/in", "POST")
    assert made["X-Signature"] == hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
