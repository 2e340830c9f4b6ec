"""The checkout contract's OpenAPI document: frozen, complete, true; its examples are executed."""

from pathlib import Path

import jsonschema
import pytest
from django.test import Client
from django.urls import get_resolver

from accounts.models import Merchant
from gateway.contracts import schema
from gateway.contracts.checkout.testing import Checkout, call, good

FROZEN = Path(__file__).resolve().parents[3] / "docs" / "openapi" / "checkout.yaml"
METHODS = ("get", "post", "put", "patch", "delete")


def operations():
    for path, calls in schema.document("checkout")["paths"].items():
        for method in METHODS:
            if method in calls:
                yield path, method, calls[method]


EXAMPLES = [
    pytest.param(path, method, name, example["value"], id=f"{described['operationId']} {name}")
    for path, method, described in operations()
    for name, example in described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {}).items()
]


def test_the_frozen_document_is_the_generated_one():
    """A change of the contract is a change of this file, made on purpose: `manage.py freeze_openapi`."""
    assert FROZEN.read_bytes() == schema.as_yaml("checkout")


def test_it_is_a_valid_openapi_document():
    from drf_spectacular.validation import validate_schema

    validate_schema(schema.document("checkout"))


def test_every_address_and_method_is_in_it():
    routed = {
        (len(pattern.pattern._route.split("/")), pattern.pattern._route.split("<")[0].strip("/"), method)
        for pattern in get_resolver("gateway.contracts.checkout.urls").url_patterns
        for method in METHODS if hasattr(pattern.callback.cls, method)
    }
    documented = {
        (len(path.removeprefix("/api/v1/").split("/")), path.removeprefix("/api/v1/").split("{")[0].strip("/"), method)
        for path, method, _ in operations()
    }

    assert documented == routed
    assert len(list(operations())) == 26


def test_every_call_names_its_key_its_refusals_and_itself():
    ids = [described["operationId"] for _, _, described in operations()]
    assert len(ids) == len(set(ids))
    for _, _, described in operations():
        name = described["operationId"]
        secured = described.get("security")
        if "public" in name:
            assert secured == [{}, {"PublishableKey": []}]
        elif name != "get_health":
            assert secured == [{"X-Api-Key": [], "X-Api-Secret": []}, {"Basic": []}]
        assert {"400", "401", "403", "405", "429", "500", "503"} <= set(described["responses"])
        assert described["summary"]
        assert described["description"]


def test_calls_that_create_or_move_money_take_an_idempotency_key():
    keyed = {
        described["operationId"] for _, _, described in operations()
        if any(parameter["name"] == "Idempotency-Key" for parameter in described.get("parameters", []))
    }

    assert keyed == {
        "create_order", "create_public_order", "create_payment", "create_public_payment", "capture_payment",
        "create_refund", "refund_payment", "enqueue_test_job",
    }


def test_every_body_has_an_example():
    with_body = {described["operationId"] for _, _, described in operations() if "requestBody" in described}
    shown = {parameter.id.split()[0] for parameter in EXAMPLES}

    assert shown == with_body
    assert len(EXAMPLES) == 10


@pytest.mark.parametrize(("path", "method", "name", "body"), EXAMPLES)
def test_the_examples_work(cast, fund, settings, path, method, name, body):
    """Ids in them stand for records of the kind that the call is about; everything else is sent as it is printed."""
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0
    fund(cast.merchant, 100_000)
    Merchant.objects.update(public_checkout=True)
    settings.PUBLIC_CHECKOUT_MERCHANT = cast.merchant.public_id
    checkout = Checkout(cast.merchant)
    named = {
        "order_qcu6hxPZ6BH3Rpil": lambda: checkout.order()["id"],
        "order_22hJz371jXdn3yaw": lambda: good(call("POST", "/orders/public", {"amount": 50000}))["id"],
        "pay_8ZcxseV6Ggfe9rze": lambda: checkout.captured()["id"],
    }
    sent = {field: named[value]() if isinstance(value, str) and value in named else value for field, value in body.items()}
    if "{payment_id}" in path:
        payment = checkout.paid() if path.endswith("capture") else checkout.captured()
        path = path.format(payment_id=payment["id"])
    address = path.removeprefix("/api/v1")

    if "public" in path:
        response = call(method.upper(), address, sent, headers={"Idempotency-Key": "example"})
    else:
        response = checkout(method.upper(), address, sent)

    assert response.status_code in (200, 201), response.content


@pytest.mark.parametrize(("path", "method", "name", "body"), EXAMPLES)
def test_the_examples_are_what_the_document_describes(path, method, name, body):
    from gateway.contracts.checkout.testing import _document

    described = _document()["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({"components": _document()["components"], **described}).validate(body)


def test_the_document_and_its_page_are_served():
    assert Client().get("/api/schema/checkout/").content == FROZEN.read_bytes()
    page = Client().get("/api/docs/checkout/")
    assert page.status_code == 200
    assert "<title>Checkout API</title>" in page.content.decode()
