"""`/profile`, and a new key that kills the old one at once."""

import re

from accounts.actors import Actor
from accounts.models import PortalKey
from webhooks.services import create_endpoint

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FIELDS = [
    "user_id", "email", "name", "role", "status", "parent_id", "merchant_id", "business_name", "created_at", "mode",
    "merchant", "webhooks", "api_key", "rate_limit",
]


def profile(api, who, query="", **more):
    response = api(who, "GET", f"/profile{query}", **more)
    assert response.status_code == 200, response.content
    return response.json()["data"]


def test_a_merchants_profile_has_exactly_these_fields(api, cast, settings):
    settings.PORTAL_RATE_LIMITS = settings.PORTAL_RATE_LIMITS | {"merchant": 500}
    endpoint, _ = create_endpoint(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", url="https://a.example/hook",
        events=["payment.completed"],
    )

    found = profile(api, "merchant_user")

    key = PortalKey.objects.get(user=cast.merchant_user, mode="test")
    assert list(found) == FIELDS
    assert (found["user_id"], found["email"], found["role"], found["mode"]) == (
        cast.merchant_user.public_id, "merchant@example.com", "merchant", "test"
    )
    assert found["merchant"] | {"created_at": ""} == {
        "merchant_id": cast.merchant.public_id, "name": "Chai Point", "status": "active", "settlement_delay_days": 0,
        "payout_auto_approve_limit": None, "public_checkout": False, "created_at": "",
    }
    assert found["webhooks"] == {
        "endpoints": [{
            "id": str(endpoint.pk), "url": "https://a.example/hook", "contract": "portal",
            "events": ["payment.completed"], "enabled": True,
        }],
        "available_events": [
            "payment.completed", "payment.failed", "payout.processed", "payout.rejected", "user.created",
            "user.suspended",
        ],
    }
    assert found["api_key"]["hint"] == f"gw_test_…{key.last_four}"
    assert found["api_key"]["mode"] == "test"
    assert TIMESTAMP.fullmatch(found["api_key"]["last_used_at"])
    assert found["rate_limit"] == {"limit": 500, "window_seconds": 3600}


def test_no_profile_shows_a_secret(api, cast):
    _, secret = create_endpoint(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", url="https://a.example/hook"
    )

    for who in ("merchant_user", "api_user"):
        text = api(who, "GET", "/profile").content.decode()
        assert secret not in text
        assert api.key(who) not in text


def test_an_api_user_sees_its_merchant_but_no_endpoints(api, cast):
    create_endpoint(actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", url="https://a.example/")

    found = profile(api, "api_user")

    assert found["merchant"]["merchant_id"] == cast.merchant.public_id
    assert found["webhooks"]["endpoints"] == []


def test_an_operator_has_no_merchant_but_may_look_at_its_teams(api, cast, refused):
    create_endpoint(actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", url="https://a.example/")

    assert profile(api, "admin")["merchant"] is None
    found = profile(api, "admin", f"?merchant_id={cast.merchant.public_id}")

    assert (found["user_id"], found["merchant"]["name"]) == (cast.admin.public_id, "Chai Point")
    assert len(found["webhooks"]["endpoints"]) == 1
    refused(api("other_admin", "GET", f"/profile?merchant_id={cast.merchant.public_id}"), 404, "not_found")
    refused(api("merchant_user", "GET", f"/profile?merchant_id={cast.other.public_id}"), 404, "not_found")


def test_endpoints_of_the_other_mode_are_not_shown(api, cast):
    create_endpoint(actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="live", url="https://a.example/")

    assert profile(api, "merchant_user")["webhooks"]["endpoints"] == []
    assert len(profile(api, "merchant_user", mode="live")["webhooks"]["endpoints"]) == 1


def test_the_last_use_is_noted_at_most_once_a_minute(api, cast, django_assert_num_queries):
    PortalKey.objects.update(last_used_at=None)

    with django_assert_num_queries(3):
        api("merchant_user", "GET", "/balance")
    with django_assert_num_queries(2):
        api("merchant_user", "GET", "/balance")
    assert PortalKey.objects.get(user=cast.merchant_user, mode="test").last_used_at


def test_a_new_key_is_shown_once_and_the_old_one_is_dead_at_once(api, cast, refused, key_digest):
    for who in ("super_admin", "admin", "merchant_user", "api_user"):
        old = api.key(who)

        response = api(who, "POST", "/profile/api-key/regenerate")

        made = response.json()["data"]
        assert list(made) == ["api_key", "mode", "hint", "created_at"]
        assert re.fullmatch(r"gw_test_[A-Za-z0-9_-]{43}", made["api_key"])
        assert (made["mode"], made["hint"]) == ("test", f"gw_test_…{made['api_key'][-4:]}")
        assert made["api_key"] != old
        refused(api(None, "GET", "/balance", headers={"X-API-KEY": old}), 401, "invalid_api_key")
        assert api(None, "GET", "/profile", headers={"X-API-KEY": made["api_key"]}).status_code == 200
        assert api(who, "GET", "/profile", mode="live").status_code == 200
        assert PortalKey.objects.get(user=getattr(cast, who), mode="test").digest == key_digest(made["api_key"])


def test_a_new_key_is_never_replayed(api, cast):
    """An answer that holds a secret is not stored, whatever key is sent along."""
    first = api("merchant_user", "POST", "/profile/api-key/regenerate", headers={"Idempotency-Key": "same"})
    key = first.json()["data"]["api_key"]
    second = api(
        None, "POST", "/profile/api-key/regenerate", headers={"Idempotency-Key": "same", "X-API-KEY": key}
    )

    assert second.json()["data"]["api_key"] != key
    assert "Idempotent-Replayed" not in second
