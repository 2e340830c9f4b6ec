"""The signed contract's OpenAPI document: its keys; its examples are executed."""

import random

import pytest

from gateway.contracts.document_testing import examples, operations
from gateway.contracts.signed.testing import LINK, Signed, good
from ledger.testing import assert_ledger_balances

SEED = 20261121
VALUES = [
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "x", "x" * 5000, "\u0000", "\ud800", "\u202e", "💳", "' OR 1=1 --", "<script>",
    [], [[]], {}, {"a": {"b": {}}}, "NaN", "１２３", "../../etc", "%00", "null", "UPI", "IMPS", "99999999999", "SBIN0060589", 100,
]


EXAMPLES = [pytest.param(path, body, id=name) for path, _, name, body in examples("signed")]


def test_every_call_names_its_three_headers_and_its_refusals():
    for _, _, described in operations("signed"):
        assert described["security"] == [{"Access-Key": [], "Timestamp": [], "Signature": []}]
        assert {"200", "413"} <= set(described["responses"])


def test_only_the_status_call_takes_forms():
    kinds = {described["operationId"]: sorted(described["requestBody"]["content"]) for _, _, described in operations("signed") if "requestBody" in described}

    json = "application/json"
    assert kinds == {
        "create_payin_link": [json], "create_payout": [json],
        "get_payin": [json, "application/x-www-form-urlencoded", "multipart/form-data"],
    }


def test_every_body_has_an_example():
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(("path", "body"), EXAMPLES)
def test_the_examples_work(cast, fund, path, body):
    fund(cast.merchant, 1_000_00)
    signed = Signed(cast.merchant)
    if path.endswith("transactions"):
        good(signed("POST", "/payin/generate/link", LINK | body))

    good(signed("POST", path.removeprefix("/api/v1"), body))


def test_no_body_no_address_and_no_header_makes_a_500(cast, fund, settings):
    """Every answer is held against the document, too."""
    settings.SIGNED_RATE_LIMIT = 100_000
    fund(cast.merchant, 1_000_00)
    signed, chance, seen = Signed(cast.merchant), random.Random(SEED), set()
    starts = {path: dict(value) for path, value in (parameter.values for parameter in EXAMPLES)}
    for _ in range(400):
        path, method, _ = chance.choice(list(operations("signed")))
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
