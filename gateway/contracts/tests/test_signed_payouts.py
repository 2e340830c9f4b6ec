"""Payouts of the signed contract, field for field; what they refuse; and the money behind them."""

import re

import pytest

from accounts.actors import Actor
from gateway.contracts.signed.testing import LINK, PAYOUT, Signed, good, refused
from ledger.testing import assert_ledger_balances
from payments.models import Order, Payment
from payouts.models import Payout
from payouts.services import approve_payout, reject_payout
from payouts.work import drive_payouts

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = settings.SANDBOX_BANK_DELAY_SECONDS = 0
    settings.SIGNED_RATE_LIMIT = 100_000


@pytest.fixture
def signed(cast, fund):
    fund(cast.merchant, 1_000_00)
    return Signed(cast.merchant)


def link(signed, **more):
    return signed("POST", "/payin/generate/link", LINK | more)


def initiate(signed, **more):
    return signed("POST", "/payout/initiate", PAYOUT | more)


def payout_status(signed, order_id=PAYOUT["order_id"]):
    return good(signed("GET", f"/payout/{order_id}/status"))


def no_money_moved(balances, merchant):
    assert Payment.objects.count() == Order.objects.count() == Payout.objects.count() == 0
    assert balances(merchant) == (1_000_00, 0, 0)
    assert_ledger_balances()


# Payout ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mobile", [7878787878, "7878787878", "+91 78787-87878"])
def test_a_payout_from_its_beginning_to_its_end(signed, cast, balances, mobile):
    response = initiate(signed, beneficiary_mobile_no=mobile)

    data = good(response)
    assert response.json()["message"] == "Payout initiated."
    assert list(data) == [
        "beneficiary_name", "beneficiary_email", "beneficiary_mobile_no", "beneficiary_address", "payment_method",
        "beneficiary_acc_no", "bank_name", "ifsc", "amount", "order_id", "user_id", "transaction_id", "remarks", "charge",
        "status", "message", "updated_at", "created_at",
    ]
    sent = PAYOUT | {"beneficiary_mobile_no": mobile}
    assert {name: data[name] for name in sent} == sent
    assert (data["charge"], data["status"], data["message"]) == (5.9, "Pending", "Payout has been processing.")
    assert (data["transaction_id"], bool(TIMESTAMP.fullmatch(data["created_at"]))) == (None, True)
    assert balances(cast.merchant) == (1_000_00 - 105_90, 0, 105_90)

    approve_payout(actor=Actor(cast.admin, "panel"), payout=Payout.objects.get())
    drive_payouts()
    drive_payouts()
    answer = signed("GET", f"/payout/{PAYOUT['order_id']}/status")
    done, row = good(answer), Payout.objects.get()
    assert answer.json()["message"] == "Payout status fetched."
    assert list(done) == [
        "order_id", "user_id", "transaction_id", "amount", "charge", "beneficiary_name", "beneficiary_address",
        "beneficiary_email", "beneficiary_mobile_no", "payment_method", "beneficiary_acc_no", "ifsc", "bank_name", "vpa",
        "remarks", "status", "created_at", "updated_at", "message",
    ]
    assert {name: done[name] for name in sent} == sent
    assert (done["status"], done["message"]) == ("Approved", "Payout has been completed.")
    assert (done["transaction_id"], done["charge"], done["vpa"]) == (row.utr, 5.9, None)
    assert row.utr
    assert balances(cast.merchant) == (1_000_00 - 105_90, 0, 0)
    assert_ledger_balances()


def test_a_payout_that_the_bank_or_an_operator_refuses_is_rejected(signed, cast, balances):
    good(initiate(signed, beneficiary_acc_no="123456780000"))
    good(initiate(signed, order_id="B"))
    approve_payout(actor=Actor(cast.admin, "panel"), payout=Payout.objects.get(reference=PAYOUT["order_id"]))
    drive_payouts()
    drive_payouts()
    reject_payout(actor=Actor(cast.admin, "panel"), payout=Payout.objects.get(reference="B"), reason="Wrong bank")

    by_bank, by_operator = payout_status(signed), payout_status(signed, "B")

    assert (by_bank["status"], by_bank["message"]) == ("Rejected", "Payout has been rejected. The account is closed.")
    assert (by_operator["status"], by_operator["message"]) == ("Rejected", "Payout has been rejected. Wrong bank.")
    assert by_bank["transaction_id"] is None
    assert balances(cast.merchant) == (1_000_00, 0, 0)
    assert_ledger_balances()


@pytest.mark.parametrize("name", [name for name in PAYOUT if name != "remarks"])
@pytest.mark.parametrize("kind", ["missing", "null", "empty"])
def test_every_field_but_remarks_is_required(signed, cast, balances, name, kind):
    body = {field: value for field, value in PAYOUT.items() if field != name}
    body |= {"null": {name: None}, "empty": {name: ""}, "missing": {}}[kind]

    assert list(refused(signed("POST", "/payout/initiate", body), 422, "validation_failed")["data"]) == [name]
    no_money_moved(balances, cast.merchant)


@pytest.mark.parametrize(("name", "value"), [
    ("ifsc", "SBIN1060589"), ("ifsc", "sbin0060589"), ("ifsc", "SBIN006058"), ("ifsc", "SBIN0060589\n"),
    ("beneficiary_acc_no", "12345678"), ("beneficiary_acc_no", "1" * 19), ("beneficiary_acc_no", 99999999999),
    ("beneficiary_acc_no", "12345678٩"), ("payment_method", "UPI"), ("payment_method", "imps"), ("beneficiary_email", "x"),
    ("beneficiary_mobile_no", True), ("beneficiary_mobile_no", 78.5), ("beneficiary_mobile_no", "call me"), ("beneficiary_mobile_no", -7878787878),
    ("beneficiary_mobile_no", 10**30), ("beneficiary_mobile_no", [1]), ("beneficiary_mobile_no", 5), ("beneficiary_name", "x" * 121),
    ("beneficiary_address", {"city": "NOIDA"}), ("bank_name", 5), ("remarks", 5), ("remarks", "x" * 201), ("user_id", "x" * 65),
    ("order_id", "a b"), ("beneficiary_name", "a\u0007"),
])
def test_a_payout_with_a_bad_field(signed, cast, balances, name, value):
    assert list(refused(initiate(signed, **{name: value}), 422, "validation_failed")["data"]) == [name]
    no_money_moved(balances, cast.merchant)


@pytest.mark.parametrize("remarks", [None, "", "Salary", "नमस्ते"])
def test_remarks(signed, remarks):
    assert good(initiate(signed, remarks=remarks))["remarks"] == (remarks or None)
    assert payout_status(signed)["remarks"] == (remarks or None)


def test_more_than_there_is(signed, cast, balances):
    refused(initiate(signed, amount=994.11), 402, "insufficient_balance")
    no_money_moved(balances, cast.merchant)
    good(initiate(signed, amount=994.10))
    assert balances(cast.merchant) == (0, 0, 1_000_00)


def test_a_payouts_order_id_is_used_once(signed, cast, balances):
    good(initiate(signed))
    refused(initiate(signed, amount=5), 409, "duplicate_order_id")
    assert Payout.objects.count() == 1
    assert balances(cast.merchant) == (1_000_00 - 105_90, 0, 105_90)


def test_payouts_of_the_portal_are_seen_here(signed, api, payout_body):
    api("merchant_user", "POST", "/payouts", payout_body(order_id="PORTAL-1"))

    data = payout_status(signed, "PORTAL-1")

    assert (data["status"], data["amount"], data["user_id"], data["beneficiary_email"], data["beneficiary_mobile_no"]) == (
        "Pending", 100, None, None, None,
    )


def test_live_mode_without_a_provider_creates_nothing(cast):
    live = Signed(cast.merchant, "live", allowed_addresses=["127.0.0.1"])

    refused(link(live), 503, "provider_unavailable")
    refused(initiate(live), 503, "provider_unavailable")
    refused(link(live, amount=0), 422, "validation_failed")
    assert Payment.objects.count() == Payout.objects.count() == 0


def test_fields_that_a_body_must_not_set_are_never_stored(signed, cast):
    evil = {
        "status": "Approved", "charge": 0, "transaction_id": "X", "merchant_id": cast.other.public_id, "mode": "live", "utr": "X",
        "contract": "portal", "fee_minor": 0, "created_at": "2020-01-01T00:00:00Z",
    }
    good(link(signed, **evil))
    good(initiate(signed, **evil))

    payment, payout = Payment.objects.get(), Payout.objects.get()
    assert (payment.status, payment.mode, payment.utr, payment.merchant, payment.contract) == ("created", "test", "", cast.merchant, "signed")
    assert (payout.mode, payout.charge_minor, payout.merchant, payout.contract, payout.utr) == ("test", 590, cast.merchant, "signed", "")
