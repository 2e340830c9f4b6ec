"""Whatever is sent, in whatever order it arrives: never a 500, and one end for every payment."""

import itertools
import json
import random

import pytest

from accounts.actors import Actor
from accounts.models import Merchant
from gateway.contracts import schema
from gateway.contracts.checkout.testing import CARD, Checkout, call, good
from gateway.lib.providers import Outcome
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments.models import Payment
from payments.providers.base import Callback
from payments.services import apply_provider_event
from payments.services.outcomes import apply_outcome
from webhooks.models import Event

SEED = 20261120
VALUES = [
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "x", "x" * 5000, "\u0000", "\ud800", "\u202e", "💳", "' OR 1=1 --", "<script>",
    [], [[]], [None], {}, {"a": {"b": {}}}, {"number": []}, "NaN", "１２３", "../../etc", "%00", "null", "order_x", "2030-12",
    {"number": "4111111111111111", "expiry_month": {}, "expiry_year": None, "cvv": []}, ["payment.success", 5], "http://[::1",
]
HEADERS = [{}, {"Idempotency-Key": "é"}, {"Idempotency-Key": "x" * 300}, {"url": "http://"}, {"Content-Type": "text/plain"}]


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0
    settings.PUBLIC_CHECKOUT_RATE_LIMIT = settings.CHECKOUT_RATE_LIMIT = 100_000


@pytest.fixture
def checkout(cast, fund):
    fund(cast.merchant, 1_000_000)
    Merchant.objects.update(public_checkout=True)
    return Checkout(cast.merchant)


def test_no_body_no_query_and_no_address_makes_a_500(checkout, cast):
    chance = random.Random(SEED)
    payment = checkout.captured()
    ids = {"order_id": payment["order_id"], "payment_id": payment["id"], "refund_id": "refund_x", "webhook_id": "1", "log_id": "1"}
    starts = {
        "order_id": checkout.order()["id"], "payment_id": payment["id"], "amount": 100, "currency": "INR", "url": "https://a.example/",
        "merchant_id": cast.merchant.public_id,
    } | CARD
    calls = [
        (method, path)
        for path, described_calls in schema.document("checkout")["paths"].items()
        for method in described_calls if method in ("get", "post", "delete")
    ]
    bad, seen = [], set()
    for _ in range(900):
        method, path = chance.choice(calls)
        filled = {name: value if chance.random() < 0.8 else "%00%ff" for name, value in ids.items()}
        address = path.removeprefix("/api/v1").format(**filled)
        if method == "get" and chance.random() < 0.7:
            name = chance.choice(["page", "limit", "count", "skip", "status", "method", "order_id", "event_type", "webhook_id", "receipt"])
            address += f"?{name}={chance.choice(['', '-1', '0', '1e9', 'x' * 300, '%00', '%ED%A0%80', '99999999999999999999', '٣'])}"
        body = {name: value for name, value in starts.items() if chance.random() < 0.8}
        for name in chance.sample([*starts, "card", "notes", "receipt", "events", "vpa", "reason", "manual_capture"], 2):
            body[name] = chance.choice(VALUES)
        raw = json.dumps(body).encode() if method == "post" else b""
        headers = chance.choice(HEADERS)
        if "public" in path:
            response = call(method.upper(), address, raw=raw, headers={"Idempotency-Key": str(chance.random())} | headers, documented=False)
        else:
            response = call(method.upper(), address, raw=raw, headers=checkout.headers(basic=chance.random() < 0.5) | headers, documented=False)
        seen.add(response.status_code)
        if response.status_code >= 500 and b"GATEWAY_ERROR" not in response.content:
            bad.append((method, address, body, response.content))
        if response.status_code >= 400:
            # An address with a NUL is nobody's, and without a credential it is the portal that says so.
            assert "error" in json.loads(response.content)

    assert bad == []
    assert {200, 201, 400, 404} <= seen
    assert_ledger_balances()


REPORTS = {
    "succeeded": Outcome("succeeded", utr="UTR000000001", amount_minor=50_000, currency="INR"),
    "failed": Outcome("failed", code="declined", message="The bank declined."),
    "pending": Outcome("pending"),
}


@pytest.mark.parametrize("order", sorted(set(itertools.permutations(["succeeded", "succeeded", "failed", "pending"]))))
def test_every_order_of_reports_ends_the_same(checkout, order):
    """Money that arrived outweighs a failure, whichever is heard first, and is booked once."""
    made = checkout.pay(checkout.order(50_000, manual_capture=False))
    for number, word in enumerate(order):
        callback = Callback(f"evt-{number}", made["id"], REPORTS[word])
        for _ in range(2):
            apply_provider_event(provider="sandbox", event=callback)

    ended = good(checkout("GET", f"/payments/{made['id']}"), 200)
    assert (ended["status"], ended["captured"], ended["error_code"]) == ("SUCCESS", True, None)
    assert Posting.objects.filter(kind="payment.capture").count() == 1
    assert Event.objects.filter(type="payment.captured").count() == 1
    assert_ledger_balances()


def test_a_capture_that_was_asked_for_before_a_failure_books_nothing(checkout):
    made = checkout.pay(checkout.order())
    good(checkout("POST", f"/payments/{made['id']}/capture"), 200)
    apply_outcome(actor=Actor.system("sandbox"), payment=Payment.objects.get(), outcome=REPORTS["failed"])

    assert good(checkout("GET", f"/payments/{made['id']}"), 200)["status"] == "FAILED"
    assert checkout("POST", f"/payments/{made['id']}/capture").status_code == 400
    assert not Posting.objects.filter(kind="payment.capture").exists()
