"""What holds of every contract's OpenAPI document: frozen in docs/openapi, valid, complete, true, readable."""

import pytest
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.validation import validate_schema

from gateway.contracts import schema
from gateway.contracts.document_testing import METHODS, check_body, examples, frozen, operations, takes_idempotency_key

CALLS = {"portal": 24, "signed": 5, "checkout": 26, "dashboard": 22}
KEYED = {
    "portal": {"create_payment", "create_payout", "approve_payout", "reject_payout"},
    "signed": {"create_payin_link", "create_payout"},
    "checkout": {
        "create_order", "create_public_order", "create_payment", "create_public_payment", "capture_payment",
        "create_refund", "refund_payment", "enqueue_test_job",
    },
    "dashboard": {"create_session", "create_withdrawal"},
}
EXAMPLES = [
    pytest.param(contract, path, method, body, id=f"{contract} {name}")
    for contract in CALLS for path, method, name, body in examples(contract)
]
each = pytest.mark.parametrize("contract", CALLS)


def shape(path):
    return "/".join("{}" if part[:1] in "<{" and part else part for part in path.split("/"))


@each
def test_the_frozen_document_is_the_generated_one(contract):
    """A change of the contract is a change of this file, made on purpose: `manage.py freeze_openapi`."""
    assert frozen(contract) == schema.as_yaml(contract)


@each
def test_it_is_a_valid_openapi_document(contract):
    validate_schema(schema.document(contract))


@each
def test_every_address_and_method_is_in_it(contract):
    routed = [
        (shape(pattern.pattern._route), method)
        for pattern in get_resolver(f"gateway.contracts.{contract}.urls").url_patterns
        for method in METHODS if hasattr(pattern.callback.cls, method)
    ]
    documented = [(shape(path.removeprefix("/api/v1/")), method) for path, method, _ in operations(contract)]

    assert sorted(documented) == sorted(set(routed))
    assert len(documented) == CALLS[contract]


@each
def test_every_call_names_its_refusals_and_itself(contract):
    described = [operation for _, _, operation in operations(contract)]

    assert len({operation["operationId"] for operation in described}) == len(described)
    for operation in described:
        assert {"400", "401", "403", "429", "500", "503"} <= set(operation["responses"])
        assert operation["summary"]
        assert operation["description"]


@each
def test_calls_that_create_or_move_money_take_an_idempotency_key(contract):
    keyed = {operation["operationId"] for _, _, operation in operations(contract) if takes_idempotency_key(operation)}

    assert keyed == KEYED[contract]


@pytest.mark.parametrize(("contract", "path", "method", "body"), EXAMPLES)
def test_the_examples_are_what_the_document_describes(contract, path, method, body):
    check_body(contract, path, method, body)


@each
def test_the_document_and_its_page_are_served(contract):
    assert Client().get(f"/api/schema/{contract}/").content == frozen(contract)
    page = Client().get(f"/api/docs/{contract}/")
    assert page.status_code == 200
    assert f"<title>{contract.title()} API</title>" in page.content.decode()
