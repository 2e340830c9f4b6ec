"""Rate limits: every authenticated answer tells them, they hold exactly, and stricter while the counters are away."""

import time

import pytest
from django.core.cache import caches

from gateway.contracts import limits
from gateway.contracts.limits import Limit
from payments.models import Payment


@pytest.fixture
def limited(settings):
    def limited(**by_role):
        settings.PORTAL_RATE_LIMITS = settings.PORTAL_RATE_LIMITS | by_role

    return limited


@pytest.fixture
def counters_away(monkeypatch):
    def away(*_, **__):
        raise ConnectionError("Error 111 connecting to 127.0.0.1:6379")

    monkeypatch.setattr(limits, "get_usage", away)
    caches["local"].clear()


def headers(response):
    return tuple(int(response[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))


@pytest.mark.parametrize(("who", "limit"), [
    ("api_user", 100), ("merchant_user", 500), ("admin", 2000), ("super_admin", 2000),
])
def test_each_role_has_its_limit_an_hour(api, limited, who, limit):
    limited(api_user=100, merchant=500, admin=2000, super_admin=2000)

    first, second = (headers(api(who, "GET", "/profile")) for _ in range(2))

    assert (first[:2], second[:2]) == ((limit, limit - 1), (limit, limit - 2))
    assert time.time() < first[2] <= time.time() + 3600


def test_refusals_tell_the_limits_too(api, refused):
    for status, code, method, path, body in [
        (400, "missing_fields", "POST", "/payments", {}), (403, "insufficient_permissions", "POST", "/payouts/x/approve", {}),
        (404, "not_found", "GET", "/payments/pay_x", None), (405, "method_not_allowed", "PUT", "/balance", None),
    ]:
        response = api("merchant_user", method, path, body)
        refused(response, status, code)
        assert headers(response)[0] == 100_000


def test_over_the_limit_is_a_429_with_retry_after_and_no_effect(api, limited, refused, payment_body):
    limited(merchant=2)
    passed = [api("merchant_user", "POST", "/payments", payment_body()).status_code for _ in range(2)]

    response = api("merchant_user", "POST", "/payments", payment_body())

    refused(response, 429, "rate_limit_exceeded")
    assert passed == [201, 201]
    assert headers(response)[:2] == (2, 0)
    assert 1 <= int(response["Retry-After"]) <= 3600
    assert Payment.objects.count() == 2


def test_limits_are_per_user_and_mode(api, limited):
    limited(merchant=1, api_user=1)

    assert api("merchant_user", "GET", "/balance").status_code == 200
    assert api("merchant_user", "GET", "/balance").status_code == 429
    assert api("merchant_user", "GET", "/balance", mode="live").status_code == 200
    assert api("api_user", "GET", "/balance").status_code == 200
    assert api("other_user", "GET", "/balance").status_code == 200


def test_a_new_key_does_not_start_afresh(api, limited):
    limited(merchant=2)
    fresh = api("merchant_user", "POST", "/profile/api-key/regenerate").json()["data"]["api_key"]

    again = [api(None, "GET", "/balance", headers={"X-API-KEY": fresh}).status_code for _ in range(2)]

    assert again == [200, 429]


def test_forged_forwarding_headers_do_not_matter(api, limited):
    limited(merchant=3)

    statuses = [
        api("merchant_user", "GET", "/balance", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
        for number in range(5)
    ]

    assert statuses == [200, 200, 200, 429, 429]


def test_wrong_keys_use_up_nobodys_limit(api, limited):
    limited(merchant=2)
    for _ in range(5):
        api(None, "GET", "/balance", headers={"X-API-KEY": "gw_test_" + "A" * 43})

    assert api("merchant_user", "GET", "/balance").status_code == 200


def test_while_the_counters_are_away_a_quarter_passes_and_nothing_is_a_500(api, limited, counters_away):
    limited(merchant=20)

    answers = [api("merchant_user", "GET", "/balance") for _ in range(8)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert headers(answers[0])[:2] == (5, 4)
    assert int(answers[-1]["Retry-After"]) >= 1


def test_a_limit_of_one_still_lets_one_pass_without_the_counters(api, limited, counters_away):
    limited(merchant=1)

    assert [api("merchant_user", "GET", "/balance").status_code for _ in range(2)] == [200, 429]


def test_counters_that_are_away_are_left_alone_for_a_moment(rf, monkeypatch, counters_away):
    asked = []

    def away(*_, **__):
        asked.append(1)
        raise ConnectionError

    monkeypatch.setattr(limits, "get_usage", away)
    for _ in range(5):
        limits.count(rf.get("/"), Limit("x", 100, 60))

    assert len(asked) == 1


def test_counting_comes_back_with_the_counters(rf, monkeypatch):
    limit = Limit("back", 100, 60)

    with monkeypatch.context() as patch:
        patch.setattr(limits, "get_usage", lambda *_, **__: 1 / 0)
        assert limits.count(rf.get("/"), limit).limit == 25
    monkeypatch.setattr(limits, "_resting_until", 0.0)

    assert limits.count(rf.get("/"), limit).limit == 100


def test_a_count_that_the_cache_could_not_tell_is_not_taken_for_one(rf, monkeypatch):
    lost = {"count": 0, "limit": 0, "should_limit": True, "time_left": -1}
    monkeypatch.setattr(limits, "get_usage", lambda *_, **__: lost)

    assert limits.count(rf.get("/"), Limit("lost", 100, 60)).limit == 25
