"""The dashboard's OpenAPI document: frozen, complete, true; its examples are executed."""

from pathlib import Path

import jsonschema
import pytest
from django.test import Client
from django.urls import get_resolver

from crypto import testing
from gateway.contracts import schema
from gateway.contracts.dashboard.testing import Dashboard, _document
from ledger.testing import fund

FROZEN = Path(__file__).resolve().parents[3] / "docs" / "openapi" / "dashboard.yaml"
METHODS = ("get", "post", "put", "patch", "delete")


def operations():
    for path, calls in schema.document("dashboard")["paths"].items():
        for method in METHODS:
            if method in calls:
                yield path, method, calls[method]


EXAMPLES = [
    pytest.param(path, method, example["value"], id=f"{described['operationId']} {name}")
    for path, method, described in operations()
    for name, example in described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {}).items()
]


def test_the_frozen_document_is_the_generated_one():
    """A change of the contract is a change of this file, made on purpose: `manage.py freeze_openapi`."""
    assert FROZEN.read_bytes() == schema.as_yaml("dashboard")


def test_it_is_a_valid_openapi_document():
    from drf_spectacular.validation import validate_schema

    validate_schema(schema.document("dashboard"))


def test_every_address_and_method_is_in_it():
    routed = {
        (len(pattern.pattern._route.split("/")), pattern.pattern._route.split("<")[0].strip("/"), method)
        for pattern in get_resolver("gateway.contracts.dashboard.urls").url_patterns
        for method in METHODS if hasattr(pattern.callback.cls, method)
    }
    documented = {
        (len(path.removeprefix("/api/v1/").split("/")), path.removeprefix("/api/v1/").split("{")[0].strip("/"), method)
        for path, method, _ in operations()
    }

    assert documented == routed
    assert len(list(operations())) == 22


def test_every_call_names_its_key_its_refusals_and_itself():
    ids = [described["operationId"] for _, _, described in operations()]
    assert len(ids) == len(set(ids))
    for _, _, described in operations():
        link = described["operationId"] == "download_export"
        assert described["security"] == ([{"Link": []}] if link else [{"X-API-Key": []}, {"Bearer": []}])
        assert {"400", "401", "403", "405", "429", "500", "503"} <= set(described["responses"])
        assert described["summary"]
        assert described["description"]


def test_calls_that_create_or_move_money_take_an_idempotency_key():
    keyed = {
        described["operationId"] for _, _, described in operations()
        if any(parameter["name"] == "Idempotency-Key" for parameter in described.get("parameters", []))
    }

    assert keyed == {"create_session", "create_withdrawal"}


def test_every_body_has_an_example():
    with_body = {described["operationId"] for _, _, described in operations() if "requestBody" in described}

    assert {parameter.id.split()[0] for parameter in EXAMPLES} == with_body
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("path", "method", "body"), EXAMPLES)
def test_the_examples_are_what_the_document_describes_and_work(cast, path, method, body):
    described = _document()["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({"components": _document()["components"], **described}).validate(body)
    testing.add_addresses("BSC")
    fund(cast.merchant, 10**10, "USDT", "test", "BSC")

    answer = Dashboard(cast.merchant)(method.upper(), path.removeprefix("/api/v1"), body)

    no_account = body.get("method") == "fiat"  # this merchant has set no settlement account
    assert answer.status_code == (403 if no_account else 200 if method == "put" else 201), answer.content


def test_the_document_and_its_page_are_served():
    assert Client().get("/api/schema/dashboard/").content == FROZEN.read_bytes()
    page = Client().get("/api/docs/dashboard/")
    assert page.status_code == 200
    assert "<title>Dashboard API</title>" in page.content.decode()
