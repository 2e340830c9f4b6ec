"""Batches of deliveries: what they cost the database, and that each row gets its own end."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from gateway.lib.http import OutboundResponse
from webhooks import claiming, outcomes
from webhooks.courier import Outcome
from webhooks.models import Attempt, Delivery

pytestmark = pytest.mark.django_db


def ended(delivery, status=200, error="", *, headers=None, body=b"ok"):
    answer = OutboundResponse(status, headers or {"x-said": "%s \N{SNOWMAN}"}, body, 3) if status else None
    return Outcome(delivery, {"X-Event": "e"}, timezone.now(), 3, answer, error)


def test_a_batch_is_leased_and_written_down_in_three_statements_on_postgresql(
    make_endpoint, tell, django_assert_num_queries
):
    if connection.vendor != "postgresql":
        pytest.skip("elsewhere the ORM does it")
    for _ in range(3):
        make_endpoint()
    for _ in range(5):
        tell()

    with django_assert_num_queries(2):  # the deliveries, and their endpoints
        batch = claiming.claim({}, limit=100)
    with django_assert_num_queries(1):
        outcomes.record([ended(delivery) for delivery in batch])

    assert len(batch) == Attempt.objects.count() == Delivery.objects.filter(status="succeeded").count() == 15


def test_each_delivery_of_a_batch_gets_its_own_end(make_endpoint, tell, clock):
    make_endpoint(retry_config={"max_retries": 1, "retry_interval": 60})
    for _ in range(4):
        tell()
    first, second, third, fourth = claiming.claim({}, limit=100)

    outcomes.record([
        ended(first, 202), ended(second, 500, "answered 500"), ended(third, None, "no answer within 1 s"),
        ended(fourth, 204, body=b""),
    ])

    due = clock.now + timedelta(seconds=60)
    columns = ("status", "last_response_status", "last_error", "due_at", "attempt_count", "tries", "lease", "leased_until")
    rows = {row[0]: row[1:] for row in Delivery.objects.values_list("pk", *columns)}
    assert rows == {
        first.id: ("succeeded", 202, "", None, 1, 1, "", None),
        second.id: ("retrying", 500, "answered 500", due, 1, 1, "", None),
        third.id: ("retrying", None, "no answer within 1 s", due, 1, 1, "", None),
        fourth.id: ("succeeded", 204, "", None, 1, 1, "", None),
    }
    attempts = {attempt.delivery_id: attempt for attempt in Attempt.objects.all()}
    assert [attempts[one.id].response_status for one in (first, second, third, fourth)] == [202, 500, None, 204]
    assert attempts[first.id].response_headers == {"x-said": "%s \N{SNOWMAN}"}
    assert (attempts[first.id].response_body, attempts[fourth.id].response_body) == ("ok", "")
    assert (attempts[third.id].response_headers, attempts[third.id].error) == ({}, "no answer within 1 s")
    assert (attempts[first.id].started_at, attempts[first.id].duration_ms) == (clock.now, 3)


def test_an_attempt_whose_lease_was_lost_is_kept_and_changes_nothing_else(make_endpoint, tell, only):
    make_endpoint()
    tell()
    [lost] = claiming.claim({}, limit=100)
    Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    [held] = claiming.claim({}, limit=100)

    outcomes.record([ended(lost)])

    assert (only().status, only().attempt_count, only().lease) == ("pending", 0, held.lease)
    assert Attempt.objects.get().number == lost.number == 1
    outcomes.record([ended(held)])
    assert (only().status, only().attempt_count, Attempt.objects.count()) == ("succeeded", 1, 2)


def test_what_is_due_for_a_closed_endpoint_is_given_up_and_the_rest_is_taken(make_endpoint, tell):
    closed, still_open = make_endpoint(), make_endpoint()
    tell()
    type(closed).objects.filter(pk=closed.pk).update(enabled=False, disabled_reason="too bad")

    batch = claiming.claim({}, limit=100)

    assert [delivery.endpoint.pk for delivery in batch] == [still_open.pk]
    rows = Delivery.objects.order_by("status").values_list("endpoint_id", "status", "last_error", "lease")
    assert list(rows) == [(closed.pk, "failed", "too bad", ""), (still_open.pk, "pending", "", batch[0].lease)]


def test_an_endpoint_to_be_avoided_gets_nothing_and_the_oldest_come_first(make_endpoint, tell, clock):
    avoided, other = make_endpoint(), make_endpoint()
    events = []
    for _ in range(3):
        clock.forward(seconds=1)
        events.append(tell().public_id)

    batch = claiming.claim({}, limit=2, avoid=[avoided.pk])

    assert {delivery.endpoint.pk for delivery in batch} == {other.pk}
    assert [delivery.event_id for delivery in batch][:1] == events[:1]
    assert Delivery.objects.filter(endpoint=avoided).exclude(lease="").count() == 0
