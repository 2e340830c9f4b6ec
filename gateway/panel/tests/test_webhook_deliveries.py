"""Deliveries in the panel: what each attempt was, who may send it again, one by one or many at once, and how they are found."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditRecord
from gateway.lib.http_testing import answer, receiver
from webhooks import services
from webhooks.models import Delivery, Endpoint
from webhooks.sending import drain


@pytest.fixture(autouse=True)
def quick(settings):
    settings.WEBHOOK_TIMEOUT_SECONDS = 2
    settings.WEBHOOK_ALLOW_LOOPBACK = True


def _secrets(*endpoints):
    return [services.reveal_secret(endpoint) for endpoint in endpoints]


@pytest.mark.django_db(transaction=True)
def test_a_delivery_shows_request_and_response_of_every_attempt(cast, signed_in, make_endpoint, delivered):
    with receiver(answer(500, b"boom", {"X-Trace": "abc-123"})) as there:
        endpoint = make_endpoint(cast.merchant, there.url)
        delivery = delivered(endpoint, cast.admin)
    (request,) = there.requests
    (secret,) = _secrets(endpoint)

    page = signed_in(cast.merchant_user).get(reverse("panel:delivery", args=[delivery.pk])).content.decode()

    assert request.headers["x-signature"] in page
    assert "HTTP 500" in page
    assert "abc-123" in page
    assert "boom" in page
    assert json.loads(request.body)["order_id"] in page
    assert re.search(r"<strong>Attempt 1</strong>", page)
    assert secret not in page


@pytest.mark.django_db(transaction=True)
def test_a_retry_sends_the_same_again(cast, signed_in, make_endpoint, delivered):
    with receiver(answer(500)) as there:
        endpoint = make_endpoint(cast.merchant, there.url)
        delivery = delivered(endpoint, cast.admin)
        there.behave = answer(200)

        got = signed_in(cast.merchant_user).post(reverse("panel:delivery-retry", args=[delivery.pk]))
        drain(seconds=5)

    delivery.refresh_from_db()
    first, second = there.requests
    assert got["Location"] == reverse("panel:delivery", args=[delivery.pk])
    assert (delivery.status, delivery.attempt_count) == ("succeeded", 2)
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


@pytest.mark.parametrize("who", ["other_admin", "other_user", "api_user"])
@pytest.mark.django_db(transaction=True)
def test_nobody_out_of_reach_retries(cast, signed_in, make_endpoint, delivered, who):
    delivery = delivered(make_endpoint(cast.merchant), cast.admin)
    tries = delivery.attempt_count

    got = signed_in(getattr(cast, who)).post(reverse("panel:delivery-retry", args=[delivery.pk]))

    delivery.refresh_from_db()
    assert got.status_code == 404
    assert (delivery.attempt_count, delivery.status) == (tries, "retrying")


@pytest.mark.django_db(transaction=True)
def test_everything_that_was_given_up_is_sent_again(cast, signed_in, make_endpoint, delivered):
    endpoint = make_endpoint(cast.merchant, retry_config={"max_retries": 0, "retry_interval": 10})
    delivered(endpoint, cast.admin)
    delivered(endpoint, cast.admin)
    assert Delivery.objects.filter(status="failed").count() == 2
    client = signed_in(cast.merchant_user)
    assert "Send 2 failed again" in client.get(reverse("panel:endpoint", args=[endpoint.pk])).content.decode()
    assert "Send 2 failed deliveries again?" in client.get(_retry_failed(endpoint)).content.decode()

    answer = client.post(_retry_failed(endpoint))

    assert Delivery.objects.filter(status="pending", due_at__isnull=False).count() == 2
    progress = client.get(answer["Location"]).context
    assert (progress["total"], progress["waiting"], progress["done"]) == (2, 2, 0)
    drain(seconds=5)
    progress = client.get(answer["Location"]).context
    assert (progress["total"], progress["waiting"], progress["failed"], progress["done"]) == (2, 0, 2, 2)


def _retry_failed(endpoint, **query):
    return reverse("panel:endpoint-retry-failed", args=[endpoint.pk], query=query or None)


@pytest.mark.parametrize(
    ("query", "count"),
    [({"end": "2026-01-02"}, 2), ({"start": "2026-01-02", "end": "2026-01-02"}, 1), ({"start": "2026-01-03"}, 1), ({"start": "2026-02-01"}, 0)],
)
@pytest.mark.django_db(transaction=True)
def test_an_operator_sends_again_what_was_given_up_between_two_days(
    cast, signed_in, make_endpoint, delivered, query, count
):
    endpoint = make_endpoint(cast.merchant, retry_config={"max_retries": 0, "retry_interval": 10})
    for day in (1, 2, 3):
        row = delivered(endpoint, cast.admin)
        Delivery.objects.filter(pk=row.pk).update(created_at=datetime(2026, 1, day, 23, 59, tzinfo=UTC))
    client = signed_in(cast.admin)

    question = client.get(_retry_failed(endpoint, **query)).content.decode()
    client.post(_retry_failed(endpoint, **query))

    assert f"Send {count} failed deliver" in question
    assert Delivery.objects.filter(status="pending").count() == count
    record = AuditRecord.objects.get(action="webhook_endpoint.failed_retried")
    assert (record.actor, record.data["count"]) == (cast.admin, count)


def test_days_turned_round_send_nothing(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant)

    got = signed_in(cast.admin).post(_retry_failed(endpoint, start="2026-02-01", end="2026-01-01"))

    assert got.status_code == 409
    assert "Must not be before the first day" in got.content.decode()
    assert not AuditRecord.objects.filter(action="webhook_endpoint.failed_retried").exists()


@pytest.mark.parametrize("who", ["other_admin", "other_user", "api_user"])
@pytest.mark.django_db(transaction=True)
def test_nobody_out_of_reach_sends_again(cast, signed_in, make_endpoint, delivered, who):
    endpoint = make_endpoint(cast.merchant, retry_config={"max_retries": 0, "retry_interval": 10})
    row = delivered(endpoint, cast.admin)
    client = signed_in(getattr(cast, who))

    assert client.post(_retry_failed(endpoint)).status_code == 404
    client.post(reverse("panel:deliveries-retry", query={"d": str(row.pk)}))
    seen = client.get(reverse("panel:deliveries-sending", query={"d": str(row.pk)}))

    row.refresh_from_db()
    assert (row.status, row.due_at) == ("failed", None)
    assert seen.status_code == 404 or seen.context["total"] == 0


@pytest.mark.parametrize("since", ["9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00", "2026-13-01T00:00:00Z", "now"])
def test_progress_since_no_moment_of_ours_is_not_there(cast, signed_in, make_endpoint, since):
    asked = {"endpoint": make_endpoint(cast.merchant).pk, "since": since}

    assert signed_in(cast.merchant_user).get(reverse("panel:deliveries-sending", query=asked)).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_ticked_deliveries_are_sent_again_but_not_to_closed_endpoints(cast, signed_in, make_endpoint, delivered):
    once = {"retry_config": {"max_retries": 0, "retry_interval": 10}}
    one, off = make_endpoint(cast.merchant, **once), make_endpoint(cast.merchant, "http://127.0.0.1:1998/off", **once)
    delivered(one, cast.admin)
    delivered(one, cast.admin)
    Endpoint.objects.filter(pk=off.pk).update(enabled=False)
    rows = list(Delivery.objects.order_by("created_at"))
    address = reverse("panel:deliveries-retry", query=[("d", str(row.pk)) for row in rows] + [("d", "nonsense")])
    client = signed_in(cast.admin)

    question = client.get(address).content.decode()
    answer = client.post(address)

    assert "Send 2 deliveries again?" in question
    assert {row.endpoint_id for row in Delivery.objects.filter(status="pending")} == {one.pk}
    assert client.get(answer["Location"]).context["waiting"] == 2
    record = AuditRecord.objects.get(action="webhook_endpoint.deliveries_retried")
    assert (record.target, record.data["count"]) == (str(one.pk), 2)


def test_ticking_nothing_sends_nothing(cast, signed_in):
    answer = signed_in(cast.admin).post(reverse("panel:deliveries-retry"), follow=True)

    assert "Nothing was chosen" in answer.content.decode()


def test_failing_endpoints_come_first_and_are_found_by_state_merchant_and_contract(cast, signed_in, make_endpoint):
    well, failing = make_endpoint(cast.merchant), make_endpoint(cast.other, "http://127.0.0.1:1998/other")
    off = make_endpoint(cast.merchant, "http://127.0.0.1:1997/off", contract="signed")
    Endpoint.objects.filter(pk=failing.pk).update(failing_since=timezone.now())
    Endpoint.objects.filter(pk=off.pk).update(enabled=False)
    client = signed_in(cast.super_admin)

    def found(**query):
        return [row.pk for row, _ in client.get(reverse("panel:webhooks"), query).context["given_up"]]

    assert found() == [failing.pk, off.pk, well.pk]
    assert found(state="failing") == [failing.pk]
    assert found(state="off") == found(contract="signed") == [off.pk]
    assert found(merchant=cast.merchant.public_id, state="well") == [well.pk]
    assert found(q="1998") == [failing.pk]
    assert found(q="a\0b") == found(state="nonsense") == []
    own = signed_in(cast.merchant_user).get(reverse("panel:webhooks"), {"merchant": cast.other.public_id})
    assert {row.pk for row, _ in own.context["given_up"]} == {well.pk, off.pk}


@pytest.mark.django_db(transaction=True)
def test_operators_find_deliveries_by_merchant_contract_and_day(cast, signed_in, make_endpoint, delivered):
    delivered(make_endpoint(cast.merchant), cast.admin, send=False)
    client = signed_in(cast.super_admin)

    def count(**query):
        return len(client.get(reverse("panel:deliveries"), query).context["page"])

    assert count(merchant=cast.merchant.public_id, contract="portal", from_day="2020-01-01") == 1
    assert count(merchant=cast.other.public_id) == count(contract="signed") == count(to_day="2020-01-01") == 0


@pytest.mark.django_db(transaction=True)
def test_deliveries_are_filtered_by_status_event_endpoint_and_id(cast, signed_in, make_endpoint, delivered):
    one, two = make_endpoint(cast.merchant), make_endpoint(cast.merchant, "http://127.0.0.1:2000/two")
    delivery = delivered(one, cast.admin, send=False)
    client = signed_in(cast.merchant_user)

    def rows(**query):
        page = client.get(reverse("panel:deliveries"), query, headers={"HX-Request": "true"}).content.decode()
        return page.count('class="row-link"')

    assert rows() == 2
    assert rows(endpoint=str(two.pk)) == 1
    assert rows(status="pending") == 2
    assert rows(status="failed") == 0
    assert rows(event="payment.failed", q=delivery.event.subject) == 2
    assert rows(q=delivery.event.public_id) == 2
    assert rows(q="pay_") == 0


def test_another_merchant_s_endpoint_is_no_filter(cast, signed_in, make_endpoint):
    other = make_endpoint(cast.other)

    page = signed_in(cast.merchant_user).get(reverse("panel:deliveries"), {"endpoint": str(other.pk)}).content.decode()

    assert str(other.url) not in page
