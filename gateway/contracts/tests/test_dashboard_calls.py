"""What creates and changes: sessions, withdrawals, the webhook; every refusal leaves nothing behind."""

import json

import pytest
from django.db import connection

from accounts.models import AuditRecord
from crypto import testing
from crypto.chains.base import NodeDown
from crypto.models import DepositAddress, Session, Withdrawal
from crypto.services.withdrawal_ends import fail_withdrawal
from crypto.tests.chain_house import ONE, OUTSIDE, withdraw
from crypto.tests.conftest import _blocks_by_hand  # noqa: F401
from gateway.contracts.dashboard import events
from gateway.contracts.dashboard.testing import Dashboard, good, refused
from gateway.lib.http_testing import answer, receiver
from gateway.lib.racing import together
from ledger.queries import wallets
from ledger.testing import assert_ledger_balances, fund
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db
BAD_AMOUNTS = [
    0, -1, True, None, "", "abc", "5,000", "1e3", " 1", "+1", "NaN", "Infinity", "٣", "1.123456789", 1.123456789, [], {},
    "1" * 16, "0x10", "-0", "01",
]
WALLET = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.fixture
def dashboard(cast):
    return Dashboard(cast.merchant)


def new_session(**more):
    return {"amount": 100, "currency": "USDT", "network": "BSC", "reference": "ORDER-1"} | more


def new_withdrawal(**more):
    return {"amount": 40, "method": "crypto", "crypto_network": "BSC", "crypto_address": WALLET} | more


# Sessions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "shown"), [
    (100, b'"amount":100,'), ("0.00000001", b'"amount":0.00000001,'), (99.5, b'"amount":99.5,'),
    ("46116860184.27387904", b'"amount":46116860184.27387904,'),
])
def test_amounts_of_sessions_keep_every_digit(dashboard, amount, shown):
    testing.add_addresses("BSC")

    response = dashboard("POST", "/checkout/sessions", new_session(amount=amount))

    assert response.status_code == 201
    assert shown in response.content


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}])
def test_the_callbacks_name_is_looked_up_once_and_with_no_transaction_open(dashboard, monkeypatch, headers):
    testing.add_addresses("BSC")
    asked = []
    monkeypatch.setattr(
        "webhooks.one_off.check_destination", lambda url, **_: asked.append((url, connection.in_atomic_block))
    )
    url = "https://shop.example/hooks"

    response = dashboard("POST", "/checkout/sessions", new_session(callback_url=url), headers=headers)

    assert (response.status_code, asked) == (201, [(url, False)])


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_what_is_no_amount(dashboard, amount):
    testing.add_addresses("BSC")
    body = new_session(amount=amount)

    refused(dashboard("POST", "/checkout/sessions", body), 400, "INVALID_PARAMETER", "amount")
    assert not Session.objects.exists()


@pytest.mark.parametrize("raw", [b'{"amount":1e400}', b'{"amount":-0}', b'{"amount":1E2}', b'{"amount":00.5}'])
def test_numbers_that_are_no_plain_amount(dashboard, raw):
    body = raw[:-1] + b',"currency":"USDT","network":"BSC","reference":"R"}'

    assert dashboard("POST", "/checkout/sessions", raw=body).status_code == 400
    assert not Session.objects.exists()


@pytest.mark.parametrize(("field", "value"), [
    ("currency", "DAI"), ("currency", None), ("network", "BTC"), ("network", ""), ("reference", ""), ("reference", 7),
    ("reference", "x" * 101), ("reference", "a\nb"), ("customer_email", "nobody"), ("customer_name", "x" * 121),
    ("description", "x" * 501), ("callback_url", "ftp://x"), ("callback_url", "javascript:alert(1)"), ("metadata", []),
    ("metadata", {"x": "y" * 20_000}), ("expires_in", 59), ("expires_in", 86_401), ("expires_in", "900"),
    ("expires_in", True), ("expires_in", 60.5), ("metadata", {"x": "y" * 8184}),
])
def test_what_a_session_may_not_say(dashboard, field, value):
    testing.add_addresses("BSC")

    refused(dashboard("POST", "/checkout/sessions", new_session(**{field: value})), 400, "INVALID_PARAMETER", field)
    assert not Session.objects.exists()


@pytest.mark.parametrize("field", ["amount", "currency", "network", "reference"])
def test_what_a_session_must_say(dashboard, field):
    body = {name: value for name, value in new_session().items() if name != field}

    refused(dashboard("POST", "/checkout/sessions", body), 400, "INVALID_PARAMETER", field)


def test_a_networks_refusal_names_all_of_them(dashboard):
    error = refused(dashboard("POST", "/checkout/sessions", new_session(network="BTC")), 400, "INVALID_PARAMETER", "network")

    assert error["details"] == {"parameter": "network", "allowed_values": ["BSC", "ETH", "POL", "TRX", "SOL"]}


def test_an_amount_finer_than_the_token(dashboard):
    testing.add_addresses("ETH")

    refused(dashboard("POST", "/checkout/sessions", new_session(network="ETH", amount="0.0000001")), 400,
            "INVALID_PARAMETER", "amount")
    assert not Session.objects.exists()


def test_a_reference_is_used_once(dashboard, cast):
    testing.add_addresses("BSC", 3)
    dashboard.session()

    refused(dashboard("POST", "/checkout/sessions", new_session()), 409, "DUPLICATE_REFERENCE")
    assert Session.objects.count() == 1
    Dashboard(cast.other).session()


def test_no_free_address(dashboard):
    refused(dashboard("POST", "/checkout/sessions", new_session()), 503, "SERVICE_UNAVAILABLE")
    assert not Session.objects.exists()


def test_live_mode_without_a_network(cast):
    refused(Dashboard(cast.merchant, "live")("POST", "/checkout/sessions", new_session()), 503, "SERVICE_UNAVAILABLE")


def test_metadata_comes_back_as_it_was(dashboard):
    testing.add_addresses("BSC")
    metadata = {"order_id": "1", "deep": {"list": [1, 2.5, None, True, "é"]}}

    assert dashboard.session(metadata=metadata)["metadata"] == metadata


@pytest.mark.parametrize("text", ["y" * 8183, "न" * 2727 + "yy"])
def test_metadata_of_eight_kibibytes_is_taken_in_any_script(dashboard, text):
    testing.add_addresses("BSC")
    metadata = {"x": text}  # 9 bytes more as JSON: 8192

    assert dashboard.session(metadata=metadata)["metadata"] == metadata


def test_an_idempotent_session(dashboard):
    testing.add_addresses("BSC", 3)
    key = {"Idempotency-Key": "once"}

    first = dashboard("POST", "/checkout/sessions", new_session(), headers=key)
    again = dashboard("POST", "/checkout/sessions", new_session(), headers=key)

    assert (again.status_code, again.content, again["Idempotent-Replayed"]) == (201, first.content, "true")
    refused(dashboard("POST", "/checkout/sessions", new_session(amount=1), headers=key), 422, "IDEMPOTENCY_KEY_REUSED")
    assert Session.objects.count() == 1


# Withdrawals ------------------------------------------------------------------------------------------------


@pytest.fixture
def funded(cast, dashboard):
    fund(cast.merchant, 100 * 10**8, "USDT", "test", "BSC")
    return dashboard


def own(cast):
    (wallet,) = [row for row in wallets(merchant_ids=[cast.merchant.pk], mode="test") if row.network == "BSC"]
    return wallet.available_minor, wallet.reserved_minor


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_what_is_no_amount_to_withdraw(funded, cast, amount):
    refused(funded("POST", "/dashboard/withdrawals/create", new_withdrawal(amount=amount)), 400, "INVALID_PARAMETER", "amount")
    assert own(cast) == (100 * 10**8, 0)


@pytest.mark.parametrize(("change", "parameter"), [
    ({"method": "cash"}, "method"), ({"method": None}, "method"), ({"crypto_network": None}, "crypto_network"),
    ({"crypto_network": "BTC"}, "crypto_network"), ({"crypto_address": ""}, "crypto_address"),
    ({"crypto_address": "0x1"}, "crypto_address"), ({"crypto_address": WALLET.swapcase()}, "crypto_address"),
    ({"crypto_address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"}, "crypto_address"), ({"currency": "INR"}, "currency"),
    ({"crypto_address": "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"}, "crypto_address"), ({"note": "x" * 201}, "note"),
    ({"method": "fiat"}, "crypto_address"),
])
def test_what_a_withdrawal_may_not_say(funded, cast, change, parameter):
    response = funded("POST", "/dashboard/withdrawals/create", new_withdrawal(**change))

    refused(response, 400, "INVALID_PARAMETER", parameter)
    assert own(cast) == (100 * 10**8, 0)
    assert not Withdrawal.objects.exists()


@pytest.mark.parametrize("change", [{"amount": 100.00000001}, {"crypto_network": "ETH"}, {"currency": "USDC"}])
def test_more_than_there_is_on_that_network(funded, cast, change):
    body = new_withdrawal(**change)

    refused(funded("POST", "/dashboard/withdrawals/create", body), 400, "INSUFFICIENT_BALANCE")
    assert own(cast) == (100 * 10**8, 0)
    assert not Withdrawal.objects.exists()


def test_to_a_bank_account_that_is_not_set(funded, cast):
    refused(funded("POST", "/dashboard/withdrawals/create", {"amount": 1, "method": "fiat"}), 403, "FORBIDDEN")
    assert own(cast) == (100 * 10**8, 0)


def test_an_idempotent_withdrawal(funded, cast):
    key = {"Idempotency-Key": "once"}

    first = funded("POST", "/dashboard/withdrawals/create", new_withdrawal(), headers=key)
    again = funded("POST", "/dashboard/withdrawals/create", new_withdrawal(), headers=key)

    assert (again.status_code, again.content, again["Idempotent-Replayed"]) == (201, first.content, "true")
    assert own(cast) == (60 * 10**8, 40 * 10**8)
    assert Withdrawal.objects.count() == 1
    assert_ledger_balances()


# An address on chain ----------------------------------------------------------------------------------------


def test_a_balance_that_no_node_tells(dashboard, cast, monkeypatch):
    session = testing.open_session(cast.merchant)
    testing.pay(session, "7.5")
    testing.confirm(session, 1)
    path = f"/dashboard/addresses/{session.address_id}/check-balance"
    assert good(dashboard("POST", path), 200)["balance"] == "7.50000000"
    seen = DepositAddress.objects.get(pk=session.address_id).checked_at

    def down(*_):
        raise NodeDown("refused")

    monkeypatch.setattr("crypto.chains.simulated.chain.SimulatedChain.token_balance", down)

    refused(dashboard("POST", path), 503, "SERVICE_UNAVAILABLE")
    assert DepositAddress.objects.get(pk=session.address_id).checked_at == seen


# The webhook ------------------------------------------------------------------------------------------------

EVENTS = ["payment.confirmed", "payment.failed", "session.expired"]
ON_REQUEST = ["withdrawal.completed", "withdrawal.failed"]


def test_the_webhook_before_it_is_set(dashboard):
    assert dashboard.get("/webhooks/config") == {
        "webhook_url": None, "webhook_secret": None, "enabled": False, "events": EVENTS,
        "retry_config": {"max_retries": 3, "retry_interval": 300},
    }
    refused(dashboard("PUT", "/dashboard/webhooks/config", {"enabled": True}), 400, "INVALID_PARAMETER", "webhook_url")
    refused(dashboard("POST", "/dashboard/webhooks/test"), 404, "NOT_FOUND")
    assert not Endpoint.objects.exists()


def test_setting_the_webhook_changes_what_is_sent(dashboard):
    put = lambda **body: good(dashboard("PUT", "/dashboard/webhooks/config", body), 200)  # noqa: E731

    made = put(webhook_url="https://shop.example/a")
    assert made["webhook_secret"].startswith("whsec_")
    assert (made["enabled"], made["events"]) == (True, EVENTS)
    changed = put(events=["payment.failed", "payment.confirmed"], retry_config={"max_retries": 0, "retry_interval": 10})
    assert changed == made | {
        "events": ["payment.confirmed", "payment.failed"], "retry_config": {"max_retries": 0, "retry_interval": 10}
    }
    assert put(enabled=False, webhook_url="https://shop.example/b") == changed | {
        "enabled": False, "webhook_url": "https://shop.example/b"
    }
    assert put(events=[])["events"] == EVENTS
    assert Endpoint.objects.count() == 1
    assert dashboard.get("/webhooks/config")["webhook_secret"] == made["webhook_secret"]


@pytest.mark.parametrize(("body", "parameter"), [
    ({"webhook_url": "nope"}, "webhook_url"), ({"webhook_url": ""}, "webhook_url"), ({"webhook_url": "http://10.0.0.1/"}, "webhook_url"),
    ({"events": ["payment.success"]}, "events"), ({"events": "x"}, "events"), ({"enabled": "yes"}, "enabled"),
    ({"retry_config": {"max_retries": 11, "retry_interval": 300}}, "retry_config"),
    ({"retry_config": {"max_retries": 3, "retry_interval": 9}}, "retry_config"),
    ({"retry_config": {"max_retries": 3}}, "retry_config"), ({"retry_config": []}, "retry_config"),
])
def test_what_the_webhook_may_not_be(dashboard, body, parameter):
    good(dashboard("PUT", "/dashboard/webhooks/config", {"webhook_url": "https://shop.example/a"}), 200)
    before = dashboard.get("/webhooks/config")

    error = refused(dashboard("PUT", "/dashboard/webhooks/config", body), 400, "INVALID_PARAMETER", parameter)

    assert dashboard.get("/webhooks/config") == before
    if body == {"events": ["payment.success"]}:
        assert error["details"]["allowed_values"] == [*EVENTS, *ON_REQUEST]


@pytest.mark.parametrize(("sent", "message"), [
    ({"max_retries": 3}, "retry_config: retry_interval is required"),
    ({"max_retries": 3, "retry_interval": 9}, "retry_config: retry_interval must be a whole number from 10 to 86400"),
])
def test_a_bad_retry_config_says_what_of_it_is_bad(dashboard, sent, message):
    body = {"webhook_url": "https://shop.example/a", "retry_config": sent}

    error = refused(dashboard("PUT", "/dashboard/webhooks/config", body), 400, "INVALID_PARAMETER", "retry_config")

    assert error["message"] == message
    assert not Endpoint.objects.exists()


def test_payloads(dashboard, cast):
    good(dashboard("PUT", "/dashboard/webhooks/config", {"webhook_url": "https://shop.example/a"}), 200)
    session = testing.open_session(cast.merchant, metadata={"order_id": "7"})
    testing.pay(session)
    testing.confirm(session)

    delivery = Delivery.objects.get()
    payload = json.loads(delivery.body)
    assert delivery.event_name == "payment.confirmed"
    assert {name: payload[name] for name in payload if name not in ("timestamp", "confirmations")} == {
        "event": "payment.confirmed", "session_id": str(session.pk), "reference": session.reference, "amount": 100,
        "paid_amount": 100, "currency": "USDT", "network": "BSC", "status": "paid",
        "blockchain_tx_hash": session.transaction_hash, "metadata": {"order_id": "7"},
    }
    assert list(payload) == [
        "event", "session_id", "reference", "amount", "paid_amount", "currency", "network", "status",
        "blockchain_tx_hash", "confirmations", "metadata", "timestamp",
    ]
    assert payload["confirmations"] >= 12
    assert_ledger_balances()


def test_withdrawals_are_told_only_to_who_names_them(dashboard, cast):
    configure = lambda **body: good(dashboard("PUT", "/dashboard/webhooks/config", body), 200)  # noqa: E731
    fund(cast.merchant, 30 * ONE, "USDT", "test", "BSC")
    configure(webhook_url="https://shop.example/a")
    fail_withdrawal(withdrawal=withdraw(cast.merchant, 10 * ONE), code="REJECTED", reason="Not this one")
    assert Delivery.objects.count() == 0

    configure(events=ON_REQUEST)
    row = withdraw(cast.merchant, 10 * ONE)
    fail_withdrawal(withdrawal=row, code="REJECTED", reason="Not this one either")

    delivery = Delivery.objects.get()
    payload = json.loads(delivery.body)
    assert delivery.event_name == payload.pop("event") == "withdrawal.failed"
    assert payload.pop("timestamp").endswith("Z")
    assert payload == {
        "withdrawal_id": row.pk, "amount": 10, "fee_amount": 0.01, "net_amount": 9.99, "currency": "USDT",
        "method": "crypto", "network": "BSC", "address": OUTSIDE["BSC"], "status": "failed",
        "blockchain_tx_hash": None, "utr": None,
    }
    assert list(events.sample("withdrawal.failed")) == [*json.loads(delivery.body), "test"]
    assert_ledger_balances()


@pytest.mark.parametrize(("status", "told"), [(200, 200), (503, 503), (301, 301)])
def test_a_test_tells_the_true_status_and_time(dashboard, status, told):
    with receiver(answer(status, after=0.05)) as there:
        good(dashboard("PUT", "/dashboard/webhooks/config", {"webhook_url": there.url}), 200)
        result = good(dashboard("POST", "/dashboard/webhooks/test"), 200)

    assert list(result) == ["test_sent", "response_status", "response_time_ms", "webhook_url"]
    assert (result["test_sent"], result["response_status"], result["webhook_url"]) == (True, told, there.url)
    assert result["response_time_ms"] >= 50
    sent = json.loads(there.requests[0].body)
    assert (sent["event"], sent["test"], len(there.requests)) == ("payment.confirmed", True, 1)


def test_a_test_that_nobody_answers(dashboard):
    with receiver(answer()) as gone:
        good(dashboard("PUT", "/dashboard/webhooks/config", {"webhook_url": gone.url}), 200)

    result = good(dashboard("POST", "/dashboard/webhooks/test"), 200)

    assert (result["test_sent"], result["response_status"]) == (False, None)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(3))
def test_of_first_settings_of_the_webhook_at_once_one_endpoint_comes(dashboard, turn):
    addresses = [f"https://shop.example/{number}" for number in range(6)]

    answers = together(6, lambda index: dashboard("PUT", "/dashboard/webhooks/config", {"webhook_url": addresses[index]}))

    endpoint = Endpoint.objects.get(contract="dashboard")
    assert [answer.status_code for answer in answers] == [200] * 6
    assert {answer.json()["data"]["webhook_url"] for answer in answers} == set(addresses)
    assert len({answer.json()["data"]["webhook_secret"] for answer in answers}) == 1
    assert endpoint.url in addresses
    assert AuditRecord.objects.filter(action="webhook_endpoint.created").count() == 1
