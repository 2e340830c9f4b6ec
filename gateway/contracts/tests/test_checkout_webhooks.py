"""`/webhooks` and `/webhook-logs`, and what the events say: the same as `GET` answers."""

import json
import re
import uuid

import pytest
import razorpay

from gateway.contracts.checkout.testing import Checkout, good, refused
from gateway.lib.http_testing import answer, receiver
from payments.work import drive_payments, drive_refunds
from webhooks.models import Delivery, Endpoint
from webhooks.queries import event_names
from webhooks.sending import drain

URL = "https://shop.example/hooks"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LISTED = ["active", "merchant_id", "id", "updated_at", "url", "secret", "created_at"]
LOGGED = [
    "id", "webhook_id", "event_type", "status", "attempts", "response_code", "response_body", "created_at", "updated_at",
]
EVENTS = ["payment.success", "payment.captured", "payment.failed", "refund.processed", "refund.failed"]


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def checkout(cast, fund):
    fund(cast.merchant, 1_000_000)
    return Checkout(cast.merchant)


@pytest.fixture
def hook(checkout):
    return good(checkout("POST", "/webhooks", {"url": URL}))


def told():
    return [json.loads(row.body) for row in Delivery.objects.order_by("created_at", "event__id")]


def test_a_new_webhook_has_exactly_the_originals_fields(checkout):
    made = good(checkout("POST", "/webhooks", {"url": URL}))

    assert list(made) == ["id", "url", "secret"]
    assert UUID.fullmatch(made["id"])
    assert re.fullmatch(r"[0-9a-f]{32}", made["secret"])
    assert made["url"] == URL


def test_the_address_may_be_a_query_or_a_header(checkout):
    for response in (
        checkout("POST", f"/webhooks?url={URL}"), checkout("POST", "/webhooks", headers={"url": URL}),
        checkout("POST", "/webhooks", {"url": URL}, headers={"url": "https://ignored.example/"}),
    ):
        assert good(response)["url"] == URL
    refused(checkout("POST", "/webhooks"), 400, "BAD_REQUEST_ERROR", "url")
    refused(checkout("POST", "/webhooks?url=ftp://a.example/"), 400, "BAD_REQUEST_ERROR", "url")
    refused(checkout("POST", "/webhooks", {"url": 5}, headers={"url": URL}), 400, "BAD_REQUEST_ERROR", "url")
    assert Endpoint.objects.count() == 3


def test_the_list_is_a_plain_array_with_the_secret(checkout, hook, cast):
    listed = good(checkout("GET", "/webhooks"), 200)

    assert [list(row) for row in listed] == [LISTED]
    assert {name: listed[0][name] for name in ("active", "merchant_id", "id", "url", "secret")} == hook | {
        "active": True, "merchant_id": cast.merchant.public_id,
    }
    assert listed[0]["created_at"].endswith("Z")


def test_deleting(checkout, hook):
    response = checkout("DELETE", f"/webhooks/{hook['id']}")

    assert (response.status_code, response.content) == (204, b"")
    assert good(checkout("GET", "/webhooks"), 200) == []
    refused(checkout("DELETE", f"/webhooks/{hook['id']}"), 404, "NOT_FOUND_ERROR")


def test_events_may_be_chosen(checkout):
    made = good(checkout("POST", "/webhooks", {"url": URL, "events": ["refund.failed", "payment.success"]}))
    checkout.captured()

    assert Endpoint.objects.get(pk=made["id"]).events == ["payment.success", "refund.failed"]
    assert [body["event"] for body in told()] == ["payment.success"]
    refused(checkout("POST", "/webhooks", {"url": URL, "events": ["payment.completed"]}), 400, "BAD_REQUEST_ERROR", "events")


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://169.254.169.254/", "javascript:alert(1)", "https://a@b.example/"])
def test_addresses_that_nothing_is_sent_to(checkout, url):
    refused(checkout("POST", "/webhooks", {"url": url}), 400, "BAD_REQUEST_ERROR", "url")
    assert not Endpoint.objects.exists()


def test_the_contract_has_these_events():
    assert event_names("checkout") == EVENTS


def test_a_success_and_a_capture_tell_what_get_answers(checkout, hook):
    payment = checkout.paid()
    at_success = good(checkout("GET", f"/payments/{payment['id']}"), 200)
    good(checkout("POST", f"/payments/{payment['id']}/capture"), 200)
    at_capture = good(checkout("GET", f"/payments/{payment['id']}"), 200)

    bodies = told()
    assert [list(body) for body in bodies] == [["id", "event", "created_at", "data"]] * 2
    assert [body["event"] for body in bodies] == ["payment.success", "payment.captured"]
    assert [body["data"] for body in bodies] == [{"payment": at_success}, {"payment": at_capture}]
    assert [at_success["captured"], at_capture["captured"]] == [False, True]
    rows = list(Delivery.objects.order_by("created_at", "event__id"))
    assert [body["id"] for body in bodies] == [row.event.public_id for row in rows]
    assert all(re.fullmatch(r"evt_[A-Za-z0-9]{16}", body["id"]) for body in bodies)
    assert bodies[0]["created_at"] <= bodies[1]["created_at"]
    assert bodies[0]["created_at"] == rows[0].event.created_at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def test_a_failure_tells_what_get_answers(checkout, hook):
    payment = checkout.pay(checkout.order(), method="upi", vpa="failure@upi")
    drive_payments()

    assert [(body["event"], body["data"]) for body in told()] == [
        ("payment.failed", {"payment": good(checkout("GET", f"/payments/{payment['id']}"), 200)})
    ]


@pytest.mark.parametrize(("vpa", "event"), [("success@upi", "refund.processed"), ("norefund@upi", "refund.failed")])
def test_the_end_of_a_refund_tells_what_get_answers(checkout, hook, vpa, event):
    payment = checkout.pay(checkout.order(manual_capture=False), method="upi", vpa=vpa)
    drive_payments()
    refund = good(checkout("POST", "/refunds", {"payment_id": payment["id"], "amount": 1500}))
    drive_refunds()

    assert [body["event"] for body in told()] == ["payment.success", "payment.captured", event]
    assert told()[-1]["data"] == {"refund": good(checkout("GET", f"/refunds/{refund['id']}"), 200)}


def test_nothing_else_is_told():
    from gateway.contracts.checkout.events import render

    assert [render(name, object()) for name in ("payment.initiated", "payout.processed", "user.created")] == [None] * 3


@pytest.mark.django_db(transaction=True)
def test_a_delivery_is_signed_as_razorpays_client_expects(cast):
    """Its log, its retry with the same id and body, and what the log says then."""
    checkout = Checkout(cast.merchant)
    with receiver(answer(200, b"test-mode-success")) as there:
        hook = good(checkout("POST", "/webhooks", {"url": there.url}))
        checkout.paid()
        drain()
        logs = good(checkout("GET", "/webhook-logs"), 200)
        assert good(checkout("POST", f"/webhook-logs/{logs[0]['id']}/retry"), 200) == {"message": "Webhook retry queued"}
        drain()

        first, second = there.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == json.loads(first.body)["id"]
    assert first.headers["x-event"] == "payment.success"
    client = razorpay.Client(auth=("key", "secret"))
    assert client.utility.verify_webhook_signature(first.body.decode(), first.headers["x-signature"], hook["secret"])
    assert [list(row) for row in logs] == [LOGGED]
    assert {name: logs[0][name] for name in LOGGED[1:7]} == {
        "webhook_id": hook["id"], "event_type": "payment.success", "status": "success", "attempts": 1,
        "response_code": "200", "response_body": "test-mode-success",
    }
    assert UUID.fullmatch(logs[0]["id"])
    after = good(checkout("GET", "/webhook-logs"), 200)
    assert (len(after), after[0]["attempts"], after[0]["status"]) == (1, 2, "success")


def test_logs_newest_first_and_filtered(checkout, hook):
    payment = checkout.captured()
    logs = good(checkout("GET", "/webhook-logs"), 200)

    assert [(row["event_type"], row["status"], row["attempts"], row["response_code"], row["response_body"]) for row in logs] == [
        ("payment.captured", "pending", 0, None, None), ("payment.success", "pending", 0, None, None)
    ]
    Delivery.objects.filter(event_name="payment.success").update(status="failed")
    assert payment["captured"] is True
    for query, count in (
        ("event_type=payment.success", 1), ("status=failed", 1), ("status=pending", 1), (f"webhook_id={hook['id']}", 2),
        (f"webhook_id={uuid.uuid4()}", 0), ("limit=1", 1), ("count=2&skip=1", 1), ("event_type=refund.failed", 0),
    ):
        assert len(good(checkout("GET", f"/webhook-logs?{query}"), 200)) == count, query
    for query, field in (("status=ok", "status"), ("event_type=x", "event_type"), ("webhook_id=1", "webhook_id")):
        refused(checkout("GET", f"/webhook-logs?{query}"), 400, "BAD_REQUEST_ERROR", field)


def test_nobody_sees_anothers_or_the_other_modes_webhooks(checkout, hook, cast):
    checkout.captured()
    log = good(checkout("GET", "/webhook-logs"), 200)[0]

    for caller in (Checkout(cast.other), Checkout(cast.merchant, "live")):
        assert good(caller("GET", "/webhooks"), 200) == []
        assert good(caller("GET", "/webhook-logs"), 200) == []
        refused(caller("DELETE", f"/webhooks/{hook['id']}"), 404, "NOT_FOUND_ERROR")
        refused(caller("POST", f"/webhook-logs/{log['id']}/retry"), 404, "NOT_FOUND_ERROR")
    refused(checkout("DELETE", "/webhooks/1"), 404, "NOT_FOUND_ERROR")
    refused(checkout("POST", "/webhook-logs/1/retry"), 404, "NOT_FOUND_ERROR")
    assert Endpoint.objects.get().deleted_at is None


def test_endpoints_of_other_contracts_are_not_listed(checkout, cast, api):
    api("merchant_user", "POST", "/webhook-endpoints", {"url": URL, "contract": "portal"})

    assert good(checkout("GET", "/webhooks"), 200) == []
    checkout.captured()
    assert good(checkout("GET", "/webhook-logs"), 200) == []


def test_a_webhook_that_is_gone_is_not_sent_to_again(checkout, hook):
    checkout.captured()
    log = good(checkout("GET", "/webhook-logs"), 200)[0]
    checkout("DELETE", f"/webhooks/{hook['id']}")

    refused(checkout("POST", f"/webhook-logs/{log['id']}/retry"), 409, "CONFLICT_ERROR")
    assert len(good(checkout("GET", "/webhook-logs"), 200)) == 2
