"""The signed contract's OpenAPI document: frozen, complete, true; its examples are executed."""

import random
from pathlib import Path

import jsonschema
import pytest
from django.test import Client
from django.urls import get_resolver

from gateway.contracts import schema
from gateway.contracts.signed.testing import LINK, Signed, _document, good
from ledger.testing import assert_ledger_balances

FROZEN = Path(__file__).resolve().parents[3] / "docs" / "openapi" / "signed.yaml"
METHODS = ("get", "post", "put", "patch", "delete")
SEED = 20261121
VALUES = [
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "x", "x" * 5000, "\u0000", "\ud800", "\u202e", "💳", "' OR 1=1 --", "<script>",
    [], [[]], {}, {"a": {"b": {}}}, "NaN", "１２３", "../../etc", "%00", "null", "UPI", "IMPS", "99999999999", "SBIN0060589", 100,
]


def operations():
    for path, calls in schema.document("signed")["paths"].items():
        for method in METHODS:
            if method in calls:
                yield path, method, calls[method]


EXAMPLES = [
    pytest.param(path, example["value"], id=described["operationId"])
    for path, _, described in operations()
    for example in described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {}).values()
]


def test_the_frozen_document_is_the_generated_one():
    """A change of the contract is a change of this file, made on purpose: `manage.py freeze_openapi`."""
    assert FROZEN.read_bytes() == schema.as_yaml("signed")


def test_it_is_a_valid_openapi_document():
    from drf_spectacular.validation import validate_schema

    validate_schema(schema.document("signed"))


def test_every_address_and_method_is_in_it():
    routed = {
        ("/".join("{}" if part.startswith("<") else part for part in pattern.pattern._route.split("/")), method)
        for pattern in get_resolver("gateway.contracts.signed.urls").url_patterns
        for method in METHODS if hasattr(pattern.callback.cls, method)
    }
    documented = {
        ("/".join("{}" if part.startswith("{") else part for part in path.removeprefix("/api/v1/").split("/")), method)
        for path, method, _ in operations()
    }

    assert documented == routed
    assert len(documented) == 5


def test_every_call_names_its_three_headers_and_its_refusals():
    for _, _, described in operations():
        assert described["security"] == [{"Access-Key": [], "Timestamp": [], "Signature": []}]
        assert {"200", "400", "401", "403", "413", "429", "500", "503"} <= set(described["responses"])
        keyed = any(parameter["name"] == "Idempotency-Key" for parameter in described.get("parameters", []))
        assert keyed == (described["operationId"] in ("create_payin_link", "create_payout"))


def test_only_the_status_call_takes_forms():
    kinds = {described["operationId"]: sorted(described["requestBody"]["content"]) for _, _, described in operations() if "requestBody" in described}

    json = "application/json"
    assert kinds == {
        "create_payin_link": [json], "create_payout": [json],
        "get_payin": [json, "application/x-www-form-urlencoded", "multipart/form-data"],
    }


def test_every_body_has_an_example():
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(("path", "body"), EXAMPLES)
def test_the_examples_work_and_are_what_the_document_describes(cast, fund, path, body):
    fund(cast.merchant, 1_000_00)
    signed = Signed(cast.merchant)
    if path.endswith("transactions"):
        good(signed("POST", "/payin/generate/link", LINK | body))

    good(signed("POST", path.removeprefix("/api/v1"), body))

    described = _document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({"components": _document()["components"], **described}).validate(body)


def test_the_document_and_its_page_are_served():
    assert Client().get("/api/schema/signed/").content == FROZEN.read_bytes()
    page = Client().get("/api/docs/signed/")
    assert page.status_code == 200
    assert "<title>Signed API</title>" in page.content.decode()


def test_no_body_no_address_and_no_header_makes_a_500(cast, fund, settings):
    """Every answer is held against the document, too."""
    settings.SIGNED_RATE_LIMIT = 100_000
    fund(cast.merchant, 1_000_00)
    signed, chance, seen = Signed(cast.merchant), random.Random(SEED), set()
    starts = {path: dict(value) for path, value in (parameter.values for parameter in EXAMPLES)}
    for _ in range(400):
        path, method, _ = chance.choice(list(operations()))
        body = dict(starts.get(path, {}))
        for name in chance.sample(sorted(body) or [""], chance.randint(0, min(3, len(body)))):
            body[name] = chance.choice(VALUES)
        address = path.removeprefix("/api/v1").format(order_id=chance.choice(["X", "a b", "é", "%2e", "a%0Ab", "..", "'"]))
        headers = chance.choice([{}, {"Idempotency-Key": "é"}, {"Idempotency-Key": "k"}, {"Idempotency-Key": "x" * 300}])
        response = signed(method.upper(), address, body if method == "post" else None, headers=headers)
        assert response.status_code < 500, (SEED, method, address, body, response.content)
        assert response.json()["error"] or response.status_code == 200
        seen.add(response.status_code)

    assert {200, 404, 409, 422} <= seen
    assert_ledger_balances()
