"""Payments through the portal: every field and value, and who may do what."""

import re

import pytest

from accounts.actors import Actor
from gateway.lib.money import Money
from ledger.testing import assert_ledger_balances
from payments.models import Order, Payment
from payments.services import confirm_payment, create_order, pay_order, simulate
from payments.work import drive_payments

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PAYER = Actor.system("payment page")
FIELDS = [
    "transaction_id", "order_id", "amount", "amount_refunded", "fee", "net_amount", "currency", "status", "method",
    "payer", "email", "phone", "utr", "failure_reason", "notes", "payment_url", "created_by", "merchant_id",
    "created_at", "updated_at", "completed_at",
]


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


def test_a_new_payment_has_exactly_these_fields_and_values(api, cast, settings):
    settings.PUBLIC_URL = "https://pay.example"
    body = {
        "amount": 1000, "order_id": "TXN-2026-001", "currency": "INR", "payer": "Jane Smith",
        "email": "jane@example.com", "phone": "+91 98765-43210", "method": "upi",
        "redirect_url": "https://shop.example/thanks?a=1#b", "notes": {"cart": "7", "items": 3, "gift": True},
    }

    response = api("merchant_user", "POST", "/payments", body)

    made = response.json()["data"]
    row = Payment.objects.get()
    assert response.status_code == 201
    assert list(response.json()) == ["success", "data"]
    assert list(made) == FIELDS
    assert re.fullmatch(r"pay_[A-Za-z0-9]{16}", made["transaction_id"])
    assert all(TIMESTAMP.fullmatch(made[name]) for name in ("created_at", "updated_at"))
    assert made | {"created_at": "", "updated_at": ""} == {
        "transaction_id": row.public_id, "order_id": "TXN-2026-001", "amount": 1000, "amount_refunded": 0,
        "fee": 23.6, "net_amount": 976.4, "currency": "INR", "status": "pending", "method": "upi",
        "payer": "Jane Smith", "email": "jane@example.com", "phone": "+91 98765-43210", "utr": None,
        "failure_reason": None, "notes": {"cart": "7", "items": 3, "gift": True},
        "payment_url": f"https://pay.example/pay/{row.page_token}", "created_by": cast.merchant_user.public_id,
        "merchant_id": cast.merchant.public_id, "created_at": "", "updated_at": "", "completed_at": None,
    }
    assert row.redirect_url == "https://shop.example/thanks?a=1#b"
    assert (row.merchant, row.mode, row.contract) == (cast.merchant, "test", "portal")


def test_only_amount_and_order_id_are_needed(api):
    made = api("merchant_user", "POST", "/payments", {"amount": 5.9, "order_id": "a"}).json()["data"]

    assert (made["amount"], made["currency"], made["method"], made["notes"]) == (5.9, "INR", "upi", {})
    assert [made[name] for name in ("payer", "email", "phone", "utr", "completed_at")] == [None] * 5


def test_null_and_empty_optional_fields_count_as_not_sent(api, payment_body):
    body = payment_body(payer=None, email=None, phone="", redirect_url="", notes=None, currency=None, method=None)

    made = api("merchant_user", "POST", "/payments", body).json()["data"]

    assert (made["payer"], made["phone"], made["currency"], made["method"], made["notes"]) == (
        None, None, "INR", "upi", {}
    )


def test_a_payment_is_looked_up_as_it_was_made(api, payment_body):
    made = api("merchant_user", "POST", "/payments", payment_body(payer="ज़ोया 🙂")).json()["data"]

    assert api("merchant_user", "GET", f"/payments/{made['transaction_id']}").json() == {"success": True, "data": made}


def test_the_story_of_a_payment_in_the_portals_words(api, payment_body):
    made = api("merchant_user", "POST", "/payments", payment_body(amount=1000)).json()["data"]
    path = f"/payments/{made['transaction_id']}"
    row = Payment.objects.get()

    confirm_payment(actor=PAYER, payment=row, vpa="success@upi")
    assert api("merchant_user", "GET", path).json()["data"]["status"] == "processing"
    drive_payments()
    done = api("merchant_user", "GET", path).json()["data"]

    assert (done["status"], done["amount"], done["fee"], done["net_amount"]) == ("completed", 1000, 23.6, 976.4)
    assert done["utr"]
    assert TIMESTAMP.fullmatch(done["completed_at"])
    balance = api("merchant_user", "GET", "/balance").json()["data"]
    assert (balance["available"], balance["pending"], balance["reserved"]) == (976.4, 0, 0)
    assert_ledger_balances()


def test_a_failed_payment_says_why(api, payment_body):
    made = api("merchant_user", "POST", "/payments", payment_body()).json()["data"]
    simulate(payment=Payment.objects.get(), succeed=False)

    done = api("merchant_user", "GET", f"/payments/{made['transaction_id']}").json()["data"]

    assert done["status"] == "failed"
    assert done["failure_reason"]
    assert api("merchant_user", "GET", "/balance").json()["data"]["available"] == 0


def test_an_operator_names_the_merchant(api, cast, refused, payment_body):
    named = payment_body(merchant_id=cast.merchant.public_id)

    assert refused(api("admin", "POST", "/payments", payment_body()), 400, "missing_fields")["fields"] == ["merchant_id"]
    made = api("admin", "POST", "/payments", named).json()["data"]

    assert (made["merchant_id"], made["created_by"]) == (cast.merchant.public_id, cast.admin.public_id)
    refused(api("admin", "POST", "/payments", payment_body(merchant_id=cast.other.public_id)), 404, "not_found")
    refused(api("admin", "POST", "/payments", payment_body(merchant_id="mrc_unknown")), 404, "not_found")
    assert api("super_admin", "POST", "/payments", payment_body(merchant_id=cast.other.public_id)).status_code == 201
    assert Payment.objects.count() == 2


def test_a_merchant_cannot_act_for_another(api, cast, payment_body):
    body = payment_body(merchant_id=cast.other.public_id)

    made = api("merchant_user", "POST", "/payments", body).json()["data"]

    assert made["merchant_id"] == cast.merchant.public_id
    assert not Payment.objects.filter(merchant=cast.other).exists()


def test_what_a_body_must_not_set_is_ignored_and_never_stored(api, cast, payment_body):
    server_only = {
        "id": 1, "pk": 1, "transaction_id": "pay_AAAAAAAAAAAAAAAA", "public_id": "pay_AAAAAAAAAAAAAAAA",
        "status": "completed", "fee": 0, "fee_minor": 0, "tax_minor": 0, "net_amount": 1, "amount_minor": 1,
        "amount_refunded": 500, "refunded_minor": 1, "received_minor": 99, "utr": "EVIL", "mode": "live",
        "merchant": cast.other.pk, "merchant_id": cast.other.public_id, "created_by": cast.admin.public_id,
        "created_at": "2000-01-01T00:00:00Z", "completed_at": "2000-01-01T00:00:00Z", "captured_at": "2000-01-01",
        "settled_at": "2000-01-01", "provider": "evil", "page_token": "evil", "payment_url": "https://evil.example",
        "contract": "checkout", "flag": "", "vpa": "evil@upi", "expires_at": None, "payer_reference": "evil",
        "receiving_account": "evil@upi", "public": True, "manual_capture": True, "success": False, "data": {},
    }

    made = api("merchant_user", "POST", "/payments", server_only | payment_body()).json()["data"]

    row = Payment.objects.select_related("order").get()
    assert (made["status"], made["fee"], made["utr"]) == ("pending", 11.8, None)
    assert (row.merchant, row.mode, row.contract, row.created_by) == (cast.merchant, "test", "portal", cast.merchant_user)
    assert (row.received_minor, row.refunded_minor, row.vpa, row.payer_reference) == (None, 0, "", "")
    assert (row.order.public, row.order.manual_capture) == (False, False)
    assert row.captured_at is row.settled_at is None
    assert "evil" not in str({**row.__dict__, **row.order.__dict__}).lower()


BAD_FIELDS = [
    ("order_id", value) for value in ("", " ", "a b", "a/b", "é", "a" * 65, "１", 5, 5.5, True, None, [], {}, "a\n")
] + [
    ("payer", value) for value in ("x" * 121, 5, True, [], {}, "a\nb", "a\x7fb", "a\x85b", "\t")
] + [
    ("email", value) for value in ("nobody", "a@", "@b.co", "a@b", "a b@c.de", "a@b.co" * 60, 5, ["a@b.co"])
] + [
    ("phone", value) for value in ("abc", "12345", "+", "1" * 21, "１２３４５６７", 9876543210, "12345678x")
] + [
    ("method", value) for value in ("UPI", "cash", "", 1, True, ["upi"])
] + [
    ("redirect_url", value) for value in (
        "javascript:alert(1)", "data:text/html,x", "ftp://a.example", "//a.example", "/thanks", "https://", "http:a",
        "https://a.example/ b", "https://u:p@a.example", "https://a.example\\@b", "https://a.example/" + "a" * 2000,
        "https://[::1", "https://a.example:99999", 5, "https://a.example/\"onclick=x", "https://a.example/<script>",
        "JAVASCRIPT:alert(1)", "\tjavascript:alert(1)", "https:///a", "https://a.example:0/",
    )
] + [
    ("notes", value) for value in (
        "x", [], 5, {str(n): 1 for n in range(16)}, {"": 1}, {"k" * 65: 1}, {"a": "x" * 513}, {"a": {}}, {"a": []},
        {"a": None},
    )
]


@pytest.mark.parametrize(("name", "value"), BAD_FIELDS)
def test_a_bad_field_is_named_and_nothing_is_made(api, refused, payment_body, name, value):
    error = refused(api("merchant_user", "POST", "/payments", payment_body(**{name: value})), 400, "invalid_fields")

    assert error["fields"] == [name]
    assert list(error["details"]) == [name]
    assert Payment.objects.count() == Order.objects.count() == 0


@pytest.mark.parametrize(("name", "value"), [
    ("order_id", "A"), ("order_id", "a.b_c-9"), ("order_id", "x" * 64), ("payer", "x" * 120), ("payer", "O'Brien <b>"),
    ("payer", "=1+1"), ("phone", "1234567"), ("redirect_url", "http://localhost:3000/x"), ("notes", {"k" * 64: "x" * 512}),
    ("redirect_url", "https://a.example/%22?q=1&r=é"), ("notes", {str(n): n for n in range(15)}), ("notes", {"a": 0.5}),
    ("notes", {"a": 10**30}), ("email", "a.b+c@sub.example.co.in"), ("method", "card"),
])
def test_a_good_field_passes(api, payment_body, name, value):
    response = api("merchant_user", "POST", "/payments", payment_body(**{name: value}))

    assert response.status_code == 201
    if name in response.json()["data"]:
        assert response.json()["data"][name] == value


@pytest.mark.parametrize("number", ["1e400", "-1e400", "0.1" + "0" * 30])
def test_a_number_that_notes_cannot_keep_is_refused(api, refused, number):
    raw = f'{{"amount": 1, "order_id": "A", "notes": {{"n": {number}}}}}'.encode()

    assert refused(api("merchant_user", "POST", "/payments", raw=raw), 400, "invalid_fields")["fields"] == ["notes"]


def test_an_api_user_sees_what_it_made_and_its_merchant_sees_all(api, cast, refused, payment_body):
    mine = api("api_user", "POST", "/payments", payment_body()).json()["data"]
    theirs = api("merchant_user", "POST", "/payments", payment_body()).json()["data"]

    assert [row["transaction_id"] for row in api("api_user", "GET", "/payments").json()["data"]] == [
        mine["transaction_id"]
    ]
    refused(api("api_user", "GET", f"/payments/{theirs['transaction_id']}"), 404, "not_found")
    for who in ("merchant_user", "admin", "super_admin"):
        rows = api(who, "GET", "/payments").json()["data"]
        assert [row["transaction_id"] for row in rows] == [theirs["transaction_id"], mine["transaction_id"]]
    for who in ("other_user", "other_admin"):
        assert api(who, "GET", "/payments").json()["data"] == []


def test_a_payment_of_another_contract_is_shown_in_the_portals_words(api, cast):
    order = create_order(
        actor=PAYER, merchant=cast.merchant, mode="test", contract="checkout", amount=Money(50_000, "INR"),
        notes={"from": "checkout"},
    )
    payment = pay_order(actor=PAYER, order=order, contract="checkout", method="upi", vpa="success@upi")

    seen = api("merchant_user", "GET", f"/payments/{payment.public_id}").json()["data"]

    assert (seen["order_id"], seen["amount"], seen["created_by"]) == (order.public_id, 500, None)
    found = api("merchant_user", "GET", f"/payments?order_id={order.public_id}").json()["data"]
    assert [row["transaction_id"] for row in found] == [payment.public_id]
