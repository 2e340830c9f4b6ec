"""The five calls, field for field and in the original's order; what they refuse; and the money behind them."""

import json
import re
from datetime import UTC, datetime

import pytest

from accounts.actors import Actor
from gateway.contracts.checkout.testing import Checkout
from gateway.contracts.signed.testing import LINK, PAYOUT, Signed, good, refused, send
from ledger.testing import assert_ledger_balances
from payments.models import Order, Payment, ReceivingAccount
from payments.services import confirm_payment, mark_failed, simulate
from payments.work import drive_payments, expire_payments
from payouts.models import Payout

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
INDIAN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
PAGE = Actor.system("payment page")

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


def status(signed, order_id=LINK["order_id"]):
    return good(signed("POST", "/payin/transactions", {"order_id": order_id}))


def initiate(signed, **more):
    return signed("POST", "/payout/initiate", PAYOUT | more)


def no_money_moved(balances, merchant):
    assert Payment.objects.count() == Order.objects.count() == Payout.objects.count() == 0
    assert balances(merchant) == (1_000_00, 0, 0)
    assert_ledger_balances()


# Balance --------------------------------------------------------------------------------------------------------


def test_the_balance(signed, cast, fund):
    fund(cast.merchant, 111_11)

    response = signed("GET", "/balance")

    assert json.loads(response.content) == {
        "error": "", "data": {"balance": "1111.11"}, "message": "Merchant wallet balance fetched.", "success": True,
    }
    assert good(Signed(cast.other)("GET", "/balance")) == {"balance": "0.00"}
    assert good(Signed(cast.merchant, "live", allowed_addresses=["127.0.0.1"])("GET", "/balance")) == {"balance": "0.00"}


# Payin link -----------------------------------------------------------------------------------------------------


def test_a_link(signed, settings):
    response = link(signed)

    data = good(response)
    assert response.json()["message"] == "Payin link generated successfully."
    assert list(data) == [
        "user_id", "order_id", "amount", "method", "redirect_url", "updated_at", "created_at", "pay_url",
    ]
    row = Payment.objects.get()
    assert {name: data[name] for name in LINK} == LINK
    assert TIMESTAMP.fullmatch(data["created_at"])
    assert TIMESTAMP.fullmatch(data["updated_at"])
    assert data["pay_url"] == f"{settings.PUBLIC_URL}/pay/{row.page_token}"
    assert (row.contract, row.mode, row.payer_reference, row.amount_minor) == ("signed", "test", LINK["user_id"], 100_00)


def test_the_link_leads_to_its_page(signed, client):
    data = good(link(signed))

    assert client.get(f"/pay/{data['pay_url'].rsplit('/', 1)[1]}").status_code == 200


@pytest.mark.parametrize("name", list(LINK))
@pytest.mark.parametrize("kind", ["missing", "null"])
def test_every_field_of_a_link_is_required(signed, cast, balances, name, kind):
    body = {field: value for field, value in LINK.items() if field != name} | ({name: None} if kind == "null" else {})

    answer = refused(signed("POST", "/payin/generate/link", body), 422, "validation_failed")

    assert list(answer["data"]) == [name]
    no_money_moved(balances, cast.merchant)


def test_everything_that_is_wrong_is_told_at_once(signed):
    body = {"order_id": "a b", "amount": -5, "method": "CARD", "extra": 1}

    data = refused(signed("POST", "/payin/generate/link", body), 422, "validation_failed")["data"]

    assert data == {
        "user_id": ["is required"], "redirect_url": ["is required"], "method": ["must be one of UPI"],
        "order_id": ["must have 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'"],
        "amount": ["must be a plain positive number such as 500 or 499.50"],
    }


@pytest.mark.parametrize(("name", "value"), [
    ("user_id", ""), ("user_id", 5), ("user_id", "x" * 65), ("user_id", "a\nb"), ("order_id", ""), ("order_id", "x" * 65),
    ("order_id", "a/b"), ("order_id", "é"), ("order_id", 5), ("method", "upi"), ("method", ""), ("method", ["UPI"]),
    ("redirect_url", "javascript:alert(1)"), ("redirect_url", "//a.example"), ("redirect_url", "http://a@b.example"),
    ("redirect_url", "ftp://a.example"), ("redirect_url", "x" * 3000), ("redirect_url", True), ("amount", {}),
])
def test_a_link_with_a_bad_field(signed, cast, balances, name, value):
    assert list(refused(link(signed, **{name: value}), 422, "validation_failed")["data"]) == [name]
    no_money_moved(balances, cast.merchant)


AMOUNTS = [
    "0", "-1", "-0", "null", "true", "[]", "{}", '"NaN"', "1e2", "1E+2", "1e400", '"1_000"', '"5,000"', '" 10"', '"10\\u00a0"',
    '"+10"', '"٥٠٠"', '"５００"', "100.001", "0.001", '"0x10"', '""', "1000000000000000", '"1e2"', '"Infinity"', '"010"', '".5"',
    "1" + "0" * 5000,
]


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize(("path", "body"), [("/payin/generate/link", LINK), ("/payout/initiate", PAYOUT)])
def test_what_is_no_amount_is_refused_with_the_fields_name(signed, cast, balances, path, body, amount):
    wire = json.dumps(body).replace('"amount": 100', f'"amount": {amount}').encode()

    assert list(refused(signed("POST", path, raw=wire), 422, "validation_failed")["data"]) == ["amount"]

    no_money_moved(balances, cast.merchant)


@pytest.mark.parametrize(("sent", "shown", "minor"), [
    ("100", "100", 10_000), ("5.9", "5.9", 590), ('"5.90"', "5.9", 590), ("0.01", "0.01", 1), ("499.50", "499.5", 49_950),
    ("90071992547409.93", "90071992547409.93", 9_007_199_254_740_993),
])
def test_an_amount_is_kept_and_answered_to_the_last_digit(signed, sent, shown, minor):
    wire = json.dumps(LINK).replace('"amount": 100', f'"amount": {sent}').encode()

    response = signed("POST", "/payin/generate/link", raw=wire)

    good(response)
    assert Payment.objects.get().amount_minor == minor
    assert f'"amount":{shown},'.encode() in response.content


def test_an_order_id_is_used_once_across_the_contracts(signed, api, payment_body):
    good(link(signed))
    refused(link(signed), 409, "duplicate_order_id")
    assert api("merchant_user", "POST", "/payments", payment_body(order_id=LINK["order_id"])).status_code == 409
    assert Payment.objects.count() == 1


# Payin status ---------------------------------------------------------------------------------------------------

PAYIN_FIELDS = [
    "user_id", "order_id", "transaction_id", "amount", "request_amount", "method", "comments", "status",
    "time_of_processing", "created_at", "updated_at", "bank_upi", "bank_name",
]


def test_a_payin_from_its_link_to_its_end(signed, cast, balances):
    good(link(signed))
    waiting = status(signed)
    assert list(waiting) == PAYIN_FIELDS
    assert {name: waiting[name] for name in waiting if not name.endswith("_at")} == {
        "user_id": LINK["user_id"], "order_id": LINK["order_id"], "transaction_id": None, "amount": 100,
        "request_amount": 100, "method": "UPI", "comments": "Waiting for the payer", "status": "Pending",
        "time_of_processing": None, "bank_upi": None, "bank_name": None,
    }

    confirm_payment(actor=PAGE, payment=Payment.objects.get(), vpa="success@upi")
    confirmed = status(signed)
    assert (confirmed["status"], confirmed["comments"], confirmed["transaction_id"]) == ("Pending", "Payin Initiated", None)
    assert INDIAN.fullmatch(confirmed["time_of_processing"])

    drive_payments()
    response = signed("POST", "/payin/transactions", {"order_id": LINK["order_id"]})
    paid, row = good(response), Payment.objects.get()
    assert response.json()["message"] == "Payin transaction fetched successfully."
    assert (paid["status"], paid["comments"], paid["transaction_id"]) == ("Approved", "Auto Approved", row.utr)
    assert (paid["amount"], paid["request_amount"], paid["bank_upi"]) == (100, 100, "gateway@sandbox")
    assert balances(cast.merchant) == (1_000_00 + 97_64, 0, 0)
    assert_ledger_balances()


def test_the_one_time_that_is_indian(signed):
    good(link(signed))
    simulate(payment=Payment.objects.get(), succeed=True)
    Payment.objects.update(completed_at=datetime(2025, 8, 4, 11, 28, 30, 999_999, tzinfo=UTC), created_at=datetime(2025, 8, 4, 6, 16, 3, tzinfo=UTC))

    data = status(signed)

    assert (data["time_of_processing"], data["created_at"]) == ("2025-08-04 16:58:30", "2025-08-04T06:16:03.000000Z")


def test_the_bank_of_the_account_that_received_the_money(signed):
    ReceivingAccount.objects.create(mode="test", vpa="gateway@sandbox", bank_name="Yes Bank", holder="Shri Neelkanth Enterprise")
    good(link(signed))
    assert (status(signed)["bank_upi"], status(signed)["bank_name"]) == (None, None)
    simulate(payment=Payment.objects.get(), succeed=True)

    assert (status(signed)["bank_upi"], status(signed)["bank_name"]) == ("gateway@sandbox", "Yes Bank")


def test_a_payin_that_fails_is_rejected(signed, cast, balances):
    good(link(signed))
    simulate(payment=Payment.objects.get(), succeed=False)
    data = status(signed)
    assert (data["status"], data["comments"], data["transaction_id"]) == ("Rejected", "The payer's bank declined the payment.", None)

    good(link(signed, order_id="A-2"))
    mark_failed(actor=Actor(cast.admin, "panel"), payment=Payment.objects.get(order__reference="A-2"), reason="Not received")
    assert (status(signed, "A-2")["status"], status(signed, "A-2")["comments"]) == ("Rejected", "Not received")

    good(link(signed, order_id="A-3"))
    Payment.objects.filter(order__reference="A-3").update(expires_at=datetime(2025, 1, 1, tzinfo=UTC))
    expire_payments()
    assert status(signed, "A-3")["status"] == "Rejected"
    assert balances(cast.merchant) == (1_000_00, 0, 0)


@pytest.mark.parametrize(("content", "kind", "as_signed"), [
    (b"order_id=adsd-ewerz-23sdsd-ad234", "application/x-www-form-urlencoded", '{"order_id":"adsd-ewerz-23sdsd-ad234"}'),
    (b"--b\r\nContent-Disposition: form-data; name=\"order_id\"\r\n\r\nadsd-ewerz-23sdsd-ad234\r\n--b--\r\n",
     "multipart/form-data; boundary=b", '{"order_id":"adsd-ewerz-23sdsd-ad234"}'),
])
def test_the_status_by_a_form(signed, content, kind, as_signed):
    good(link(signed))

    response = signed("POST", "/payin/transactions", raw=content, signed=as_signed, content_type=kind)

    assert good(response)["order_id"] == LINK["order_id"]


@pytest.mark.parametrize("body", [{}, {"order_id": None}, {"order_id": ""}, {"order_id": 5}, {"order_id": ["x"]}])
def test_a_status_without_an_order_id(signed, body):
    assert list(refused(signed("POST", "/payin/transactions", body), 422, "validation_failed")["data"]) == ["order_id"]


def test_payments_of_the_other_contracts_are_seen_here(signed, cast, api, payment_body):
    api("merchant_user", "POST", "/payments", payment_body(order_id="PORTAL-1", amount=5000))
    by_portal = status(signed, "PORTAL-1")
    assert (by_portal["user_id"], by_portal["amount"], by_portal["status"]) == (None, 5000, "Pending")

    checkout = Checkout(cast.merchant)
    order = checkout.order(19_900)
    failed = checkout.pay(order, method="upi", vpa="failure@upi")
    drive_payments()
    assert status(signed, order["id"])["status"] == "Rejected"
    checkout.pay(order, method="card", card_number="4111111111111111", expiry_month=12, expiry_year=2030, cvv="123")
    drive_payments()
    paid = status(signed, order["id"])
    assert (paid["status"], paid["method"], paid["amount"], paid["order_id"]) == ("Approved", "CARD", 199, order["id"])
    assert failed["status"] == "CREATED"


def test_another_merchants_or_modes_records_do_not_exist(signed, cast):
    good(link(signed))
    good(initiate(signed))
    strangers = [Signed(cast.other), Signed(cast.merchant, "live", allowed_addresses=["127.0.0.1"])]
    for stranger in strangers:
        refused(stranger("POST", "/payin/transactions", {"order_id": LINK["order_id"]}), 404, "not_found")
        refused(stranger("POST", "/payin/transactions", {"order_id": Order.objects.get().public_id}), 404, "not_found")
        refused(stranger("GET", f"/payout/{PAYOUT['order_id']}/status"), 404, "not_found")
    good(link(Signed(cast.other)))


# Idempotency ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "body"), [("/payin/generate/link", LINK), ("/payout/initiate", PAYOUT)])
def test_a_repetition_signed_anew_gets_the_first_answer(signed, path, body):
    first = signed("POST", path, body, headers={"Idempotency-Key": "k"})

    again = signed("POST", path, body, headers={"Idempotency-Key": "k"})

    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert again.content == first.content
    assert Payment.objects.count() + Payout.objects.count() == 1
    refused(signed("POST", path, body | {"amount": 5}, headers={"Idempotency-Key": "k"}), 422, "idempotency_key_reused")
    refused(signed("POST", path, body, headers={"Idempotency-Key": "é"}), 422, "validation_failed")


def test_the_same_request_twice_is_a_replay_whatever_its_idempotency_key(signed):
    wire = json.dumps(LINK).encode()
    headers = signed.headers("POST", "/api/v1/payin/generate/link", wire.decode()) | {"Idempotency-Key": "k"}
    good(send("POST", "/payin/generate/link", wire, headers))
    refused(send("POST", "/payin/generate/link", wire, headers), 401, "replayed_request")


def test_a_refusal_is_not_stored(signed):
    refused(signed("POST", "/payin/generate/link", LINK | {"amount": 0}, headers={"Idempotency-Key": "k"}), 422, "validation_failed")

    good(signed("POST", "/payin/generate/link", LINK, headers={"Idempotency-Key": "k"}))
