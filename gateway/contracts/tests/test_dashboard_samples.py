"""Every sample of the original against a real answer: the same fields, and in each the same kind of value.

One story behind them: a session that was paid in full, swept (its gas funded), told by webhook, and partly withdrawn.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from accounts.actors import Actor
from accounts.settlement import set_settlement_account
from crypto import testing
from crypto.models import ChainTransaction, Session
from crypto.tests.chain_house import OUTSIDE, open_house, settle_down
from crypto.tests.conftest import _blocks_by_hand, network, signer  # noqa: F401
from gateway.contracts.dashboard.testing import Dashboard, good
from gateway.lib import http_testing
from ledger.testing import assert_ledger_balances, fund
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db
SAMPLES = json.loads((Path(__file__).parent / "samples" / "dashboard.json").read_text())
# Said by the contract beside the original: pagination always has its six fields, and an export says its state.
ALWAYS = {"has_next": True, "has_prev": False, "items_per_page": 20}


@pytest.fixture
def dashboard(cast):
    return Dashboard(cast.merchant)


@pytest.fixture
def story(cast, dashboard, signer, network, receiver, settings):  # noqa: F811
    settings.ADDRESS_POOL_SIZE = 2
    open_house(network("BSC"))
    dashboard("PUT", "/dashboard/webhooks/config", {"webhook_url": receiver.url})
    made = dashboard.session(
        reference="ORDER-12345", customer_email="customer@example.com", customer_name="John Doe",
        description="Product purchase", callback_url=receiver.url, metadata={"order_id": "12345", "product_sku": "PROD-ABC"},
    )
    session = Session.objects.get(pk=made["session_id"])
    testing.pay(session)
    testing.confirm(session)
    settle_down("BSC")
    Delivery.objects.update(status="succeeded")
    dashboard("POST", "/dashboard/withdrawals/create", {
        "amount": 20, "method": "crypto", "crypto_network": "BSC", "crypto_address": OUTSIDE["BSC"],
        "note": "Monthly settlement",
    })
    settle_down("BSC")
    return Session.objects.get(pk=session.pk)


@pytest.fixture
def receiver(monkeypatch):
    class Receiver:
        url = "https://shop.example/hook"

    return Receiver


def same(sample, answer, path=""):
    """The fields of `sample` are those of `answer`, in order, with values of the same kind (null where unknown)."""
    if answer is None:
        return
    assert type(answer) in _KINDS[type(sample)], (path, answer)
    if isinstance(sample, dict):
        same_fields(sample, answer, path)
    elif isinstance(sample, list):
        for item in answer:
            same(sample[0], item, f"{path}[]")
    elif isinstance(sample, str) and "." in sample and sample.replace(".", "").isdigit():
        assert len(answer.partition(".")[2]) == len(sample.partition(".")[2]), (path, answer)


_KINDS = {dict: (dict,), list: (list,), bool: (bool,), int: (int, float), float: (int, float), str: (str,)}


def same_fields(sample, answer, path):
    if "items_per_page" in answer:
        sample = ALWAYS | sample
        assert set(answer) == set(sample), path
    elif not path.endswith(".metadata"):
        assert list(answer) == list(sample), path
    for name in sample.keys() & answer.keys():
        same(sample[name], answer[name], f"{path}.{name}")


def check(number, answer):
    same(SAMPLES[f"{number} response"]["data"], answer)


def test_sessions(story, dashboard):
    listed = dashboard.get("/sessions")
    detail = dashboard.get(f"/sessions/{story.pk}")

    check("1.1", listed)
    check("1.2", detail)
    assert good(dashboard("GET", f"/checkout/sessions/{story.pk}"), 200) == detail
    assert None not in listed["sessions"][0].values()
    assert None not in detail["payment_details"].values()
    assert [line["event"] for line in detail["timeline"]] == [
        line["event"] for line in SAMPLES["1.2 response"]["data"]["timeline"]
    ]
    assert detail["customer"] == {"email": "customer@example.com", "name": "John Doe"}
    assert detail["metadata"] == {"order_id": "12345", "product_sku": "PROD-ABC"}
    assert (detail["amount"], detail["payment_details"]["paid_amount"], detail["status"]) == (100, 100, "paid")


def test_addresses(story, dashboard):
    listed = dashboard.get("/addresses")
    detail = dashboard.get(f"/addresses/{story.address_id}")

    check("2.1", listed)
    check("2.2", detail)
    row = listed["addresses"][0]
    assert row["balance"] == {
        "current": "0.00000000", "total_received": "100.00000000", "total_swept": "100.00000000"
    }
    assert None not in row["sweep_info"].values()
    assert None not in row["gas_funding"].values()
    assert row["sweep_info"]["status"] == "swept"
    assert len(detail["sweep_history"]) == len(detail["sessions"]) == 1
    assert [line["type"] for line in detail["blockchain_transactions"]] == ["sweep", "incoming"]
    assert (row["usage"]["times_reused"], row["is_assigned"], row["assigned_to_reference"]) == (1, False, None)


def test_an_addresss_balance_on_chain(story, dashboard):
    checked = good(dashboard("POST", f"/dashboard/addresses/{story.address_id}/check-balance"), 200)

    check("2.3", checked)
    assert (checked["balance"], checked["balance_usd"], checked["blockchain_confirmed"]) == ("0.00000000", 0, True)
    assert checked["last_checked_at"] == dashboard.get("/addresses")["addresses"][0]["last_checked_at"]


def test_balances(story, dashboard):
    balance = dashboard.get("/balance/crypto")
    networks = dashboard.get("/balance/networks")

    check("3.1", balance)
    check("3.2", networks)
    assert balance["available_balance"]["amount"] == "79.00000000"  # 100 less 1 % less 20
    assert balance["total_earnings"] == dict.fromkeys(("all_time", "this_month", "this_week", "today"), "100.00000000")
    assert balance["platform_fees_paid"]["all_time"] == "1.00000000"
    assert balance["total_withdrawn"] == {"all_time": "20.00000000", "this_month": "20.00000000"}
    bsc = networks["networks"][0]
    assert [row["network"] for row in networks["networks"]] == ["BSC", "ETH", "POL", "TRX", "SOL"]
    assert (bsc["total_balance"], bsc["total_swept"]) == ("79.00000000", "100.00000000")
    assert bsc["hot_wallet"]
    assert bsc["last_sweep"]
    assert bsc["currencies"][0] == {
        "currency": "USDT", "balance": "79.00000000", "addresses_count": 1, "addresses_with_balance": 0
    }


def test_transactions(story, dashboard):
    listed = dashboard.get("/transactions")
    rows = {row["type"]: row for row in listed["transactions"]}
    incoming, sweep = SAMPLES["4.1 response"]["data"]["transactions"]

    same(incoming, rows["incoming"])
    same(sweep, rows["sweep"])
    same(sweep, rows["outgoing"])
    assert set(listed) == {"transactions", "pagination", "summary"}
    same(SAMPLES["4.1 response"]["data"]["summary"], listed["summary"])
    assert listed["summary"] == {
        "total_transactions": 3, "total_incoming": 1, "total_outgoing": 2, "total_volume": "100.00000000"
    }
    assert all(None not in row.values() for row in rows.values())
    for row in rows.values():
        detail = dashboard.get(f"/transactions/{row['tx_hash']}")
        check("4.2", detail)
        assert (detail["related_session"] is None) is (row["type"] != "incoming")
    paid = ChainTransaction.objects.get(type="incoming")
    detail = dashboard.get(f"/transactions/{paid.transaction_hash.upper().replace('X', 'x', 1)}")
    assert detail["blockchain_info"]["block_number"] == paid.height
    assert detail["related_session"]["reference"] == "ORDER-12345"
    assert None not in detail["blockchain_info"].values()


def test_withdrawals(story, dashboard):
    listed = dashboard.get("/withdrawals")
    row = listed["withdrawals"][0]
    detail = dashboard.get(f"/withdrawals/{row['id']}")
    again = good(dashboard("POST", "/dashboard/withdrawals/create", {
        "amount": "10.5", "method": "crypto", "crypto_network": "BSC", "crypto_address": OUTSIDE["BSC"],
    }))

    check("5.1", listed)
    check("5.2", again)
    assert row["fees"] == {"fee_amount": "0.02000000", "fee_percentage": "0.1", "net_amount": "19.98000000"}
    assert None not in row["crypto_details"].values()
    assert {name: value for name, value in detail.items() if name != "timeline"} == row
    assert [line["event"] for line in detail["timeline"]][-1] == "withdrawal_completed"
    assert listed["summary"] == {
        "total_withdrawn": "20.00000000", "pending_withdrawals": "0.00000000", "this_month": "20.00000000"
    }
    assert (again["amount"], again["fee_amount"], again["status"]) == ("10.50000000", "0.01050000", "pending")
    assert dashboard.get("/balance/crypto")["available_balance"]["amount"] == "68.50000000"
    assert_ledger_balances()


def test_a_withdrawal_to_the_bank_has_no_crypto_details_whatever_it_draws_on(cast, dashboard, settings):
    settings.CRYPTO_INR_RATES = {"USDT": 88_00}
    fund(cast.merchant, 100 * 10**8, "USDT", "test", "BSC")
    set_settlement_account(
        actor=Actor(cast.merchant_user, "panel"), merchant=cast.merchant, mode="test", holder="Chai Point Traders",
        account_number="50100012345678", ifsc="HDFC0000001", bank_name="HDFC Bank",
    )

    made = good(dashboard("POST", "/dashboard/withdrawals/create", {
        "amount": 50, "method": "fiat", "crypto_network": "BSC",
    }))

    row = dashboard.get(f"/withdrawals/{made['withdrawal_id']}")
    assert (row["method"], row["crypto_details"], row["fiat_details"]["amount_inr"]) == ("fiat", None, "4395.60")
    assert dashboard.get("/withdrawals")["withdrawals"][0]["crypto_details"] is None


def test_analytics_and_overview(story, dashboard):
    analytics = dashboard.get("/analytics/payments")
    overview = dashboard.get("/overview")

    check("6.1", analytics)
    check("8.1", overview)
    assert (analytics["period"], len(analytics["timeline"])) == ("30d", 31)
    assert overview["today"] == {"sessions": 1, "successful": 1, "volume": "100.00000000", "revenue": "99.00000000"}
    assert overview["pending_actions"] == {
        "pending_sessions": 0, "addresses_needing_sweep": 0, "pending_withdrawals": 0
    }


def test_an_export(story, dashboard):
    made = dashboard.get("/analytics/export", format="csv", type="sessions", start_date="2020-01-01", end_date="2999-12-31")

    same(SAMPLES["6.2 response"]["data"], {name: value for name, value in made.items() if name != "status"})
    assert (made["status"], made["record_count"]) == ("ready", 1)


def test_the_webhook(story, dashboard):
    check("7.1", dashboard.get("/webhooks/config"))


def test_the_webhooks_test(dashboard):
    with http_testing.receiver(http_testing.answer(200)) as there:
        good(dashboard("PUT", "/dashboard/webhooks/config", {"webhook_url": there.url}), 200)
        sent = good(dashboard("POST", "/dashboard/webhooks/test"), 200)

    check("7.3", sent)
    assert None not in sent.values()
    assert (sent["test_sent"], sent["response_status"], sent["webhook_url"]) == (True, 200, there.url)


def test_every_sample_was_compared():
    answered = {name.split()[0] for name in SAMPLES if name.endswith("response")}

    assert answered == {
        "1.1", "1.2", "2.1", "2.2", "2.3", "3.1", "3.2", "4.1", "4.2", "5.1", "5.2", "6.1", "6.2", "7.1", "7.3", "8.1"
    }
