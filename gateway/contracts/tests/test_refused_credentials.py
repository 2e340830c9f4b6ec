"""Wrong credentials are counted by address: too many are a 429 that says no more than the 401 did."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Credential, Merchant, PortalKey
from gateway.contracts.checkout.testing import Checkout, call, good
from gateway.contracts.checkout.testing import refused as checkout_refused
from payments.models import Order

ELSEWHERE = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(autouse=True)
def three(settings):
    settings.FAILED_AUTH_RATE_LIMIT = 3


@pytest.fixture
def checkout(cast):
    return Checkout(cast.merchant)


def wrong(checkout, **change):
    return call("GET", "/orders", headers=checkout.headers() | {"X-Api-Secret": "wrong"} | change)


def test_the_fourth_wrong_secret_in_a_minute_is_a_429(checkout):
    for _ in range(3):
        checkout_refused(wrong(checkout), 401, "AUTHENTICATION_ERROR")

    fourth = wrong(checkout)

    checkout_refused(fourth, 429, "RATE_LIMIT_ERROR")
    assert 1 <= int(fourth["Retry-After"]) <= 60


def test_a_key_that_exists_and_one_that_does_not_are_answered_alike(checkout, settings):
    """Status, body and headers: before the limit and after it."""
    settings.PROXY_COUNT = 1

    known = [wrong(checkout) for _ in range(5)]
    unknown = [wrong(checkout, **ELSEWHERE, **{"X-Api-Key": "key_test_0000000000000000"}) for _ in range(5)]

    def seen(answers):
        return [(answer.status_code, answer.content, sorted(answer.headers)) for answer in answers]

    assert seen(known) == seen(unknown)
    assert [answer.status_code for answer in known] == [401, 401, 401, 429, 429]


def test_a_good_pair_is_let_in_whatever_others_at_its_address_do(checkout):
    for _ in range(5):
        wrong(checkout)

    assert good(checkout("POST", "/orders", {"amount": 500}))["amount"] == 500


def test_basic_publishable_and_page_are_counted_too(checkout, cast):
    Merchant.objects.update(public_checkout=True)
    tries = [
        {"Authorization": "Basic a2V5X3Rlc3RfMDAwMDAwMDAwMDAwMDAwMDp4"}, {"X-Api-Key": "key_test_0000000000000000"},
        {"X-Checkout-Token": "order_0000000000000000:1:x"},
    ]
    paths = ["/orders", "/orders/public", "/orders/public"]

    statuses = [call("POST", path, {"amount": 500}, headers=sent).status_code for path, sent in zip(paths, tries, strict=True)]

    assert statuses == [401, 401, 401]
    assert wrong(checkout).status_code == 429
    assert not Order.objects.exists()


def test_an_unknown_address_is_no_way_round(checkout):
    statuses = [
        call("GET", "/nowhere", headers=checkout.headers() | {"X-Api-Secret": "wrong"}).status_code for _ in range(4)
    ]

    assert statuses == [404, 404, 404, 429]


def test_no_credential_is_no_wrong_one(db, settings):
    statuses = {call("GET", "/orders", headers={"Authorization": "Bearer x"}).status_code for _ in range(5)}

    assert statuses == {401}


def test_addresses_are_counted_apart(checkout, settings):
    settings.PROXY_COUNT = 1
    for _ in range(4):
        wrong(checkout, **ELSEWHERE)

    assert wrong(checkout, **ELSEWHERE).status_code == 429
    assert wrong(checkout, **{"X-Forwarded-For": "203.0.113.10"}).status_code == 401


def test_the_portal_counts_its_own(api, cast, refused, checkout):
    def stranger():
        return api(None, "GET", "/balance", headers={"X-API-KEY": "gw_test_" + "A" * 43})

    for _ in range(3):
        refused(stranger(), 401, "invalid_api_key")

    refused(stranger(), 429, "rate_limit_exceeded")
    assert api("merchant_user", "GET", "/balance").status_code == 200
    assert wrong(checkout).status_code == 401


def test_good_requests_cost_no_more_queries(checkout, api):
    good(checkout("GET", "/orders"), 200)
    wrong(checkout)

    with CaptureQueriesContext(connection) as queries:
        good(checkout("GET", "/orders"), 200)

    assert len(queries) == 2
    assert Credential.objects.count() == 1
    assert PortalKey.objects.exists()
