"""Money as input, on every amount field of this contract: JSON integers of paise, or a refusal that names the field.

And the cost of a list: the same few queries however long it is.
"""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Merchant
from gateway.contracts.checkout.testing import Checkout, call, good
from ledger.models import Posting
from payments.models import Order, Payment, Refund

FIELDS = ["orders", "public orders", "payments", "public payments", "capture", "refunds", "payment refund"]
BAD = [
    "1_000", '"１００"', '"١٠٠"', '"5 000"', '"5\u00a0000"', "+1000", '"+1000"', "1E+3", "1e3", "-0", "0", "-1000", "99",
    "NaN", "Infinity", "-Infinity", "1e400", "9" * 400, "true", "false", "[]", "{}", "null", "500.00", "500.5",
    '"500"', '""', "100000000000000000", '"1000", "amount": 1000',
]


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0
    settings.PUBLIC_CHECKOUT_RATE_LIMIT = 1_000


@pytest.fixture
def checkout(cast, fund):
    fund(cast.merchant, 1_000_000)
    Merchant.objects.update(public_checkout=True)
    return Checkout(cast.merchant)


@pytest.mark.parametrize("field", FIELDS)
def test_every_amount_field(checkout, cast, field):
    public = good(call("POST", "/orders/public", {"amount": 50000, "merchant_id": cast.merchant.public_id}))
    paid, captured = checkout.paid(), checkout.captured()
    path, more = {
        "orders": ("/orders", {}),
        "public orders": ("/orders/public", {"merchant_id": cast.merchant.public_id}),
        "payments": ("/payments", {"order_id": checkout.order()["id"], "method": "upi", "vpa": "a@upi"}),
        "public payments": ("/payments/public", {"order_id": public["id"], "method": "upi", "vpa": "a@upi"}),
        "capture": (f"/payments/{paid['id']}/capture", {}),
        "refunds": ("/refunds", {"payment_id": captured["id"]}),
        "payment refund": (f"/payments/{captured['id']}/refund", {}),
    }[field]
    before = [kind.objects.count() for kind in (Order, Payment, Refund, Posting)]
    wrong = []
    for number, text in enumerate(BAD):
        raw = (json.dumps(more | {"x": 0})[:-1] + f', "amount": {text}}}').encode()
        if field.startswith("public"):
            answer = call("POST", path, raw=raw, headers={"Idempotency-Key": str(number)})
        else:
            answer = checkout("POST", path, raw=raw)
        error = answer.json().get("error", {})
        if answer.status_code != 400 or error["code"] != "BAD_REQUEST_ERROR" or error["field"] not in ("amount", None):
            wrong.append((text, answer.status_code, error))

    assert wrong == []
    assert [kind.objects.count() for kind in (Order, Payment, Refund, Posting)] == before


@pytest.mark.parametrize("path", ["/orders", "/payments", "/refunds", "/webhooks", "/webhook-logs", "/orders/<id>/payments", "/payments/<id>/refunds"])
def test_lists_take_the_same_few_queries_however_long(checkout, path):
    checkout("POST", "/webhooks", {"url": "https://a.example/"})
    captured = checkout.captured()
    path = path.replace("<id>", captured["order_id"] if "orders" in path else captured["id"])

    def queries():
        with CaptureQueriesContext(connection) as seen:
            good(checkout("GET", path), 200)
        return len(seen)

    checkout("POST", f"/payments/{captured['id']}/refund", {"amount": 100})
    short = queries()
    for _ in range(4):
        checkout.captured()
        checkout("POST", f"/payments/{captured['id']}/refund", {"amount": 100})
        checkout("POST", "/webhooks", {"url": "https://a.example/"})

    assert queries() == short <= 4
