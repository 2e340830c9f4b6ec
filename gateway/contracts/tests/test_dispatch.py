"""Which contract answers: the rule of contracts/README.md, line by line, and its 404 in every shape."""

import pytest
from django.test import Client

SHAPES = {
    "portal": lambda body: set(body) == {"success", "error"} and set(body["error"]) == {
        "code", "message", "status", "timestamp"
    },
    "signed": lambda body: set(body) == {"error", "data", "message", "success"} and body["data"] is None,
    "checkout": lambda body: set(body) == {"error"} and set(body["error"]) == {"code", "description", "field"},
    "dashboard": lambda body: set(body) == {"success", "error"} and set(body["error"]) == {
        "code", "message", "details"
    },
}

PORTAL = [
    ("GET", "/balance"), ("GET", "/payments"), ("POST", "/payments"), ("GET", "/payments/pay_1"), ("GET", "/payouts"),
    ("POST", "/payouts"), ("GET", "/payouts/pout_1"), ("POST", "/payouts/pout_1/approve"),
    ("POST", "/payouts/pout_1/reject"), ("GET", "/profile"), ("POST", "/profile/api-key/regenerate"), ("GET", "/users"),
    ("POST", "/users"), ("GET", "/users/usr_1"), ("PATCH", "/users/usr_1"), ("POST", "/users/usr_1/suspend"),
    ("POST", "/users/usr_1/activate"), ("GET", "/webhook-endpoints"), ("POST", "/webhook-endpoints"),
    ("GET", "/webhook-endpoints/1"), ("PATCH", "/webhook-endpoints/1"), ("DELETE", "/webhook-endpoints/1"),
    ("POST", "/webhook-endpoints/1/rotate-secret"), ("POST", "/webhook-endpoints/1/test"),
]
SIGNED = [
    ("POST", "/payin/generate/link"), ("POST", "/payin/transactions"), ("POST", "/payout/initiate"),
    ("GET", "/payout/ORDER-1/status"),
]
CHECKOUT = [
    ("POST", "/orders"), ("GET", "/orders"), ("GET", "/orders/order_1"), ("GET", "/orders/order_1/payments"),
    ("POST", "/payments/pay_1/capture"), ("POST", "/payments/pay_1/refund"), ("GET", "/payments/pay_1/refunds"),
    ("GET", "/payments/pay_1/refunds/refund_1"), ("GET", "/refunds"), ("POST", "/refunds"),
    ("GET", "/refunds/refund_1"), ("POST", "/webhooks"), ("GET", "/webhooks"), ("DELETE", "/webhooks/1"),
    ("GET", "/webhook-logs"), ("POST", "/webhook-logs/1/retry"), ("GET", "/admin/stats"), ("POST", "/test/jobs/enqueue"),
]
DASHBOARD = [
    ("GET", "/dashboard/overview"), ("GET", "/dashboard/sessions"), ("GET", "/dashboard/sessions/1"),
    ("GET", "/dashboard/addresses"), ("GET", "/dashboard/addresses/1"),
    ("POST", "/dashboard/addresses/1/check-balance"), ("GET", "/dashboard/balance/crypto"),
    ("GET", "/dashboard/balance/networks"), ("GET", "/dashboard/transactions"), ("GET", "/dashboard/transactions/0x1"),
    ("GET", "/dashboard/withdrawals"), ("POST", "/dashboard/withdrawals/create"), ("GET", "/dashboard/withdrawals/1"),
    ("GET", "/dashboard/analytics/payments"), ("GET", "/dashboard/analytics/export"),
    ("GET", "/dashboard/analytics/export/exp_1"), ("GET", "/dashboard/webhooks/config"),
    ("PUT", "/dashboard/webhooks/config"), ("POST", "/dashboard/webhooks/test"), ("POST", "/checkout/sessions"),
    ("GET", "/checkout/sessions/1"),
]
WITHOUT_CREDENTIAL = [
    (contract, *call)
    for contract, calls in [("portal", PORTAL), ("signed", SIGNED), ("checkout", CHECKOUT), ("dashboard", DASHBOARD)]
    for call in calls
]


def call(method, path, **headers):
    return Client(raise_request_exception=False).generic(method, f"/api/v1{path}", b"", headers=headers)


@pytest.mark.parametrize(("contract", "method", "path"), WITHOUT_CREDENTIAL)
def test_without_a_credential_an_address_answers_in_its_contracts_shape(contract, method, path, db):
    """A 401, except where a public call of the checkout contract needs no secret and refuses something else."""
    response = call(method, path)

    assert response.status_code in ((401,) if "public" not in path else (400, 401, 404, 405))
    assert response["Content-Type"] == "application/json"
    assert SHAPES[contract](response.json())


RULE = [
    # 1. by path, whatever the credential
    ("dashboard", "/dashboard/sessions", {"X-Api-Key": "gw_test_x"}),
    ("dashboard", "/dashboard/nowhere", {"Access-Key": "ak_test_x"}),
    ("dashboard", "/checkout/sessions", {"X-Api-Key": "key_test_x", "X-Api-Secret": "s"}),
    ("dashboard", "/checkout/sessions/1", {}),
    # 2. an Access-Key
    ("signed", "/balance", {"Access-Key": "ak_test_x"}),
    ("signed", "/balance", {"Access-Key": "ak_test_x", "X-Api-Key": "key_test_x"}),
    ("signed", "/payments", {"Access-Key": "ak_test_x"}),
    ("signed", "/orders", {"Access-Key": ""}),
    # 3. checkout's credentials
    ("checkout", "/payments", {"X-Api-Key": "key_test_x"}),
    ("checkout", "/payments/pay_1", {"X-Api-Key": "key_live_x", "X-Api-Secret": "s"}),
    ("checkout", "/payments", {"X-Api-Secret": "s"}),
    ("checkout", "/payments", {"Authorization": "Basic eDp5"}),
    ("checkout", "/payments", {"Authorization": "basic eDp5"}),
    ("checkout", "/balance", {"X-Api-Key": "key_test_x"}),
    ("checkout", "/users", {"X-Api-Secret": "s"}),
    # 4. the only owner of a path
    ("checkout", "/orders", {"X-Api-Key": "gw_test_x"}),
    ("signed", "/payin/transactions", {"X-Api-Key": "gw_test_x"}),
    ("checkout", "/payments/public", {"X-Api-Key": "gw_test_x"}),
    ("portal", "/payouts", {"X-Api-Key": "test_sk_x"}),
    ("portal", "/payments/publican", {}),
    # 5. else the portal
    ("portal", "/balance", {"X-Api-Key": "gw_test_x"}),
    ("portal", "/payments", {"Authorization": "Bearer test_sk_x"}),
    ("portal", "/payments", {"X-Api-Key": "test_sk_x"}),
    ("portal", "/nowhere", {}),
    ("portal", "/", {}),
    ("portal", "/dashboards", {}),
    ("portal", "/checkout/sessionsX", {}),
]


@pytest.mark.parametrize(("contract", "path", "headers"), RULE)
def test_the_credential_chooses_the_contract(contract, path, headers, db):
    response = call("GET", path, **headers)

    assert response.status_code in (401, 404)
    assert SHAPES[contract](response.json())


@pytest.mark.parametrize("path", [
    "/balance/", "/payments/", "/payments/pay_1/", "/payments/pay_1/x", "//balance", "/balance%00", "/balance%0A",
    "/payments/%00", "/payments/a%2Fb/c", "/%FF", "/%ED%A0%80", "/profile/api-key", "/users/a/b/c", "/../balance",
])
def test_an_unknown_address_is_a_404_and_never_redirects(path):
    response = call("GET", path)

    assert response.status_code == 404
    assert SHAPES["portal"](response.json())
    assert response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v2/balance", "/api/V1/balance", "/api/schema/nope/"])
def test_whatever_else_is_under_api_is_a_404_as_json(path):
    response = Client().get(path)

    assert response.status_code == 404
    assert SHAPES["portal"](response.json())


@pytest.mark.parametrize(("contract", "headers", "path"), [
    ("signed", {"Access-Key": "x"}, "/nowhere"), ("checkout", {"X-Api-Secret": "x"}, "/nowhere"),
    ("dashboard", {}, "/dashboard/nowhere"), ("dashboard", {}, "/dashboard"), ("portal", {"X-API-KEY": "x"}, "/nowhere"),
])
def test_each_contract_has_its_own_404(contract, headers, path, db):
    response = call("GET", path, **headers)

    assert response.status_code == 404
    assert SHAPES[contract](response.json())


def test_an_unknown_address_with_a_good_key_is_counted(api):
    first, second = api("merchant_user", "GET", "/nowhere"), api("merchant_user", "GET", "/nowhere")

    assert (first.status_code, second.status_code) == (404, 404)
    assert int(first["X-RateLimit-Remaining"]) - int(second["X-RateLimit-Remaining"]) == 1


def test_what_django_refuses_by_itself_is_json_under_api():
    response = Client(raise_request_exception=False).get("/api/v1/balance", headers={"Host": "evil host"})

    assert response.status_code == 400
    assert SHAPES["portal"](response.json())


def test_the_callers_request_id_is_kept():
    assert call("GET", "/balance", **{"X-Request-Id": "order-77"})["X-Request-Id"] == "order-77"
    assert call("GET", "/balance", **{"X-Request-Id": "no spaces"})["X-Request-Id"].startswith("req_")


def test_healthz_answers_and_says_when_the_database_is_away(db, monkeypatch):
    assert Client().get("/healthz").json() == {"status": "ok"}

    from django.db import OperationalError, connection

    def away(*_):
        raise OperationalError("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", away)
        response = Client().get("/healthz")

    assert (response.status_code, response.json()) == (503, {"status": "unavailable"})
