"""An endpoint that was given a new address: what the old one did is not held against it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditRecord
from gateway.lib import http_testing as there_are
from gateway.lib.http import OutboundResponse
from webhooks import claiming, outcomes, sending, services
from webhooks.courier import Outcome
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.tests.conftest import TESTS

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(make_endpoint):
    return make_endpoint("http://127.0.0.1:9001/old", retry_config={"max_retries": 0, "retry_interval": 300})


def end(leased, status):
    """As if its receiver had answered so."""
    error = "" if status == 200 else f"answered {status}"
    response = OutboundResponse(status, {}, b"", 5)
    outcomes.record([Outcome(leased, {}, timezone.now(), 5, response, error)])


def moves(endpoint, url="http://127.0.0.1:9002/new"):
    services.update_endpoint(actor=TESTS, endpoint=endpoint, url=url)


def assert_well(endpoint):
    assert (endpoint.enabled, endpoint.failing_since, endpoint.disabled_reason) == (True, None, "")
    assert not AuditRecord.objects.filter(action="webhook_endpoint.disabled").exists()


def test_a_new_address_has_all_of_its_time(endpoint, tell, fresh):
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(hours=130))
    moves(endpoint)
    assert_well(fresh(endpoint))
    tell()
    (leased,) = claiming.claim({}, limit=10)

    end(leased, 503)  # a restart

    assert fresh(endpoint).enabled
    assert timezone.now() - fresh(endpoint).failing_since < timedelta(minutes=1)


def test_other_changes_leave_the_failing_time(endpoint, fresh):
    since = timezone.now() - timedelta(hours=100)
    Endpoint.objects.update(failing_since=since)

    services.update_endpoint(
        actor=TESTS, endpoint=endpoint, url=endpoint.url, retry_config={"max_retries": 1, "retry_interval": 10}
    )

    assert fresh(endpoint).failing_since == since


@pytest.mark.parametrize("status", [410, 500])
def test_what_the_old_address_answers_late_is_tried_again_at_the_new_one(endpoint, tell, only, fresh, status):
    tell()
    (leased,) = claiming.claim({}, limit=10)
    with there_are.receiver(there_are.answer(200)) as there:
        moves(endpoint, there.url)

        end(leased, status)

        assert_well(fresh(endpoint))
        assert (only().status, only().attempt_count, only().last_response_status) == ("retrying", 1, status)
        sending.drain()

    assert (only().status, len(there.requests)) == ("succeeded", 1)
    assert list(Attempt.objects.order_by("number").values_list("response_status", flat=True)) == [status, 200]


def test_a_late_success_of_the_old_address_says_nothing_of_the_new_one(endpoint, tell, fresh):
    tell()
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(hours=1))
    (leased,) = claiming.claim({}, limit=10)
    moves(endpoint)
    since = timezone.now() - timedelta(minutes=5)
    Endpoint.objects.update(failing_since=since)

    end(leased, 200)

    assert (Delivery.objects.get().status, fresh(endpoint).failing_since) == ("succeeded", since)


def test_an_endpoint_that_was_closed_as_well_gets_nothing_more(endpoint, tell, only):
    tell()
    (leased,) = claiming.claim({}, limit=10)
    moves(endpoint)
    services.update_endpoint(actor=TESTS, endpoint=endpoint, enabled=False)

    end(leased, 500)

    assert (only().status, only().due_at) == ("failed", None)
