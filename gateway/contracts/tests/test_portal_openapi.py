"""The portal's OpenAPI document: its envelope, and its page in a browser under our CSP."""

import pytest
import yaml
from django.test import Client

from gateway.contracts import schema
from gateway.contracts.document_testing import frozen, operations


def test_every_call_names_its_key_and_answers_in_the_envelope():
    for _, _, call in operations("portal"):
        assert call["security"] == [{"X-API-KEY": []}]
        assert "405" in call["responses"]
        for status, answer in call["responses"].items():
            shape = answer["content"]["application/json"]["schema"]
            assert (shape == {"$ref": "#/components/schemas/Refused"}) == (int(status) >= 400)
    assert schema.document("portal")["components"]["securitySchemes"] == {
        "X-API-KEY": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}
    }


def test_every_body_is_described_and_said_to_be_due():
    bodies = {call["operationId"]: call["requestBody"] for _, _, call in operations("portal") if "requestBody" in call}

    assert {name: body["required"] for name, body in bodies.items()} == {
        "create_payment": True, "create_payout": True, "reject_payout": True, "create_user": True, "update_user": False,
        "create_webhook_endpoint": True, "update_webhook_endpoint": False,
    }
    assert all(list(body["content"]) == ["application/json"] for body in bodies.values())


def test_the_document_is_served_as_yaml_and_as_json():
    served = Client().get("/api/schema/portal/")
    as_json = [
        Client().get("/api/schema/portal/?format=json"),
        Client().get("/api/schema/portal/", headers={"Accept": "application/json"}),
    ]

    assert served.content == frozen("portal")
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
