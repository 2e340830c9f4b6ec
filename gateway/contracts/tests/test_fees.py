"""One charge everywhere: in the answer, in the webhook and in the ledger; half up to the paisa; never changed later.

And what a blocked beneficiary is answered in each contract's shape.
"""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from gateway.contracts.checkout.answers import razorpay
from gateway.contracts.checkout.testing import Checkout
from gateway.contracts.checkout.testing import good as checkout_good
from gateway.contracts.signed.testing import LINK, PAYOUT, Signed, good, refused
from ledger.fees import set_fee_plan
from ledger.models import Entry
from ledger.testing import assert_ledger_balances
from payments.models import Payment
from payments.services import mark_succeeded
from payments.work import drive_payments
from payouts.models import Payout
from payouts.services import approve_payout, block_beneficiary
from payouts.work import drive_payouts
from webhooks.models import Delivery
from webhooks.services import create_endpoint

# paise; 2.5 % and 18 % GST on it; (charge, tax in it) by hand
PAYIN_EDGES = [
    (100, 4, 1),  # 2.5 → 3, 0.54 → 1
    (120, 4, 1),  # 3, 0.54 → 1
    (139, 4, 1),  # 3.475 → 3
    (140, 5, 1),  # 3.5 → 4, 0.72 → 1
    (9_999, 295, 45),  # 249.975 → 250, 45
    (100_000, 2_950, 450),
]
# paise; 3.25 fixed + 0.55 % and 18 % GST on both
PAYOUT_EDGES = [
    (100, 385, 59),  # 325 + 0.55 → 326, 58.68 → 59
    (90, 384, 59),  # 325 + 0.495 → 325, 58.5 → 59
    (91, 385, 59),  # 325 + 0.5005 → 326, 58.68 → 59
    (100_000, 1_033, 158),  # 325 + 550 → 875, 157.5 → 158
]


@pytest.fixture(autouse=True)
def plans(cast, fund, settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = settings.SANDBOX_BANK_DELAY_SECONDS = 0
    settings.SIGNED_RATE_LIMIT = 100_000
    fund(cast.merchant, 1_000_000)
    root = Actor(cast.super_admin, "tests")
    for product, fixed, percent in (("payin_upi", 0, 250), ("payin_card", 0, 250), ("payout", 325, 55)):
        set_fee_plan(
            actor=root, merchant=cast.merchant, product=product, fixed_minor=fixed, basis_points=percent,
            gst_basis_points=1_800,
        )
    for contract in ("portal", "checkout", "signed"):
        create_endpoint(
            actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test",
            url=f"https://{contract}.example/", contract=contract,
        )


def change_all_fees(cast):
    for product in ("payin_upi", "payin_card", "payout"):
        set_fee_plan(
            actor=Actor(cast.super_admin, "tests"), merchant=cast.merchant, product=product, fixed_minor=9_900,
            basis_points=1_000, gst_basis_points=2_800,
        )


def booked(kind):
    """(charge, tax in it) of the last posting of this kind, by the house's accounts."""
    entries = Entry.objects.filter(posting__kind=kind).order_by("-posting_id").values_list("account__kind", "amount")
    last = Entry.objects.filter(posting__kind=kind).latest("posting_id").posting_id
    sums = dict(entries.filter(posting_id=last, account__kind__in=["fees", "tax"]))
    return sums.get("fees", 0) + sums.get("tax", 0), sums.get("tax", 0)


def told(contract, event):
    rows = Delivery.objects.filter(endpoint__contract=contract).order_by("-created_at")
    bodies = [json.loads(row.body) for row in rows]
    return next(body for body in bodies if event in json.dumps(body))


def rupees(minor):
    return pytest.approx(minor / 100, abs=1e-9)


# Money in ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("minor", "charge", "tax"), PAYIN_EDGES)
def test_a_payment_of_the_portal(api, cast, minor, charge, tax):
    made = api("merchant_user", "POST", "/payments", {"amount": minor / 100, "order_id": "FEE-1"}).json()["data"]
    mark_succeeded(actor=Actor(cast.admin, "t"), payment=Payment.objects.get(), utr="UTR000000001")
    change_all_fees(cast)

    shown = api("merchant_user", "GET", f"/payments/{made['transaction_id']}").json()["data"]

    assert shown["fee"] == rupees(charge)
    assert shown["net_amount"] == rupees(minor - charge)
    assert booked("payment.capture") == (charge, tax)
    assert_ledger_balances()


@pytest.mark.parametrize(("minor", "charge", "tax"), PAYIN_EDGES)
def test_a_payment_of_the_checkout(cast, minor, charge, tax, balances):
    checkout, before = Checkout(cast.merchant), balances(cast.merchant)[0]
    order = checkout_good(checkout("POST", "/orders", {"amount": minor, "currency": "INR"}))
    made = checkout_good(checkout("POST", "/payments", {
        "order_id": order["id"], "amount": minor, "currency": "INR", "method": "upi", "vpa": "success@upi",
    }))
    drive_payments()
    checkout("POST", f"/payments/{made['id']}/capture", {"amount": minor})
    drive_payments()
    change_all_fees(cast)

    shown = razorpay(Payment.objects.get(public_id=made["id"]))  # only the SDK's form of an answer has the fee

    assert (shown["fee"], shown["tax"]) == (charge, tax)
    assert told("checkout", "payment.captured")["data"]["payment"]["id"] == made["id"]
    assert booked("payment.capture") == (charge, tax)
    assert balances(cast.merchant)[0] == before + minor - charge
    assert_ledger_balances()


@pytest.mark.parametrize(("minor", "charge", "tax"), PAYIN_EDGES)
def test_a_link_of_the_signed_contract(cast, minor, charge, tax, balances):
    signed, before = Signed(cast.merchant), balances(cast.merchant)[0]
    good(signed("POST", "/payin/generate/link", LINK | {"amount": minor / 100}))
    mark_succeeded(actor=Actor(cast.admin, "t"), payment=Payment.objects.get(), utr="UTR000000001")
    change_all_fees(cast)

    assert booked("payment.capture") == (charge, tax)
    assert balances(cast.merchant)[0] == before + minor - charge
    shown = good(signed("POST", "/payin/transactions", {"order_id": LINK["order_id"]}))
    assert (shown["amount"], shown["status"]) == (rupees(minor), "Approved")
    assert_ledger_balances()


# Money out --------------------------------------------------------------------------------------------------
def pay(cast):
    """Approved, after the fees have changed: the charge is the one that was held."""
    change_all_fees(cast)
    approve_payout(actor=Actor(cast.admin, "t"), payout=Payout.objects.get())
    drive_payouts()
    assert Payout.objects.get().status == "processed"


@pytest.mark.parametrize(("minor", "charge", "tax"), PAYOUT_EDGES)
def test_a_payout_of_the_portal(api, cast, payout_body, balances, minor, charge, tax):
    before = balances(cast.merchant)[0]
    body = payout_body(amount=minor / 100, account_number="123456789012")
    made = api("merchant_user", "POST", "/payouts", body).json()["data"]
    assert made["charge"] == rupees(charge)
    assert balances(cast.merchant) == (before - minor - charge, 0, minor + charge)

    pay(cast)

    assert api("merchant_user", "GET", f"/payouts/{made['payout_id']}").json()["data"]["charge"] == rupees(charge)
    assert told("portal", "payout.processed")["amount"] == rupees(minor)  # this contract's payload has no charge
    assert booked("payout.settle") == (charge, tax)
    assert balances(cast.merchant) == (before - minor - charge, 0, 0)
    assert_ledger_balances()


@pytest.mark.parametrize(("minor", "charge", "tax"), PAYOUT_EDGES)
def test_a_payout_of_the_signed_contract(cast, balances, minor, charge, tax):
    signed, before = Signed(cast.merchant), balances(cast.merchant)[0]
    made = good(signed("POST", "/payout/initiate", PAYOUT | {"amount": minor / 100}))
    assert made["charge"] == rupees(charge)

    pay(cast)

    assert good(signed("GET", f"/payout/{PAYOUT['order_id']}/status"))["charge"] == rupees(charge)
    assert told("signed", "payout.succeeded")["data"]["charge"] == rupees(charge)
    assert booked("payout.settle") == (charge, tax)
    assert balances(cast.merchant) == (before - minor - charge, 0, 0)
    assert_ledger_balances()


def test_a_payout_that_failed_gives_its_charge_back_as_it_was_held(cast, balances):
    signed, before = Signed(cast.merchant), balances(cast.merchant)
    good(signed("POST", "/payout/initiate", PAYOUT | {"beneficiary_acc_no": "501000120000"}))
    change_all_fees(cast)
    approve_payout(actor=Actor(cast.admin, "t"), payout=Payout.objects.get())
    drive_payouts()

    assert balances(cast.merchant) == before
    assert_ledger_balances()


def test_a_plan_dated_ahead_counts_from_its_day_on(api, cast, payout_body, monkeypatch):
    day = timezone.now() + timedelta(days=1)
    set_fee_plan(
        actor=Actor(cast.admin, "t"), merchant=cast.merchant, product="payout", fixed_minor=0, basis_points=0,
        gst_basis_points=0, effective_from=day,
    )
    first = api("merchant_user", "POST", "/payouts", payout_body(order_id="A", amount=1)).json()["data"]
    monkeypatch.setattr(timezone, "now", lambda: day)
    second = api("merchant_user", "POST", "/payouts", payout_body(order_id="B", amount=1)).json()["data"]

    assert (first["charge"], second["charge"]) == (3.85, 0)
    assert_ledger_balances()


# A blocked beneficiary --------------------------------------------------------------------------------------
def test_a_blocked_beneficiary_is_refused_in_each_contracts_shape(api, cast, payout_body, balances):
    signed = Signed(cast.merchant)
    account = {"account_number": "501001234567", "ifsc": "HDFC0001234"}
    api("merchant_user", "POST", "/payouts", payout_body(**account, amount=1))
    block_beneficiary(
        actor=Actor(cast.merchant_user, "t"), beneficiary=Payout.objects.get().beneficiary, reason="Fraud"
    )
    before = balances(cast.merchant)

    portal = api("merchant_user", "POST", "/payouts", payout_body(**account, amount=1, order_id="AGAIN"))
    other = {"beneficiary_acc_no": account["account_number"], "ifsc": account["ifsc"]}
    refusal = refused(signed("POST", "/payout/initiate", PAYOUT | other), 422, "validation_failed")

    error = portal.json()["error"]
    said = "This bank account is blocked for payouts. Ask your operator."
    assert (portal.status_code, error["code"], error["message"]) == (400, "beneficiary_blocked", said)
    assert refusal["data"] == {"beneficiary_acc_no": [said]}
    assert (Payout.objects.count(), balances(cast.merchant)) == (1, before)
    assert_ledger_balances()


def test_the_portal_keeps_a_large_first_payout_pending_until_the_second_approval(api, cast, payout_body, fund):
    fund(cast.merchant, 20_000_000)
    made = api("merchant_user", "POST", "/payouts", payout_body(amount=100_000.01)).json()["data"]["payout_id"]

    first = api("admin", "POST", f"/payouts/{made}/approve")
    again = api("admin", "POST", f"/payouts/{made}/approve")
    second = api("super_admin", "POST", f"/payouts/{made}/approve")

    assert (first.status_code, first.json()["data"]["status"]) == (200, "pending")
    assert (again.status_code, again.json()["error"]["code"]) == (403, "insufficient_permissions")
    assert "A second operator must give the other." in again.json()["error"]["message"]
    assert (second.status_code, second.json()["data"]["status"]) == (200, "approved")
    assert_ledger_balances()
