"""The key: two headers, expired, revoked, suspended, elsewhere, too often; whose records it sees; the error table."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Credential, Merchant
from crypto import testing
from crypto.models import Session, Withdrawal
from crypto.tests.conftest import _blocks_by_hand  # noqa: F401
from gateway.contracts.dashboard.testing import Dashboard, call, good, refused
from ledger.testing import fund

pytestmark = pytest.mark.django_db
ADDRESSES = (
    ("GET", "/overview"), ("GET", "/sessions"), ("GET", "/addresses"), ("GET", "/balance/crypto"),
    ("GET", "/balance/networks"), ("GET", "/transactions"), ("GET", "/withdrawals"), ("GET", "/analytics/payments"),
    ("GET", "/webhooks/config"),
)


@pytest.fixture
def dashboard(cast):
    return Dashboard(cast.merchant)


def test_the_three_ways_to_send_a_key(dashboard):
    bearer = {"Authorization": f"Bearer {dashboard.key}"}

    for headers in ({"X-API-Key": dashboard.key}, bearer, {"X-API-Key": dashboard.key} | bearer,
                    {"Authorization": f"bearer {dashboard.key}"}):
        good(call("GET", "/dashboard/sessions", headers=headers), 200)


@pytest.mark.parametrize("headers", [
    {}, {"X-API-Key": ""}, {"X-API-Key": "test_sk_x"}, {"X-API-Key": "test_sk_" + "x" * 43}, {"X-API-Key": "é"},
    {"X-API-Key": "gw_test_" + "x" * 43}, {"Authorization": "Bearer"}, {"Authorization": "Basic eDp5"},
    {"X-API-Key": "key_test_0000000000000000"},
])
def test_no_key_or_a_wrong_one(db, headers):
    for method, path in ADDRESSES:
        refused(call(method, f"/dashboard{path}", headers=headers), 401, "UNAUTHORIZED")


def test_two_different_keys(dashboard, cast):
    other = Dashboard(cast.merchant)
    headers = {"X-API-Key": dashboard.key, "Authorization": f"Bearer {other.key}"}

    refused(call("GET", "/dashboard/sessions", headers=headers), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("change", [
    {"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}, {"contract": "signed"},
])
def test_a_key_that_is_over(dashboard, change):
    Credential.objects.update(**change)

    refused(dashboard("GET", "/dashboard/sessions"), 401, "UNAUTHORIZED")


def test_a_suspended_merchants_key(dashboard):
    testing.add_addresses("BSC")
    Merchant.objects.update(status="suspended")

    refused(dashboard("GET", "/dashboard/overview"), 403, "FORBIDDEN")
    refused(dashboard("POST", "/checkout/sessions", {"amount": 1}), 403, "FORBIDDEN")
    assert not Session.objects.exists()


@pytest.mark.parametrize(("allowed", "status"), [
    (["127.0.0.1"], 200), (["127.0.0.0/8"], 200), (["10.0.0.0/8"], 403), ([], 200),
])
def test_an_allow_list(dashboard, allowed, status):
    Credential.objects.update(allowed_addresses=allowed)

    assert dashboard("GET", "/dashboard/sessions").status_code == status


def test_the_look_up_is_one_query(dashboard):
    good(dashboard("GET", "/dashboard/sessions"), 200)

    with CaptureQueriesContext(connection) as queries:
        good(dashboard("GET", "/dashboard/sessions"), 200)

    assert len([query for query in queries if "accounts_credential" in query["sql"]]) == 1
    assert len(queries) <= 3


def test_limits_are_counted_by_group_and_key(dashboard, cast, settings):
    settings.DASHBOARD_RATE_LIMITS = {"standard": (4, 60), "analytics": (2, 60), "exports": (1, 3600)}
    wanted = "/dashboard/analytics/export?format=csv&type=sessions&start_date=2026-01-01&end_date=2026-01-02"

    first = dashboard("GET", "/dashboard/sessions")
    assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("4", "3")
    assert [dashboard("GET", "/dashboard/analytics/payments").status_code for _ in range(3)] == [200, 200, 429]
    assert [dashboard("GET", wanted).status_code for _ in range(2)] == [200, 429]
    assert [dashboard("GET", "/dashboard/nowhere").status_code for _ in range(4)] == [404, 404, 404, 429]
    late = dashboard("GET", "/dashboard/sessions")
    refused(late, 429, "RATE_LIMIT_EXCEEDED")
    assert 1 <= int(late["Retry-After"]) <= 60
    assert Dashboard(cast.merchant)("GET", "/dashboard/sessions").status_code == 200


def test_the_originals_limits(settings):
    assert settings.DASHBOARD_RATE_LIMITS == {"standard": (100, 60), "analytics": (20, 60), "exports": (5, 3600)}


# Whose records ----------------------------------------------------------------------------------------------


@pytest.fixture
def records(cast):
    """One of each, of `cast.merchant` in test mode: the paths that show them."""
    session = testing.open_session(cast.merchant, reference="SECRET-REF")
    testing.pay(session)
    testing.confirm(session)
    fund(cast.merchant, 10**10, "USDT", "test", "BSC")
    made = good(Dashboard(cast.merchant)("POST", "/dashboard/withdrawals/create", {
        "amount": 1, "method": "crypto", "crypto_network": "BSC",
        "crypto_address": "0x52908400098527886E0F7030069857D2E4169EE7",
    }))
    return {
        "session": f"/sessions/{session.pk}", "address": f"/addresses/{session.address_id}",
        "transaction": f"/transactions/{session.transactions.get().transaction_hash}",
        "withdrawal": f"/withdrawals/{made['withdrawal_id']}",
    }


@pytest.mark.parametrize("who", ["other merchant", "other mode"])
def test_nobody_elses_records(cast, records, who):
    stranger = Dashboard(cast.other) if who == "other merchant" else Dashboard(cast.merchant, "live")

    for path in records.values():
        refused(stranger("GET", f"/dashboard{path}"), 404, "NOT_FOUND")
    refused(stranger("POST", f"/dashboard{records['address']}/check-balance"), 404, "NOT_FOUND")
    refused(stranger("GET", records["session"].replace("/sessions", "/checkout/sessions")), 404, "NOT_FOUND")
    for name in ("sessions", "addresses", "transactions", "withdrawals"):
        listed = stranger.get(f"/{name}")
        assert (listed[name], listed["pagination"]["total_items"]) == ([], 0)
    assert "SECRET-REF" not in stranger("GET", "/dashboard/overview").content.decode()
    assert stranger.get("/balance/crypto")["total_earnings"]["all_time"] == "0.00000000"
    assert stranger.get("/analytics/payments", period="all")["overview"]["total_sessions"] == 0
    assert all(
        currency["addresses_count"] == 0
        for row in stranger.get("/balance/networks")["networks"] for currency in row["currencies"]
    )


def test_the_owner_sees_all_of_them(cast, records):
    owner = Dashboard(cast.merchant)

    for path in records.values():
        good(owner("GET", f"/dashboard{path}"), 200)


def test_an_address_that_serves_another_merchant_now_tells_nothing_of_it(cast, settings):
    settings.SESSION_COOL_DOWN_MINUTES = 0
    first = testing.open_session(cast.merchant)
    Session.objects.filter(pk=first.pk).update(expires_at=timezone.now() - timedelta(hours=1))
    testing.confirm(first, 1)
    second = testing.open_session(cast.other, fresh=False, currency="USDC")
    assert second.address_id == first.address_id
    testing.pay(second)
    testing.confirm(second)
    former = Dashboard(cast.merchant)

    row = former.get(f"/addresses/{first.address_id}")
    listed = former.get("/addresses")

    assert [found["session_id"] for found in row["sessions"]] == [str(first.pk)]
    assert (row["currency"], row["is_assigned"], row["blockchain_transactions"]) == ("USDT", False, [])
    assert row["balance"]["total_received"] == row["balance"]["current"] == "0.00000000"
    assert (row["usage"]["times_reused"], listed["summary"]["total_balance_across_all"]) == (1, "0.00000000")
    refused(former("POST", f"/dashboard/addresses/{first.address_id}/check-balance"), 409, "INVALID_STATE")


# The error table --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/dashboard"), ("GET", "/dashboard/nowhere"), ("GET", "/dashboard/sessions/"), ("GET", "/dashboard/sessions/1"),
    ("GET", "/dashboard/addresses/0"), ("GET", "/dashboard/addresses/1e3"), ("GET", "/dashboard/addresses/" + "9" * 30),
    ("GET", "/dashboard/withdrawals/-1"), ("GET", "/dashboard/transactions/0x1"), ("GET", "/checkout/sessions/x"),
    ("GET", "/dashboard/analytics/export/exp_1"), ("GET", "/dashboard/exports/exp_1.csv"),
    ("GET", "/dashboard/exports/exp_1.csv?token=x"), ("POST", "/dashboard/webhooks/test"),
])
def test_what_is_not_there(dashboard, method, path):
    refused(dashboard(method, path), 404, "NOT_FOUND")


def test_methods(dashboard):
    response = dashboard("DELETE", "/dashboard/sessions")

    refused(response, 405, "METHOD_NOT_ALLOWED")
    assert response["Allow"]
    refused(dashboard("GET", "/checkout/sessions"), 405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b"\xff", b'{"a":1,"a":2}', b'{"a":NaN}'])
def test_bodies_that_are_no_object(dashboard, raw):
    for path in ("/checkout/sessions", "/dashboard/withdrawals/create"):
        refused(dashboard("POST", path, raw=raw), 400, "INVALID_PARAMETER")
    assert not Session.objects.exists()
    assert not Withdrawal.objects.exists()


def test_a_body_that_is_too_large(dashboard):
    refused(dashboard("POST", "/checkout/sessions", raw=b" " * (2**20 + 1)), 413, "PAYLOAD_TOO_LARGE")


def test_our_own_mistake_and_a_database_that_is_away(dashboard, monkeypatch):
    def broken(error):
        def raising(*_):
            raise error

        monkeypatch.setattr("gateway.contracts.dashboard.views.sessions.visible_sessions", raising)
        return dashboard("GET", "/dashboard/sessions")

    error = refused(broken(KeyError("secret")), 500, "SERVER_ERROR")
    assert error["details"]["request_id"]
    assert "secret" not in str(error)
    refused(broken(OperationalError("gone")), 503, "SERVICE_UNAVAILABLE")
