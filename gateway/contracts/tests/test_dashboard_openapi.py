"""The dashboard's OpenAPI document: its keys; its examples are executed."""

import pytest

from crypto import testing
from gateway.contracts.dashboard.testing import Dashboard
from gateway.contracts.document_testing import examples, operations
from ledger.testing import fund

EXAMPLES = [pytest.param(path, method, body, id=name) for path, method, name, body in examples("dashboard")]


def test_every_call_names_its_key():
    for _, _, described in operations("dashboard"):
        link = described["operationId"] == "download_export"
        assert described["security"] == ([{"Link": []}] if link else [{"X-API-Key": []}, {"Bearer": []}])
        assert "405" in described["responses"]


def test_every_body_has_an_example():
    with_body = {described["operationId"] for _, _, described in operations("dashboard") if "requestBody" in described}

    assert {parameter.id.split()[0] for parameter in EXAMPLES} == with_body
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("path", "method", "body"), EXAMPLES)
def test_the_examples_work(cast, path, method, body):
    testing.add_addresses("BSC")
    fund(cast.merchant, 10**10, "USDT", "test", "BSC")

    answer = Dashboard(cast.merchant)(method.upper(), path.removeprefix("/api/v1"), body)

    no_account = body.get("method") == "fiat"  # this merchant has set no settlement account
    assert answer.status_code == (403 if no_account else 200 if method == "put" else 201), answer.content
