"""The checkout contract's OpenAPI document: its keys; its examples are executed."""

import pytest

from accounts.models import Merchant
from gateway.contracts.checkout.testing import Checkout, call, good
from gateway.contracts.document_testing import examples, operations

EXAMPLES = [pytest.param(path, body, id=name) for path, _, name, body in examples("checkout")]


def test_every_call_names_its_key():
    for _, _, described in operations("checkout"):
        name = described["operationId"]
        secured = described.get("security")
        if "public" in name:
            assert secured == [{}, {"PublishableKey": []}]
        elif name != "get_health":
            assert secured == [{"X-Api-Key": [], "X-Api-Secret": []}, {"Basic": []}]
        assert "405" in described["responses"]


def test_every_body_has_an_example():
    with_body = {described["operationId"] for _, _, described in operations("checkout") if "requestBody" in described}
    shown = {parameter.id.split()[0] for parameter in EXAMPLES}

    assert shown == with_body
    assert len(EXAMPLES) == 10


@pytest.mark.parametrize(("path", "body"), EXAMPLES)
def test_the_examples_work(cast, fund, settings, path, body):
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
        response = call("POST", address, sent, headers={"Idempotency-Key": "example"})
    else:
        response = checkout("POST", address, sent)

    assert response.status_code in (200, 201), response.content
