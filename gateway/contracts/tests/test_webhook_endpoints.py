"""`/webhook-endpoints`: a merchant's own, of every contract, in its own mode."""

import re

import pytest

from webhooks.models import Attempt, Endpoint

FIELDS = [
    "id", "url", "contract", "events", "enabled", "secret", "disabled_reason", "created_at", "updated_at",
]
URL = "https://shop.example/hooks"


def make(api, **more):
    response = api("merchant_user", "POST", "/webhook-endpoints", {"url": URL} | more)
    assert response.status_code == 201, response.content
    return response.json()["data"]


def test_a_new_endpoint_has_exactly_these_fields(api):
    made = make(api)

    assert list(made) == FIELDS
    assert (made["url"], made["contract"], made["events"], made["enabled"], made["disabled_reason"]) == (
        URL, "portal", [], True, None
    )
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made["secret"])
    assert Endpoint.objects.get().mode == "test"


def test_it_is_found_again_with_its_secret(api):
    made = make(api, events=["payment.failed", "payment.completed", "payment.failed"])

    assert made["events"] == ["payment.completed", "payment.failed"]
    assert api("merchant_user", "GET", f"/webhook-endpoints/{made['id']}").json()["data"] == made
    listed = api("merchant_user", "GET", "/webhook-endpoints").json()
    assert listed["data"] == [made]
    assert listed["pagination"]["total_items"] == 1


@pytest.mark.parametrize("contract", ["portal", "signed", "checkout", "dashboard"])
def test_an_endpoint_of_every_contract(api, contract):
    assert make(api, contract=contract)["contract"] == contract


def test_changing_an_endpoint(api, refused):
    path = f"/webhook-endpoints/{make(api)['id']}"

    changed = api("merchant_user", "PATCH", path, {"enabled": False, "events": ["user.created"]}).json()["data"]
    assert (changed["enabled"], changed["events"], changed["url"]) == (False, ["user.created"], URL)
    assert api("merchant_user", "PATCH", path, {"url": URL + "/2"}).json()["data"]["url"] == URL + "/2"
    assert api("merchant_user", "PATCH", path, {}).json()["data"]["enabled"] is False
    assert refused(api("merchant_user", "PATCH", path, {"enabled": "yes"}), 400, "invalid_fields")["fields"] == ["enabled"]
    assert refused(api("merchant_user", "PATCH", path, {"url": ""}), 400, "invalid_fields")["fields"] == ["url"]


def test_what_a_body_must_not_set_is_ignored(api, cast):
    evil = {
        "id": "00000000-0000-0000-0000-000000000000", "secret": "whsec_evil", "secret_encrypted": "x", "mode": "live",
        "merchant_id": cast.other.public_id, "merchant": cast.other.pk, "created_by": 1, "deleted_at": "2000-01-01",
        "failing_since": "2000-01-01", "disabled_reason": "evil", "previous_secret_encrypted": "evil",
    }
    made = make(api, **evil)
    api("merchant_user", "PATCH", f"/webhook-endpoints/{made['id']}", evil | {"contract": "signed"})

    row = Endpoint.objects.get()
    assert (row.merchant, row.mode, row.contract, row.created_by) == (cast.merchant, "test", "portal", cast.merchant_user)
    assert (row.deleted_at, row.failing_since, row.disabled_reason, row.previous_secret_encrypted) == (None, None, "", "")
    assert "evil" not in made["secret"]


def test_a_deleted_endpoint_is_gone(api, refused):
    made = make(api)
    path = f"/webhook-endpoints/{made['id']}"

    assert api("merchant_user", "DELETE", path).json() == {"success": True, "data": {"id": made["id"], "deleted": True}}

    for method, more in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate-secret"), ("POST", "/test")]:
        refused(api("merchant_user", method, path + more), 404, "not_found")
    assert api("merchant_user", "GET", "/webhook-endpoints").json()["data"] == []


def test_a_rotated_secret_is_new_and_the_old_one_goes_on_signing(api):
    made = make(api)

    rotated = api("merchant_user", "POST", f"/webhook-endpoints/{made['id']}/rotate-secret").json()["data"]

    assert rotated["secret"] != made["secret"]
    assert rotated["id"] == made["id"]
    row = Endpoint.objects.get()
    assert row.previous_secret_encrypted
    assert row.previous_secret_until


def test_a_test_delivery_tells_the_truth(api, refused, monkeypatch):
    """Nothing listens on this port: the answer says so, and is a 200 because the test itself was carried out."""
    made = make(api, url="http://127.0.0.1:9299/none")

    response = api("merchant_user", "POST", f"/webhook-endpoints/{made['id']}/test")

    told = response.json()["data"]
    assert response.status_code == 200
    assert list(told) == ["delivered", "event", "response_status", "response_time_ms", "error", "sent_at"]
    assert (told["delivered"], told["event"], told["response_status"]) == (False, "payment.completed", None)
    assert told["error"]
    assert told["response_time_ms"] >= 0
    assert Attempt.objects.count() == 1


@pytest.mark.parametrize(("field", "value"), [
    ("url", "ftp://a.example"), ("url", "nowhere"), ("url", ""), ("url", 5), ("url", None), ("url", "http://10.0.0.1/x"),
    ("url", "http://169.254.169.254/latest"), ("url", "https://u:p@a.example/"), ("contract", "stripe"), ("contract", 1),
    ("events", "payment.completed"), ("events", [5]), ("events", ["nope"]), ("events", [""]), ("events", {}),
    ("events", ["payment.completed"] * 51), ("enabled", "true"), ("enabled", 1),
])
def test_a_bad_field_is_named(api, refused, field, value):
    error = refused(
        api("merchant_user", "POST", "/webhook-endpoints", {"url": URL} | {field: value}), 400, "invalid_fields"
    )

    assert error["fields"] == [field]
    assert Endpoint.objects.count() == 0


def test_only_merchants_have_endpoints(api, refused):
    made = make(api)

    for who in ("super_admin", "admin", "api_user"):
        for method, path in [
            ("GET", ""), ("POST", ""), ("GET", f"/{made['id']}"), ("PATCH", f"/{made['id']}"), ("DELETE", f"/{made['id']}"),
            ("POST", f"/{made['id']}/rotate-secret"), ("POST", f"/{made['id']}/test"),
        ]:
            refused(api(who, method, f"/webhook-endpoints{path}", {"url": URL}), 403, "insufficient_permissions")


@pytest.mark.parametrize("unknown", ["00000000-0000-0000-0000-000000000000", "1", "x" * 500, "%F0%9F%99%82"])
def test_an_unknown_id_is_a_404(api, refused, unknown):
    refused(api("merchant_user", "GET", f"/webhook-endpoints/{unknown}"), 404, "not_found")


def test_another_merchants_and_the_other_modes_endpoints_do_not_exist(api, refused):
    made = make(api)

    refused(api("other_user", "GET", f"/webhook-endpoints/{made['id']}"), 404, "not_found")
    refused(api("merchant_user", "DELETE", f"/webhook-endpoints/{made['id']}", mode="live"), 404, "not_found")
    assert api("merchant_user", "GET", "/webhook-endpoints", mode="live").json()["data"] == []
    assert Endpoint.objects.get().deleted_at is None


def test_filters(api, refused):
    make(api, contract="signed")
    make(api, enabled=False)

    def count(query):
        return len(api("merchant_user", "GET", f"/webhook-endpoints{query}").json()["data"])

    assert (count("?contract=signed"), count("?enabled=false"), count("?enabled=true"), count("")) == (1, 1, 1, 2)
    error = refused(api("merchant_user", "GET", "/webhook-endpoints?enabled=maybe"), 400, "invalid_fields")
    assert error["details"]["enabled"] == "must be one of true, false"
