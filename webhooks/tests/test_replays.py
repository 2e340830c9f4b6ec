"""Sending again what was sent before, and test deliveries."""

import json
import time
from datetime import timedelta

import pytest

from accounts.models import AuditRecord
from gateway.lib import http_testing as there_are
from gateway.lib.errors import IllegalTransition
from webhooks import replaying, sending, services
from webhooks.errors import DeliveryUnderWay, EndpointOff
from webhooks.models import Attempt, Delivery, Event
from webhooks.tests.conftest import TESTS

pytestmark = pytest.mark.django_db
OK = there_are.answer()


def test_a_replay_sends_the_same_event_and_body_as_a_new_attempt(make_endpoint, tell, only):
    with there_are.receiver(OK) as there:
        make_endpoint(there.url)
        tell()
        sending.drain()
        services.retry_delivery(actor=TESTS, delivery=only())
        assert only().status == "pending"
        sending.drain()

    first, second = there.requests
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert (only().status, only().attempt_count) == ("succeeded", 2)
    assert AuditRecord.objects.filter(action="webhook_delivery.retried", target=str(only().pk)).count() == 1


def test_a_given_up_delivery_that_is_replayed_gets_one_attempt(make_endpoint, tell, only, attempts_until_given_up):
    with there_are.receiver(there_are.answer(500)) as there:
        make_endpoint(there.url, retry_config={"max_retries": 1, "retry_interval": 10})
        tell()
        attempts_until_given_up()
        services.retry_delivery(actor=TESTS, delivery=only())
        attempts_until_given_up()

    assert (only().status, only().attempt_count, len(there.requests)) == ("failed", 3, 3)


def test_a_delivery_that_is_being_sent_or_whose_endpoint_is_closed_is_not_replayed(make_endpoint, tell, only, clock):
    endpoint = make_endpoint()
    tell()
    Delivery.objects.update(leased_until=clock.now + timedelta(seconds=10), lease="x")
    with pytest.raises(DeliveryUnderWay):
        services.retry_delivery(actor=TESTS, delivery=only())
    Delivery.objects.update(leased_until=None, lease="", due_at=None, status="failed")
    services.update_endpoint(actor=TESTS, endpoint=endpoint, enabled=False)

    with pytest.raises(EndpointOff) as refusal:
        services.retry_delivery(actor=TESTS, delivery=only())
    with pytest.raises(EndpointOff):
        services.retry_failed(actor=TESTS, endpoint=endpoint)

    assert isinstance(refusal.value, IllegalTransition)
    assert (only().status, only().due_at) == ("failed", None)


def test_everything_given_up_is_replayed_at_once(make_endpoint, tell, clock):
    with there_are.receiver(there_are.in_turn(*[there_are.answer(500)] * 3, OK)) as there:
        endpoint = make_endpoint(there.url, retry_config={"max_retries": 0, "retry_interval": 10})
        for _ in range(3):
            tell()
        sending.drain()
        assert services.retry_failed(actor=TESTS, endpoint=endpoint) == 3
        sending.drain()

    assert {one.status for one in Delivery.objects.all()} == {"succeeded"}
    assert len(there.requests) == 6


def test_a_test_tells_the_true_status_and_time(make_endpoint, only):
    with there_are.receiver(there_are.answer(418, b"teapot", after=0.2)) as there:
        endpoint = make_endpoint(there.url, contract="checkout", enabled=False)

        attempt = services.send_test(actor=TESTS, endpoint=endpoint)

    event = Event.objects.get()
    assert (attempt.response_status, attempt.response_body, attempt.error) == (418, "teapot", "answered 418")
    assert 200 <= attempt.duration_ms < 600
    body = {"id": event.public_id, "event": "payment.success", "data": {"sample": True}}
    assert json.loads(there.requests[0].body) == body
    assert there.requests[0].headers["webhook-id"] == event.public_id
    assert (only().status, only().due_at, only().event) == ("failed", None, event)
    assert Attempt.objects.get().delivery == only()
    assert AuditRecord.objects.get(action="webhook_endpoint.tested").data == {"status": 418, "error": "answered 418"}


def test_a_test_of_a_silent_endpoint_ends_in_time_and_does_not_count_against_it(make_endpoint, fresh):
    with there_are.receiver(there_are.silent) as there:
        endpoint = make_endpoint(there.url)
        started = time.monotonic()

        attempt = services.send_test(actor=TESTS, endpoint=endpoint)

    assert time.monotonic() - started < 0.7 + 1
    assert (attempt.response_status, attempt.error) == (None, "no answer within 0.7 s")
    assert fresh(endpoint).failing_since is None


def test_a_contract_without_a_sample_sends_a_plain_one(make_endpoint):
    with there_are.receiver(OK) as there:
        services.send_test(actor=TESTS, endpoint=make_endpoint(there.url))

    sent = json.loads(there.requests[0].body)
    assert (sent["event"], sent["test"]) == ("payment.completed", True)
    assert there.requests[0].headers["x-event"] == "payment.completed"


def test_only_two_test_deliveries_of_a_process_wait_at_once(make_endpoint):
    from webhooks import testing_endpoint
    from webhooks.errors import TestsUnderWay

    endpoint = make_endpoint("http://127.0.0.1:9199/")
    with testing_endpoint._places, testing_endpoint._places, pytest.raises(TestsUnderWay) as refusal:
        services.send_test(actor=TESTS, endpoint=endpoint)

    assert refusal.value.details["retry_after"] >= 1
    assert Attempt.objects.count() == 0
    assert Delivery.objects.count() == 0


def test_a_replay_takes_at_most_so_many_and_the_oldest_first(make_endpoint, tell, monkeypatch):
    monkeypatch.setattr(replaying, "MAX_AT_ONCE", 2)
    endpoint = make_endpoint()
    for _ in range(3):
        tell()
    Delivery.objects.update(status="failed", due_at=None)

    assert services.retry_failed(actor=TESTS, endpoint=endpoint) == 2

    oldest = Delivery.objects.order_by("created_at", "id")
    assert [row.status for row in oldest] == ["pending", "pending", "failed"]
    assert AuditRecord.objects.get(action="webhook_endpoint.failed_retried").data == {"count": 2}
