"""The portal's OpenAPI document: frozen in docs/openapi, complete, true, and readable in a browser under our CSP."""

from pathlib import Path

import pytest
import yaml
from django.test import Client

from gateway.contracts import schema

FROZEN = Path(__file__).resolve().parents[3] / "docs" / "openapi" / "portal.yaml"
METHODS = ("get", "post", "put", "patch", "delete")


def operations():
    for path, calls in schema.document("portal")["paths"].items():
        for method in METHODS:
            if method in calls:
                yield path, method, calls[method]


def test_the_frozen_document_is_the_generated_one():
    """A change of the contract is a change of this file, made on purpose: `manage.py freeze_openapi`."""
    assert FROZEN.read_bytes() == schema.as_yaml("portal")


def test_it_is_a_valid_openapi_document():
    from drf_spectacular.validation import validate_schema

    validate_schema(schema.document("portal"))


def test_every_address_and_method_is_in_it():
    from django.urls import get_resolver

    routed = {
        (len(pattern.pattern._route.split("/")), method)
        for pattern in get_resolver("gateway.contracts.portal.urls").url_patterns
        for method in METHODS if hasattr(pattern.callback.cls, method)
    }
    documented = {(len(path.removeprefix("/api/v1/").split("/")), method) for path, method, _ in operations()}
    count = sum(
        hasattr(pattern.callback.cls, method)
        for pattern in get_resolver("gateway.contracts.portal.urls").url_patterns for method in METHODS
    )

    assert routed == documented
    assert len(list(operations())) == count == 24


def test_every_call_names_its_key_its_refusals_and_itself():
    ids = [call["operationId"] for _, _, call in operations()]
    assert len(ids) == len(set(ids))
    for _, _, call in operations():
        assert call["security"] == [{"X-API-KEY": []}]
        assert {"400", "401", "403", "405", "429", "500", "503"} < set(call["responses"])
        assert call["summary"]
        assert call["description"]
        for status, answer in call["responses"].items():
            shape = answer["content"]["application/json"]["schema"]
            assert (shape == {"$ref": "#/components/schemas/Refused"}) == (int(status) >= 400)
    assert schema.document("portal")["components"]["securitySchemes"] == {
        "X-API-KEY": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}
    }


def test_every_body_is_described_and_said_to_be_due():
    bodies = {call["operationId"]: call["requestBody"] for _, _, call in operations() if "requestBody" in call}

    assert {name: body["required"] for name, body in bodies.items()} == {
        "create_payment": True, "create_payout": True, "reject_payout": True, "create_user": True, "update_user": False,
        "create_webhook_endpoint": True, "update_webhook_endpoint": False,
    }
    assert all(list(body["content"]) == ["application/json"] for body in bodies.values())


def test_calls_that_move_money_take_an_idempotency_key():
    keyed = {
        call["operationId"] for _, _, call in operations()
        if any(parameter["name"] == "Idempotency-Key" for parameter in call.get("parameters", []))
    }

    assert keyed == {"create_payment", "create_payout", "approve_payout", "reject_payout"}


def test_the_document_is_served_as_yaml_and_as_json():
    served = Client().get("/api/schema/portal/")
    as_json = [
        Client().get("/api/schema/portal/?format=json"),
        Client().get("/api/schema/portal/", headers={"Accept": "application/json"}),
    ]

    assert served.content == FROZEN.read_bytes()
    assert all(answer.json() == yaml.safe_load(served.content) for answer in as_json)
    assert Client().get("/api/schema/nowhere/").status_code == 404
    assert Client().post("/api/schema/portal/").status_code == 405


def test_the_readers_page_holds_nothing_inline():
    page = Client().get("/api/docs/portal/")

    text = page.content.decode()
    assert page.status_code == 200
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "<style" not in text
    assert text.count("<script") == text.count('<script src="')
    assert "https://" not in text


@pytest.mark.parametrize("name", ["Payment", "Payout", "Balance", "Profile", "User", "WebhookEndpoint", "Refused"])
def test_answers_are_closed_shapes(name):
    schemas = schema.document("portal")["components"]["schemas"]
    found = schemas.get(name) or schemas["Endpoint"]

    assert found["additionalProperties"] is False
    assert found["required"]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_readers_page_works_in_a_browser_without_a_word_on_its_console(browse):
    page = browse()
    page.goto("/api/docs/portal/")
    page.wait_for_selector(".opblock")

    assert page.locator(".opblock").count() == 24
    assert page.title() == "Portal API"
