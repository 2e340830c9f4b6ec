"""Razorpay's official SDK as a real client, over HTTP against a running server."""

import pytest
import razorpay
from razorpay.errors import BadRequestError, ServerError

from gateway.contracts.checkout.testing import Checkout
from ledger.testing import assert_ledger_balances
from payments.work import drive_payments, drive_refunds

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def checkout(cast, fund, settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0
    fund(cast.merchant, 100_000)
    return Checkout(cast.merchant)


@pytest.fixture
def client(checkout, live_server):
    pair = checkout.pair
    client = razorpay.Client(auth=(pair.identifier, pair.secret), base_url=f"{live_server.url}/api")
    yield client
    client.session.close()  # the server's thread, and its connection to the database, end with it


def test_orders(client):
    made = client.order.create({"amount": 50000, "currency": "INR", "receipt": "r1", "notes": {"a": "b"}})

    assert {name: made[name] for name in ("entity", "amount", "amount_paid", "amount_due", "currency", "receipt", "status", "notes")} == {
        "entity": "order", "amount": 50000, "amount_paid": 0, "amount_due": 50000, "currency": "INR", "receipt": "r1",
        "status": "created", "notes": {"a": "b"},
    }
    assert client.order.fetch(made["id"]) == made
    second = client.order.create({"amount": 100, "currency": "INR"})
    assert client.order.all() == {"entity": "collection", "count": 2, "items": [second, made]}
    assert client.order.all({"count": 1, "skip": 1})["items"] == [made]


def test_a_payment_from_order_to_refund(client, checkout):
    order = client.order.create({"amount": 50000, "currency": "INR"})
    payment_id = checkout.pay(order)["id"]
    drive_payments()

    fetched = client.payment.fetch(payment_id)
    assert (fetched["entity"], fetched["captured"], fetched["status"], fetched["amount_refunded"]) == ("payment", False, "SUCCESS", 0)
    captured = client.payment.capture(payment_id, 50000, {"currency": "INR"})
    assert (captured["captured"], captured["fee"], captured["tax"], captured["vpa"]) == (True, 1180, 180, "success@upi")
    assert client.payment.all()["items"] == [captured]
    assert client.order.payments(order["id"])["items"] == [captured]
    paid = client.order.fetch(order["id"])
    assert (paid["status"], paid["amount_paid"], paid["amount_due"]) == ("paid", 50000, 0)

    part = client.payment.refund(payment_id, {"amount": 20000})
    assert (part["entity"], part["currency"], part["payment_id"], part["status"]) == ("refund", "INR", payment_id, "pending")
    drive_refunds()
    assert client.payment.fetch(payment_id)["refund_status"] == "partial"
    rest = client.refund.create({"payment_id": payment_id})
    drive_refunds()
    assert client.refund.fetch(rest["id"])["status"] == "PROCESSED"
    assert rest["amount"] == 30000
    ended = client.payment.fetch(payment_id)
    assert (ended["refund_status"], ended["amount_refunded"]) == ("full", 50000)
    assert [row["amount"] for row in client.refund.all()["items"]] == [30000, 20000]
    assert client.payment.fetch_multiple_refund(payment_id)["count"] == 2
    assert client.payment.fetch_refund_id(payment_id, part["id"])["id"] == part["id"]
    assert_ledger_balances()


def test_refusals_are_the_sdks_own_errors(client, checkout, live_server):
    with pytest.raises(BadRequestError, match="amount"):
        client.order.create({"amount": 5, "currency": "INR"})
    with pytest.raises(ServerError, match="does not exist"):  # what the SDK makes of every other code
        client.order.fetch("order_x")
    wrong = razorpay.Client(auth=(checkout.pair.identifier, "wrong"), base_url=f"{live_server.url}/api")
    with pytest.raises(ServerError, match="not valid"):
        wrong.order.all()
    wrong.session.close()
