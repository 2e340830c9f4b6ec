"""Users through the portal: the hierarchy, and keys that are shown once."""

import re

import pytest

from accounts.actors import Actor
from accounts.models import PortalKey, User
from webhooks.models import Delivery
from webhooks.services import create_endpoint

FIELDS = ["user_id", "email", "name", "role", "status", "parent_id", "merchant_id", "business_name", "created_at"]


def body(role="api_user", **more):
    return {"email": "New.Person@Example.com", "name": "New Person", "role": role} | more


def test_a_merchant_creates_an_api_user_whose_keys_are_shown_this_once(api, cast, key_digest):
    response = api("merchant_user", "POST", "/users", body())

    made = response.json()["data"]
    assert response.status_code == 201
    assert list(made) == [*FIELDS, "api_keys"]
    assert (made["email"], made["name"], made["role"], made["status"]) == (
        "new.person@example.com", "New Person", "api_user", "active"
    )
    assert (made["parent_id"], made["merchant_id"]) == (cast.merchant_user.public_id, cast.merchant.public_id)
    assert re.fullmatch(r"gw_live_[A-Za-z0-9_-]{43}", made["api_keys"]["live"])
    assert re.fullmatch(r"gw_test_[A-Za-z0-9_-]{43}", made["api_keys"]["test"])
    user = User.objects.get(public_id=made["user_id"])
    assert user.invitation_due
    assert not user.has_usable_password()
    assert {key.mode: key.digest for key in user.portal_keys.all()} == {
        mode: key_digest(key) for mode, key in made["api_keys"].items()
    }
    seen = api("merchant_user", "GET", f"/users/{made['user_id']}")
    assert list(seen.json()["data"]) == FIELDS
    assert b"gw_test_" not in seen.content
    assert api(None, "GET", "/balance", headers={"X-API-KEY": made["api_keys"]["test"]}).status_code == 200


def test_an_admin_creates_a_merchant_with_its_business(api, cast):
    made = api("admin", "POST", "/users", body("partner_api", business_name="Tea House")).json()["data"]

    assert (made["role"], made["business_name"], made["parent_id"]) == ("merchant", "Tea House", cast.admin.public_id)
    assert made["merchant_id"] not in (cast.merchant.public_id, cast.other.public_id)
    assert api("admin", "GET", f"/users/{made['user_id']}").status_code == 200


def test_an_admin_creates_an_api_user_under_a_merchant_of_its_team(api, cast, refused):
    error = refused(api("admin", "POST", "/users", body()), 400, "invalid_fields")
    assert error["fields"] == ["parent_id"]
    refused(api("admin", "POST", "/users", body(parent_id=cast.other_user.public_id)), 404, "not_found")
    refused(api("admin", "POST", "/users", body(parent_id="usr_unknown")), 404, "not_found")

    made = api("admin", "POST", "/users", body(parent_id=cast.merchant_user.public_id)).json()["data"]

    assert made["merchant_id"] == cast.merchant.public_id


@pytest.mark.parametrize(("who", "role"), [
    ("merchant_user", "merchant"), ("merchant_user", "partner_api"), ("merchant_user", "admin"),
    ("merchant_user", "super_admin"), ("admin", "admin"), ("admin", "super_admin"),
])
def test_nobody_makes_a_user_at_or_above_their_own_role(api, refused, who, role):
    before = User.objects.count()

    refused(api(who, "POST", "/users", body(role)), 403, "insufficient_permissions")

    assert User.objects.count() == before
    assert PortalKey.objects.count() == 2 * before


def test_an_api_user_manages_nobody(api, cast, refused):
    for method, path in [
        ("GET", "/users"), ("POST", "/users"), ("GET", f"/users/{cast.api_user.public_id}"),
        ("PATCH", f"/users/{cast.api_user.public_id}"), ("POST", f"/users/{cast.api_user.public_id}/suspend"),
        ("POST", f"/users/{cast.api_user.public_id}/activate"),
    ]:
        refused(api("api_user", method, path, body()), 403, "insufficient_permissions")


def test_an_email_is_used_once(api, refused):
    assert api("merchant_user", "POST", "/users", body()).status_code == 201
    before = User.objects.count()

    refused(api("other_user", "POST", "/users", body(email="NEW.person@example.COM")), 409, "email_taken")

    assert User.objects.count() == before


def test_what_a_body_must_not_set_is_ignored(api, cast):
    evil = {
        "status": "suspended", "merchant_id": cast.other.public_id, "merchant": cast.other.pk, "password": "evil-evil-evil",
        "is_superuser": True, "user_id": "usr_evil", "api_keys": {"live": "x"}, "invitation_due": False, "parent": 1,
        "created_at": "2000-01-01T00:00:00Z", "failed_sign_ins": 9,
    }

    made = api("merchant_user", "POST", "/users", evil | body()).json()["data"]
    changed = api("merchant_user", "PATCH", f"/users/{made['user_id']}", evil | {"email": "other@evil.example"})

    user = User.objects.get(public_id=made["user_id"])
    assert (user.status, user.merchant, user.email) == ("active", cast.merchant, "new.person@example.com")
    assert (user.has_usable_password(), user.invitation_due, user.failed_sign_ins) == (False, True, 0)
    assert changed.json()["data"]["status"] == "active"


@pytest.mark.parametrize(("name", "value"), [
    ("email", "nobody"), ("email", "a@b.co\n"), ("email", 5), ("email", None), ("email", "x" * 250 + "@b.co"),
    ("name", ""), ("name", " "), ("name", "x" * 121), ("name", 5), ("role", "owner"), ("role", "Admin"), ("role", None),
    ("role", 3), ("business_name", "x" * 121), ("parent_id", 5), ("parent_id", "x" * 25),
])
def test_a_bad_field_is_named(api, refused, name, value):
    before = User.objects.count()

    error = refused(api("super_admin", "POST", "/users", body() | {name: value}), 400, "invalid_fields")

    assert error["fields"] == [name]
    assert User.objects.count() == before


def test_changing_a_user(api, cast, refused):
    path = f"/users/{cast.api_user.public_id}"

    assert api("merchant_user", "PATCH", path, {"name": "Kiosk 2"}).json()["data"]["name"] == "Kiosk 2"
    assert api("merchant_user", "PATCH", path, {}).json()["data"]["name"] == "Kiosk 2"
    assert refused(api("merchant_user", "PATCH", path, {"name": ""}), 400, "invalid_fields")["fields"] == ["name"]
    refused(api("merchant_user", "PATCH", path, {"role": "merchant"}), 403, "insufficient_permissions")
    refused(api("merchant_user", "PATCH", path, {"parent_id": cast.other_user.public_id}), 404, "not_found")
    refused(api("other_user", "PATCH", path, {"name": "Stolen"}), 404, "not_found")
    refused(api("other_admin", "PATCH", path, {"name": "Stolen"}), 404, "not_found")
    refused(api("merchant_user", "PATCH", f"/users/{cast.merchant_user.public_id}", {"name": "Me"}), 403,
            "insufficient_permissions")
    assert User.objects.get(pk=cast.api_user.pk).name == "Kiosk 2"
    promoted = api("super_admin", "PATCH", path, {"role": "partner_api", "parent_id": cast.admin.public_id})
    assert promoted.json()["data"]["role"] == "merchant"


def test_suspending_ends_the_keys_and_activating_brings_them_back(api, cast, refused):
    path = f"/users/{cast.api_user.public_id}"

    suspended = api("merchant_user", "POST", f"{path}/suspend").json()["data"]
    assert suspended["status"] == "suspended"
    refused(api("api_user", "GET", "/balance"), 403, "insufficient_permissions")
    refused(api("merchant_user", "POST", f"{path}/suspend"), 409, "invalid_state")
    assert api("merchant_user", "GET", "/balance").status_code == 200

    assert api("admin", "POST", f"{path}/activate").json()["data"]["status"] == "active"
    assert api("api_user", "GET", "/balance").status_code == 200
    refused(api("admin", "POST", f"{path}/activate"), 409, "invalid_state")


def test_nobody_suspends_themselves_or_the_last_super_admin(api, cast, refused):
    refused(api("super_admin", "POST", f"/users/{cast.super_admin.public_id}/suspend"), 409, "invalid_state")
    refused(api("merchant_user", "POST", f"/users/{cast.merchant_user.public_id}/suspend"), 403,
            "insufficient_permissions")
    refused(api("admin", "POST", f"/users/{cast.super_admin.public_id}/suspend"), 404, "not_found")
    refused(api("other_user", "POST", f"/users/{cast.api_user.public_id}/suspend"), 404, "not_found")
    assert set(User.objects.values_list("status", flat=True)) == {"active"}


def test_the_merchant_is_told_of_new_and_suspended_users(api, cast):
    create_endpoint(actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", url="https://a.example/")

    made = api("merchant_user", "POST", "/users", body()).json()["data"]
    api("merchant_user", "POST", f"/users/{made['user_id']}/suspend")

    import json

    told = [json.loads(row.body) for row in Delivery.objects.order_by("created_at")]
    assert [item.pop("timestamp")[-1] for item in told] == ["Z", "Z"]
    expected = {"user_id": made["user_id"], "role": "api_user", "email": "new.person@example.com"}
    assert told == [{"event": "user.created", **expected}, {"event": "user.suspended", **expected}]


def test_lists_of_users_are_teams(api, cast):
    def listed(who, query=""):
        return {row["email"] for row in api(who, "GET", f"/users{query}").json()["data"]}

    team = {"merchant@example.com", "api@example.com"}
    assert listed("merchant_user") == team
    assert listed("admin") == team | {"admin@example.com"}
    assert listed("other_user") == {"other@example.com"}
    assert len(listed("super_admin")) == 6
    merchants = {"merchant@example.com", "other@example.com"}
    assert listed("super_admin", "?role=merchant") == listed("super_admin", "?role=partner_api") == merchants
    assert listed("super_admin", "?role=admin") == {"admin@example.com", "other-admin@example.com"}
    assert listed("super_admin", "?search=CHAI") == team
    assert listed("super_admin", "?status=suspended") == set()
