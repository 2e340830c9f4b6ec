"""Old deliveries go, oldest first; what waits and what is young stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from webhooks.models import Attempt, Delivery, Endpoint, Event
from webhooks.retention import prune


@pytest.fixture
def told(cast):
    """`told(days)` is a delivery of an event that old, attempted once; `waits` leaves it due."""
    endpoint = Endpoint.objects.create(
        merchant=cast.merchant, mode="test", contract="portal", url="https://shop.example/hooks", secret_encrypted="x"
    )

    def make(days, *, waits=False):
        moment = timezone.now() - timedelta(days=days)
        event = Event.objects.create(
            merchant=cast.merchant, mode="test", type="payment.succeeded", subject="pay_x", created_at=moment
        )
        delivery = Delivery.objects.create(
            event=event, endpoint=endpoint, merchant=cast.merchant, mode="test", event_name="payment.completed", body="{}",
            status="retrying" if waits else "succeeded", due_at=moment if waits else None, created_at=moment,
        )
        Attempt.objects.create(delivery=delivery, number=1, started_at=moment, duration_ms=5, response_status=200)
        return delivery

    return make


def _left():
    return Event.objects.count(), Delivery.objects.count(), Attempt.objects.count()


@pytest.mark.parametrize(("days", "left"), [(29, (1, 1, 1)), (31, (1, 1, 0)), (179, (1, 1, 0)), (181, (0, 0, 0))])
def test_attempts_go_after_weeks_and_events_after_months(told, settings, days, left):
    settings.KEEP_ATTEMPTS_DAYS, settings.KEEP_EVENTS_DAYS = 30, 180
    told(days)

    prune()

    assert _left() == left


def test_what_waits_to_be_tried_again_stays_whatever_its_age(told):
    told(10_000, waits=True)

    assert prune() == 0
    assert _left() == (1, 1, 1)


def test_more_than_one_batch_goes_in_one_round(told, monkeypatch):
    monkeypatch.setattr("gateway.lib.pruning._BATCH", 2)
    for _ in range(5):
        told(10_000)
    young = told(1)

    assert prune() == 10  # five attempts, five events with their deliveries

    assert list(Delivery.objects.all()) == [young]


def test_what_is_sent_again_while_old_rows_go_stays(told, settings):
    settings.KEEP_ATTEMPTS_DAYS, settings.KEEP_EVENTS_DAYS = 30, 180
    old, asked = told(10_000), told(10_000)

    def send_again(execute, sql, params, many, context):
        """Between the reading of the old events and their end."""
        answer = execute(sql, params, many, context)
        if sql.startswith('SELECT "webhooks_event"."id"') and "LIMIT" in sql:
            Delivery.objects.filter(pk=asked.pk, due_at=None).update(due_at=timezone.now())
        return answer

    with connection.execute_wrapper(send_again):
        prune()

    assert list(Delivery.objects.all()) == [asked]
    assert list(Event.objects.all()) == [asked.event]
    assert not Attempt.objects.filter(delivery=old).exists()
