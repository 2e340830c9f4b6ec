"""Payouts through the portal: held at once, approved by operators, never by who made them."""

import re

import pytest

from accounts.services import update_merchant
from ledger.queries import wallets
from ledger.testing import assert_ledger_balances
from payouts.models import Payout
from payouts.work import drive_payouts

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FIELDS = [
    "payout_id", "order_id", "amount", "charge", "currency", "status", "method", "beneficiary_name", "account_number",
    "ifsc", "bank_name", "utr", "failure_reason", "remarks", "created_by", "merchant_id", "created_at", "updated_at",
    "processed_at",
]


@pytest.fixture(autouse=True)
def money(cast, fund, settings):
    settings.SANDBOX_BANK_DELAY_SECONDS = 0
    fund(cast.merchant, 100_000)


def sums(merchant):
    wallet = wallets(merchant_ids=[merchant.pk], mode="test")[0]
    return wallet.available_minor, wallet.pending_minor, wallet.reserved_minor


def make(api, body, who="merchant_user"):
    response = api(who, "POST", "/payouts", body)
    assert response.status_code == 201, response.content
    return response.json()["data"]


def test_a_new_payout_has_exactly_these_fields_and_holds_its_money(api, cast):
    body = {
        "amount": 250.5, "order_id": "SALARY-1", "beneficiary_name": "Asha Rao", "account_number": "001234567890",
        "ifsc": "HDFC0001234", "bank_name": "HDFC Bank", "method": "NEFT", "remarks": "April",
    }

    made = make(api, body)

    assert list(made) == FIELDS
    assert re.fullmatch(r"pout_[A-Za-z0-9]{16}", made["payout_id"])
    assert TIMESTAMP.fullmatch(made["created_at"])
    assert {name: made[name] for name in body} == body
    assert (made["charge"], made["currency"], made["status"], made["utr"], made["failure_reason"]) == (
        5.9, "INR", "pending", None, None
    )
    assert (made["created_by"], made["merchant_id"], made["processed_at"]) == (
        cast.merchant_user.public_id, cast.merchant.public_id, None
    )
    assert sums(cast.merchant) == (100_000 - 25_640, 0, 25_640)
    balance = api("api_user", "GET", "/balance").json()["data"]
    assert (balance["available"], balance["reserved"]) == (743.6, 256.4)
    assert_ledger_balances()


def test_the_story_of_an_approved_payout(api, cast, payout_body):
    made = make(api, payout_body())
    path = f"/payouts/{made['payout_id']}"

    approved = api("admin", "POST", f"{path}/approve").json()["data"]
    assert (approved["status"], approved["payout_id"]) == ("approved", made["payout_id"])
    drive_payouts()
    drive_payouts()
    done = api("merchant_user", "GET", path).json()["data"]

    assert done["status"] == "processed"
    assert done["utr"]
    assert TIMESTAMP.fullmatch(done["processed_at"])
    assert sums(cast.merchant) == (100_000 - 10_590, 0, 0)
    assert_ledger_balances()


def test_a_rejected_payout_gives_the_money_back_and_says_why(api, cast, payout_body):
    made = make(api, payout_body())

    done = api("admin", "POST", f"/payouts/{made['payout_id']}/reject", {"reason": "Name differs"}).json()["data"]

    assert (done["status"], done["failure_reason"]) == ("rejected", "Name differs")
    assert sums(cast.merchant) == (100_000, 0, 0)
    assert_ledger_balances()


def test_a_failed_payout_is_rejected_in_the_portals_words(api, cast, payout_body):
    made = make(api, payout_body(account_number="123456780000"))
    api("admin", "POST", f"/payouts/{made['payout_id']}/approve")
    drive_payouts()
    drive_payouts()

    done = api("merchant_user", "GET", f"/payouts/{made['payout_id']}").json()["data"]

    assert done["status"] == "rejected"
    assert done["failure_reason"]
    assert Payout.objects.get().status == "failed"
    assert [row["payout_id"] for row in api("merchant_user", "GET", "/payouts?status=rejected").json()["data"]] == [
        made["payout_id"]
    ]
    assert sums(cast.merchant) == (100_000, 0, 0)


def test_a_payout_within_the_limit_approves_itself_and_is_still_answered_as_pending(api, cast, payout_body):
    from accounts.actors import Actor

    update_merchant(actor=Actor(cast.admin, "tests"), merchant=cast.merchant, payout_auto_approve_minor=10_000)

    made = make(api, payout_body(amount=100))
    over = make(api, payout_body(amount=100.01))

    assert made["status"] == over["status"] == "pending"
    assert api("merchant_user", "GET", f"/payouts/{made['payout_id']}").json()["data"]["status"] == "approved"
    assert api("merchant_user", "GET", f"/payouts/{over['payout_id']}").json()["data"]["status"] == "pending"


@pytest.mark.parametrize("step", ["approve", "reject"])
def test_who_is_no_operator_may_never_decide(api, cast, refused, payout_body, step):
    made = make(api, payout_body())

    for who in ("merchant_user", "api_user", "other_user"):
        for payout_id in (made["payout_id"], "pout_unknown"):
            refused(api(who, "POST", f"/payouts/{payout_id}/{step}", {"reason": "x"}), 403, "insufficient_permissions")
    refused(api("other_admin", "POST", f"/payouts/{made['payout_id']}/{step}", {"reason": "x"}), 404, "not_found")
    refused(api("admin", "POST", f"/payouts/pout_unknown/{step}", {"reason": "x"}), 404, "not_found")
    refused(api("admin", "POST", f"/payouts/{made['payout_id']}/{step}", {"reason": "x"}, mode="live"), 404, "not_found")
    assert Payout.objects.get().status == "pending"
    assert sums(cast.merchant) == (100_000 - 10_590, 0, 10_590)


@pytest.mark.parametrize("step", ["approve", "reject"])
def test_nobody_decides_about_a_payout_of_their_own(api, cast, refused, payout_body, step):
    made = make(api, payout_body(merchant_id=cast.merchant.public_id), who="super_admin")
    path = f"/payouts/{made['payout_id']}/{step}"

    refused(api("super_admin", "POST", path, {"reason": "x"}), 403, "insufficient_permissions")
    assert Payout.objects.get().status == "pending"
    assert api("admin", "POST", path, {"reason": "x"}).status_code == 200


def test_an_approved_payout_is_not_rejected_though_nothing_was_sent(api, cast, refused, payout_body):
    made = make(api, payout_body())
    path = f"/payouts/{made['payout_id']}"
    assert api("admin", "POST", f"{path}/approve").status_code == 200
    before = sums(cast.merchant)

    refused(api("super_admin", "POST", f"{path}/reject", {"reason": "no"}), 409, "invalid_state")

    assert api("merchant_user", "GET", path).json()["data"]["status"] == "approved"
    assert sums(cast.merchant) == before


def test_a_decision_is_final(api, cast, refused, payout_body):
    made = make(api, payout_body())
    path = f"/payouts/{made['payout_id']}"
    api("admin", "POST", f"{path}/reject", {"reason": "no"})

    refused(api("admin", "POST", f"{path}/approve"), 409, "invalid_state")
    refused(api("super_admin", "POST", f"{path}/reject", {"reason": "again"}), 409, "invalid_state")
    assert api("merchant_user", "GET", path).json()["data"]["failure_reason"] == "no"
    assert sums(cast.merchant) == (100_000, 0, 0)


@pytest.mark.parametrize(("body", "code"), [
    ({}, "missing_fields"), ({"reason": ""}, "invalid_fields"), ({"reason": " "}, "invalid_fields"),
    ({"reason": None}, "invalid_fields"), ({"reason": 5}, "invalid_fields"), ({"reason": "x" * 201}, "invalid_fields"),
])
def test_a_rejection_needs_a_reason(api, refused, payout_body, body, code):
    made = make(api, payout_body())

    error = refused(api("admin", "POST", f"/payouts/{made['payout_id']}/reject", body), 400, code)

    assert error["fields"] == ["reason"]
    assert Payout.objects.get().status == "pending"


def test_an_admin_never_creates_payouts_and_a_super_admin_names_the_merchant(api, cast, refused, payout_body):
    named = payout_body(merchant_id=cast.merchant.public_id)

    refused(api("admin", "POST", "/payouts", named), 403, "insufficient_permissions")
    refused(api("admin", "POST", "/payouts", {}), 403, "insufficient_permissions")
    missing = refused(api("super_admin", "POST", "/payouts", payout_body()), 400, "missing_fields")
    assert missing["fields"] == ["merchant_id"]
    refused(api("super_admin", "POST", "/payouts", payout_body(merchant_id="mrc_none")), 404, "not_found")
    assert Payout.objects.count() == 0
    assert make(api, named, who="super_admin")["merchant_id"] == cast.merchant.public_id


def test_a_payout_cannot_spend_more_than_there_is_with_its_charge(api, cast, refused, payout_body):
    refused(api("merchant_user", "POST", "/payouts", payout_body(amount=994.11)), 402, "insufficient_balance")
    assert sums(cast.merchant) == (100_000, 0, 0)

    make(api, payout_body(amount=994.1))

    assert sums(cast.merchant) == (0, 0, 100_000)
    assert_ledger_balances()


BAD_FIELDS = [
    ("account_number", value) for value in (
        "12345678", "1" * 19, "12345678a", "１２３４５６７８９", 123456789, 1e9, True, None, "", " 123456789", "123 456 789",
        "+123456789", ["123456789"],
    )
] + [
    ("ifsc", value) for value in ("hdfc0001234", "HDFC1001234", "HDF00001234", "HDFC000123", "HDFC00012345", "", 5, None)
] + [
    ("beneficiary_name", value) for value in ("", " ", "x" * 121, 5, None, "a\nb")
] + [
    ("method", value) for value in ("UPI", "imps", "", 1)
] + [
    ("remarks", value) for value in ("x" * 201, 5, "a\rb")
] + [
    ("bank_name", value) for value in ("x" * 121, False)
] + [
    ("order_id", value) for value in ("", "a b", "x" * 65, None, 5)
]


@pytest.mark.parametrize(("name", "value"), BAD_FIELDS)
def test_a_bad_field_is_named_and_nothing_is_held(api, cast, refused, payout_body, name, value):
    error = refused(api("merchant_user", "POST", "/payouts", payout_body(**{name: value})), 400, "invalid_fields")

    assert error["fields"] == [name]
    assert Payout.objects.count() == 0
    assert sums(cast.merchant) == (100_000, 0, 0)


def test_what_a_body_must_not_set_is_ignored_and_never_stored(api, cast, payout_body):
    server_only = {
        "payout_id": "pout_AAAAAAAAAAAAAAAA", "public_id": "pout_AAAAAAAAAAAAAAAA", "id": 1, "status": "processed",
        "charge": 0, "charge_minor": 0, "tax_minor": 0, "amount_minor": 1, "utr": "EVIL", "mode": "live",
        "merchant_id": cast.other.public_id, "created_by": "evil", "approved_by": cast.admin.pk, "contract": "signed",
        "approved_at": "2000-01-01", "processed_at": "2000-01-01", "provider": "evil", "currency": "USDT",
        "user_reference": "evil", "beneficiary_details": {"evil": 1}, "failure_code": "evil", "flag": "evil",
    }

    made = make(api, server_only | payout_body())

    row = Payout.objects.get()
    assert (made["status"], made["charge"], made["currency"], made["utr"]) == ("pending", 5.9, "INR", None)
    assert (row.merchant, row.mode, row.contract, row.created_by) == (cast.merchant, "test", "portal", cast.merchant_user)
    assert (row.approved_by, row.approved_at, row.processed_at, row.beneficiary_details) == (None, None, None, {})
    assert "evil" not in str(row.__dict__).lower()


def test_an_order_id_is_used_once_for_payouts_but_may_name_a_payment_too(api, refused, payout_body, payment_body):
    make(api, payout_body(order_id="SAME"))

    refused(api("merchant_user", "POST", "/payouts", payout_body(order_id="SAME")), 409, "duplicate_order_id")
    assert api("merchant_user", "POST", "/payments", payment_body(order_id="SAME")).status_code == 201


def test_an_api_user_sees_the_payouts_it_made(api, refused, payout_body):
    mine, theirs = make(api, payout_body(), who="api_user"), make(api, payout_body())

    assert [row["payout_id"] for row in api("api_user", "GET", "/payouts").json()["data"]] == [mine["payout_id"]]
    refused(api("api_user", "GET", f"/payouts/{theirs['payout_id']}"), 404, "not_found")
    assert len(api("merchant_user", "GET", "/payouts").json()["data"]) == 2
    assert api("other_user", "GET", "/payouts").json()["data"] == []
