"""The portal's error table: each code, its status, its shape, and what it must not do."""

import json

import pytest
from django.db import InterfaceError, InternalError, OperationalError
from django.test import Client
from psycopg.errors import ReadOnlySqlTransaction

from accounts.models import AccountStatus
from payments.models import Payment


def test_a_missing_key_and_an_unknown_key_are_told_apart_but_both_401(api, refused):
    missing = refused(api(None, "GET", "/balance"), 401, "invalid_api_key")
    unknown = refused(
        api(None, "GET", "/balance", headers={"X-API-KEY": "gw_test_" + "A" * 43}), 401, "invalid_api_key"
    )

    assert set(missing) == set(unknown) == {"code", "message", "status", "timestamp"}
    assert unknown["message"] == "The provided API key is invalid or does not exist."


@pytest.mark.parametrize("key", [
    "", " ", "x", "gw_test_", "gw_test_short", "gw_staging_" + "A" * 43, "GW_TEST_" + "A" * 43, "test_sk_" + "A" * 43,
    "ak_test_" + "A" * 24, "gw_test_" + "é" * 43, "gw_test_" + "A" * 10_000, "' OR 1=1 --", "gw_test_" + "A" * 42 + "\x7f",
])
def test_whatever_is_no_key_is_401_and_carries_no_limits(api, refused, key):
    response = api(None, "GET", "/balance", headers={"X-API-KEY": key})

    refused(response, 401, "invalid_api_key")
    assert "X-RateLimit-Limit" not in response
    assert len(key) < 10 or key not in response.content.decode()


def test_a_non_ascii_header_is_a_401_and_not_a_500(db):
    response = Client().get("/api/v1/balance", HTTP_X_API_KEY="gw_test_\udcff\xe9")

    assert response.status_code == 401


def test_a_key_of_another_mode_finds_nothing_of_this_one(api, refused, payment_body):
    made = api("merchant_user", "POST", "/payments", payment_body()).json()["data"]

    refused(api("merchant_user", "GET", f"/payments/{made['transaction_id']}", mode="live"), 404, "not_found")
    assert api("merchant_user", "GET", "/payments", mode="live").json()["data"] == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "OPTIONS", "TRACE", "BREW"])
def test_405_names_the_methods(api, refused, method):
    response = api("merchant_user", method, "/balance")

    refused(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD"
    assert "X-RateLimit-Limit" in response


def test_405_asks_for_a_credential_first(api, refused):
    refused(api(None, "DELETE", "/balance"), 401, "invalid_api_key")


def test_head_answers_as_get_without_a_body(api):
    response = api("merchant_user", "HEAD", "/balance")

    assert (response.status_code, response.content) == (200, b"")


def test_missing_fields_are_all_named(api, refused):
    error = refused(api("merchant_user", "POST", "/payouts", {"amount": 5}), 400, "missing_fields")

    assert error["fields"] == ["order_id", "beneficiary_name", "account_number", "ifsc"]
    assert all(name in error["message"] for name in error["fields"])


def test_bad_fields_are_all_named_with_what_is_wrong(api, refused):
    body = {"amount": -1, "order_id": "a b", "method": "cash", "email": "nobody"}
    error = refused(api("merchant_user", "POST", "/payments", body), 400, "invalid_fields")

    assert error["fields"] == ["amount", "order_id", "email", "method"]
    assert error["details"]["method"] == "must be one of upi, card"
    assert Payment.objects.count() == 0


def test_a_field_that_is_missing_comes_before_one_that_is_bad(api, refused):
    error = refused(api("merchant_user", "POST", "/payments", {"amount": "x"}), 400, "missing_fields")

    assert error["fields"] == ["order_id"]


def test_insufficient_balance_is_a_402_and_leaves_nothing(api, refused, payout_body):
    refused(api("merchant_user", "POST", "/payouts", payout_body()), 402, "insufficient_balance")

    assert api("merchant_user", "GET", "/payouts").json()["pagination"]["total_items"] == 0


def test_duplicate_order_id_is_a_409_of_this_mode_only(api, refused, payment_body, settings):
    settings.LIVE_PAYMENT_PROVIDER = "sandbox"
    body = payment_body(order_id="ONE")

    assert api("merchant_user", "POST", "/payments", body).status_code == 201
    refused(api("merchant_user", "POST", "/payments", body), 409, "duplicate_order_id")
    refused(api("api_user", "POST", "/payments", body | {"amount": 7}), 409, "duplicate_order_id")
    assert api("other_user", "POST", "/payments", body).status_code == 201
    assert Payment.objects.count() == 2


def test_live_mode_without_a_provider_is_a_503_after_validation(api, refused, payment_body, payout_body):
    refused(api("merchant_user", "POST", "/payments", {"amount": 1}, mode="live"), 400, "missing_fields")
    refused(api("merchant_user", "POST", "/payments", payment_body(amount=0), mode="live"), 400, "invalid_fields")
    refused(api("merchant_user", "POST", "/payments", payment_body(), mode="live"), 503, "provider_unavailable")
    refused(api("merchant_user", "POST", "/payouts", payout_body(), mode="live"), 503, "provider_unavailable")
    assert Payment.objects.count() == 0


def test_a_suspended_users_key_says_so_everywhere(api, cast, refused):
    cast.merchant_user.advance(AccountStatus.SUSPENDED)

    for method, path in [("GET", "/balance"), ("POST", "/payments"), ("POST", "/profile/api-key/regenerate")]:
        response = api("merchant_user", method, path)
        assert refused(response, 403, "insufficient_permissions")["message"] == "account suspended"
        assert "X-RateLimit-Limit" in response
    assert api("api_user", "GET", "/balance").status_code == 200


def test_a_suspended_merchant_takes_its_api_users_along(api, cast, refused):
    api("admin", "POST", f"/users/{cast.merchant_user.public_id}/suspend")

    for who in ("merchant_user", "api_user"):
        for mode in ("test", "live"):
            error = refused(api(who, "GET", "/balance", mode=mode), 403, "insufficient_permissions")
            assert error["message"] == "account suspended"
    assert api("other_user", "GET", "/balance").status_code == 200


def read_only() -> InternalError:
    """As Django hands it on; the server says it in its own language."""
    error = InternalError("kann INSERT nicht in einer Read-Only-Transaktion ausführen")
    error.__cause__ = ReadOnlySqlTransaction(str(error))
    return error


@pytest.mark.parametrize("raised", [
    OperationalError("connection refused"), InterfaceError("connection already closed"), read_only(),
])
def test_a_database_that_is_away_is_a_503(api, refused, monkeypatch, raised):
    def away(_):
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr("accounts.credentials.find_portal_key", away)
        response = api("merchant_user", "GET", "/balance")

    error = refused(response, 503, "database_error")
    assert error["request_id"] == response["X-Request-Id"]
    assert response["Retry-After"] == "5"


def test_what_nobody_foresaw_is_a_500_that_says_its_request_id_and_nothing_else(api, refused, monkeypatch, logged):
    def broken(**_):
        raise ZeroDivisionError("the secret is whsec_AAAAAAAAAAAAAAAAAAAAAAAA")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.contracts.portal.views.balance.wallets", broken)
        response = api("merchant_user", "GET", "/balance", headers={"X-Request-Id": "trace-me"})

    error = refused(response, 500, "database_error")
    assert error["message"] == "Internal server error"
    assert error["request_id"] == "trace-me" == response["X-Request-Id"]
    assert b"ZeroDivision" not in response.content
    assert b"Traceback" not in response.content
    assert "X-RateLimit-Limit" in response
    assert "trace-me" in logged()
    assert "ZeroDivisionError" in logged()
    assert "whsec_AAAA" not in logged()


def test_a_refusal_of_rest_framework_keeps_its_status(monkeypatch, api, refused):
    from rest_framework import exceptions

    def refuse(**_):
        raise exceptions.PermissionDenied()

    with monkeypatch.context() as patch:
        patch.setattr("gateway.contracts.portal.views.balance.wallets", refuse)
        response = api("merchant_user", "GET", "/balance")

    refused(response, 403, "insufficient_permissions")


def test_every_answer_is_json_and_not_stored(api):
    for method, path in [("GET", "/balance"), ("GET", "/nowhere"), ("POST", "/payments")]:
        response = api("merchant_user", method, path, headers={"Accept": "text/html"})
        assert response["Content-Type"] == "application/json"
        assert response["Cache-Control"] == "no-store"
        json.loads(response.content)


@pytest.mark.parametrize("query", ["?search=%00", "?%00=1", "?status=%00", "?order_id=a%00b", "?merchant_id=%00"])
def test_a_nul_in_the_query_is_a_400(api, refused, query):
    refused(api("merchant_user", "GET", f"/payments{query}"), 400, "malformed_request")


def test_a_thousand_query_fields_are_a_400(api, refused):
    query = "&".join(f"a{index}=1" for index in range(1500))

    refused(api("merchant_user", "GET", f"/payments?{query}"), 400, "malformed_request")
