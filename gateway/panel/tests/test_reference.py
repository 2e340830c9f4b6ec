"""The API reference says what the API does: its calls, parameters, examples and fields are held against the API."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
import yaml
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.panel import reference_text
from gateway.panel.reference_data import CALLS
from gateway.panel.reference_examples import EVENTS, SAMPLE_ERROR, SAMPLE_EVENT
from payments.models import Payment
from payments.services import create_payment
from webhooks import rendering
from webhooks.models import Event
from webhooks.queries import event_names

# The original page's calls, in its order.
ORIGINAL = [
    "GET /balance", "POST /payments", "GET /payments", "GET /payments/:id", "GET /payouts", "POST /payouts",
    "GET /profile",
]


def _named(call):
    return f"{call.method} {call.path}"


@pytest.fixture(scope="module")
def schema():
    return yaml.safe_load(Client().get("/api/schema/portal/").content)


def _in_schema(call):
    """The documented path as OpenAPI writes it."""
    owner = call.path.split("/")[1]
    names = {"payments": "transaction_id", "webhook-endpoints": "endpoint_id"}
    return "/api/v1" + call.path.replace(":id", f"{{{names.get(owner, 'id')}}}").replace(
        ":payout_id", "{payout_id}"
    ).replace(":user_id", "{user_id}")


def test_the_original_s_seven_calls_come_first_in_its_order():
    assert [_named(call) for call in CALLS][:7] == ORIGINAL


def test_every_call_of_the_api_is_described_and_no_other(schema):
    described = {(_in_schema(call), call.method.lower()) for call in CALLS}
    real = {(path, method) for path, methods in schema["paths"].items() for method in methods if method != "parameters"}

    assert described == real


def _documented(call, place):
    return {one.name for one in call.parameters if one.place == place}


@pytest.mark.parametrize("call", CALLS, ids=_named)
def test_query_parameters_are_those_of_the_api(schema, call):
    operation = schema["paths"][_in_schema(call)][call.method.lower()]
    real = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}

    assert _documented(call, "query") == real - ({"merchant_id"} if call.path == "/profile" else set())


@pytest.mark.parametrize("call", [call for call in CALLS if _documented(call, "body")], ids=_named)
def test_body_parameters_are_those_of_the_api(schema, call):
    """As far as the OpenAPI document names bodies."""
    operation = schema["paths"][_in_schema(call)][call.method.lower()]
    if "requestBody" not in operation:
        pytest.skip("the OpenAPI document does not describe this body")
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in body:
        body = schema["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]

    assert _documented(call, "body") == set(body["properties"])


def _shape(value):
    """Names of fields, at every depth; `notes` is the merchant's own."""
    if isinstance(value, dict):
        return {name: _shape(inner) if name != "notes" else ... for name, inner in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_shape(value[0])]
    return ...


@pytest.fixture
def api(cast):
    def call(who, method, path, body=None):
        key = cast.keys[getattr(cast, who).public_id, "test"]
        data = "" if body is None else json.dumps(body)
        return Client().generic(
            method, f"/api/v1{path}", data, content_type="application/json", headers={"X-API-KEY": key}
        )

    return call


@pytest.fixture
def records(api, cast, fund):
    """One of each, made with the page's own examples; and what stands for `:id` in each address."""
    fund(cast.merchant, 10_000_00)
    examples = {_named(call): call.body for call in CALLS}
    made = {}
    for path, word in (("/payments", "transaction_id"), ("/payouts", "payout_id"), ("/users", "user_id"),
                       ("/webhook-endpoints", "id")):
        body = dict(examples[f"POST {path}"])
        if path == "/webhook-endpoints":
            body["url"] = "http://127.0.0.1:1999/webhooks"
        answer = api("merchant_user", "POST", path, body)
        assert answer.status_code == 201, answer.content
        made[path] = answer.json()["data"][word]
    return made


def _address(call, records):
    owner = "/" + call.path.split("/")[1]
    path = call.path
    for name in (":id", ":payout_id", ":user_id"):
        path = path.replace(name, records.get(owner, ""))
    return path


@pytest.mark.parametrize("call", CALLS, ids=_named)
def test_examples_are_true(api, records, call):
    who = "admin" if call.path.endswith(("/approve", "/reject")) else "merchant_user"
    body = call.body
    if call.method == "POST" and call.path in ("/payments", "/payouts"):
        body = body | {"order_id": "ANOTHER-ONE"}
    if _named(call) == "POST /users":
        body = body | {"email": "another@shop.example"}
    if _named(call) == "POST /webhook-endpoints":
        body = {"url": "http://127.0.0.1:1999/other"}
    if call.path.endswith("/activate"):
        api("merchant_user", "POST", f"/users/{records['/users']}/suspend")

    answer = api(who, call.method, _address(call, records), body)

    assert answer.status_code == call.status, answer.content
    said = answer.json()
    assert said["success"] is True
    assert _shape(said["data"]) == _shape(call.answer)
    assert ("pagination" in said) == call.is_list
    if call.query:
        assert api(who, "GET", f"{call.path}?{call.query}").status_code == 200


_WITH_REQUIRED = [call for call in CALLS if any(one.required and one.place == "body" for one in call.parameters)]


@pytest.mark.parametrize("call", _WITH_REQUIRED, ids=_named)
def test_an_empty_body_is_told_the_required_parameters(api, records, call):
    who = "admin" if call.path.endswith("/reject") else "merchant_user"

    answer = api(who, call.method, _address(call, records), {})

    required = {one.name for one in call.parameters if one.required and one.place == "body"}
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "missing_fields"
    assert set(answer.json()["error"]["fields"]) == required


@pytest.mark.parametrize("call", CALLS, ids=_named)
def test_every_call_prints_a_curl_line_that_can_be_pasted(call):
    line = call.curl("https://pay.example.com/api/v1")

    assert line.startswith(f'curl -X {call.method} "https://pay.example.com/api/v1/')
    assert ":" not in line.split('"')[1].removeprefix("https:")
    assert "X-API-KEY: YOUR_API_KEY" in line


def test_the_sample_event_has_the_fields_of_a_real_one(cast):
    payment = create_payment(
        actor=Actor.system("tests"), merchant=cast.merchant, mode="test", contract="portal",
        amount=Money(5000_00, "INR"), reference="TXN-1",
    )
    event = Event(type="payment.succeeded", merchant=cast.merchant, mode="test", subject=payment.public_id)
    name, body = rendering.render("portal", event, Payment.objects.get(pk=payment.pk))

    assert name == "payment.completed"
    assert set(json.loads(body)) == set(SAMPLE_EVENT)


def test_the_events_are_those_that_are_sent():
    assert list(EVENTS) == event_names("portal")


def test_the_error_example_is_what_a_bad_key_gets(db):
    answer = Client().get("/api/v1/balance", headers={"X-API-KEY": "gw_test_nothing"})

    said = answer.json()
    assert answer.status_code == 401
    assert said | {"error": said["error"] | {"timestamp": ""}} == SAMPLE_ERROR | {
        "error": SAMPLE_ERROR["error"] | {"timestamp": ""}
    }


def test_the_python_code_verifies_a_real_signature():
    code = {}
    exec(reference_text.VERIFY_PYTHON, code)
    body = json.dumps(SAMPLE_EVENT).encode()
    signature = hmac.new(b"whsec_abc", body, hashlib.sha256).hexdigest()

    assert code["is_genuine"](body, signature, "whsec_abc") is True
    assert code["is_genuine"](body + b" ", signature, "whsec_abc") is False


@pytest.mark.parametrize("who", ["super_admin", "admin", "merchant_user", "api_user"])
def test_the_page_shows_every_section_to_every_role(cast, signed_in, who):
    page = signed_in(getattr(cast, who)).get(reverse("panel:reference")).content.decode()

    for text in (*reference_text.NOTES, *EVENTS, "/api/docs/portal/", f"{settings.PUBLIC_URL}/api/v1", "v1.0"):
        assert text.replace("'", "&#x27;") in page
    for tier in reference_text.TIERS:
        assert f"{settings.PORTAL_RATE_LIMITS[tier.role]:,} req/hr" in page
    for call in CALLS:
        assert f'id="{call.anchor}"' in page
    for _, code, _ in reference_text.ERRORS:
        assert f"<code>{code}</code>" in page
    key = getattr(cast, who).portal_keys.get(mode="test")
    assert key.hint in page
    assert cast.keys[getattr(cast, who).public_id, "test"] not in page


def test_anchors_are_unique():
    anchors = [call.anchor for call in CALLS]

    assert len(set(anchors)) == len(anchors)
