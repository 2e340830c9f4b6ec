"""How often a call asks the database: one query to know the caller, and as few as can be after that."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext


@pytest.fixture
def queries(api, cast):
    """`queries("GET", "/balance")` → the statements of one call, savepoints left out."""

    def queries(method, path, body=None, who="merchant_user", **more):
        with CaptureQueriesContext(connection) as captured:
            response = api(who, method, path, body, **more)
        assert response.status_code < 300, response.content
        return [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]

    return queries


def test_a_caller_is_known_by_one_query(queries):
    first = queries("GET", "/balance")[0]

    assert all(table in first for table in ("accounts_portalkey", "accounts_user", "accounts_merchant"))


@pytest.mark.parametrize(("who", "count"), [("merchant_user", 2), ("api_user", 2)])
def test_a_balance(queries, who, count):
    assert len(queries("GET", "/balance", who=who)) == count


def test_a_balance_of_the_platform_and_of_a_named_merchant(queries, cast):
    assert len(queries("GET", "/balance", who="super_admin")) == 2
    assert len(queries("GET", f"/balance?merchant_id={cast.merchant.public_id}", who="admin")) == 3


def test_creating_and_looking_up_a_payment(queries, payment_body, api):
    made = api("merchant_user", "POST", "/payments", payment_body()).json()["data"]

    # caller, fee plan, and then order, payment and audit: one statement on PostgreSQL
    assert len(queries("POST", "/payments", payment_body())) == (3 if connection.vendor == "postgresql" else 5)
    assert len(queries("GET", f"/payments/{made['transaction_id']}")) == 2


def test_creating_and_looking_up_a_payout(queries, payout_body, api, cast, fund):
    fund(cast.merchant, 1_000_000)
    made = api("merchant_user", "POST", "/payouts", payout_body()).json()["data"]

    # caller, fee plan, beneficiary, and then payout, audit and hold: one statement on PostgreSQL
    assert len(queries("POST", "/payouts", payout_body())) == (4 if connection.vendor == "postgresql" else 13)
    assert len(queries("GET", f"/payouts/{made['payout_id']}")) == 2


def test_an_idempotency_key_costs_two_statements_and_a_replay_three_in_all(queries, payment_body):
    body = payment_body()

    first = queries("POST", "/payments", body, headers={"Idempotency-Key": "k"})
    assert len(first) == (5 if connection.vendor == "postgresql" else 7)
    assert len(queries("POST", "/payments", body, headers={"Idempotency-Key": "k"})) == 3


@pytest.mark.parametrize("path", ["/payments", "/payouts", "/users", "/webhook-endpoints"])
def test_a_list_costs_the_same_however_long_it_is(queries, api, cast, fund, payment_body, payout_body, path):
    fund(cast.merchant, 1_000_000)
    bodies = {
        "/payments": payment_body, "/payouts": payout_body, "/webhook-endpoints": lambda: {"url": "https://a.example/"},
        "/users": lambda: {"email": f"{payment_body()['order_id']}@b.co", "name": "A", "role": "api_user"},
    }
    for _ in range(5):
        assert api("merchant_user", "POST", path, bodies[path]()).status_code == 201

    assert len(queries("GET", f"{path}?limit=1")) == 3
    assert len(queries("GET", path)) == 3


def test_a_refused_caller_costs_one_query_and_a_wrong_key_none(api, django_assert_num_queries):
    with django_assert_num_queries(0):
        api(None, "GET", "/balance", headers={"X-API-KEY": "not a key"})
    with django_assert_num_queries(1):
        api(None, "GET", "/balance", headers={"X-API-KEY": "gw_test_" + "A" * 43})
    with django_assert_num_queries(1):
        api("api_user", "GET", "/users")
    with django_assert_num_queries(0):
        api(None, "GET", "/nowhere")
