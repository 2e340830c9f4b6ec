"""A test delivery: sent at once, while the caller waits, and told as it was."""

from __future__ import annotations

import asyncio
import threading
import uuid

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from webhooks import rendering
from webhooks.claiming import Leased
from webhooks.courier import Outcome, attempt
from webhooks.errors import TestsUnderWay
from webhooks.models import Attempt, Delivery, Endpoint, Event
from webhooks.outcomes import attempt_row

EVENT_TYPE = "webhook.test"
# A caller waits in a web thread: only so many of a process at once, and not as long as a delivery may take.
_places = threading.BoundedSemaphore(2)


def send_test(*, actor: Actor, endpoint: Endpoint) -> Attempt:
    """Sends a sample of the endpoint's contract and returns the attempt: its true status, time and answer.

    It is sent to a disabled endpoint as well, is never retried, and counts neither for nor against the endpoint.
    """
    event = Event(type=EVENT_TYPE, merchant_id=endpoint.merchant_id, mode=endpoint.mode, subject=str(endpoint.pk))
    name, body = rendering.render_sample(endpoint.contract, event, endpoint.events)
    leased = Leased(uuid.uuid4(), "", 1, 0, event.public_id, name, body.encode(), endpoint)
    if not _places.acquire(blocking=False):
        raise TestsUnderWay(retry_after=max(1, round(_seconds())))
    try:
        outcome = asyncio.run(attempt(leased, seconds=_seconds()))
    finally:
        _places.release()
    return _keep(actor, event, outcome)


def _seconds() -> float:
    return float(min(settings.WEBHOOK_TEST_TIMEOUT_SECONDS, settings.WEBHOOK_TIMEOUT_SECONDS))


@transaction.atomic
def _keep(actor: Actor, event: Event, outcome: Outcome) -> Attempt:
    sent, endpoint = outcome.delivery, outcome.delivery.endpoint
    event.save(force_insert=True)
    Delivery.objects.create(
        id=sent.id, event=event, endpoint=endpoint, merchant_id=event.merchant_id, mode=event.mode,
        event_name=sent.event_name, body=sent.body.decode(), tries=1, attempt_count=1,
        status=Delivery.Status.SUCCEEDED if outcome.delivered else Delivery.Status.FAILED,
        last_response_status=outcome.status, last_error=outcome.error[:200],
    )
    made = attempt_row(outcome)
    made.save(force_insert=True)
    audit.record(
        actor, "webhook_endpoint.tested", str(endpoint.pk),
        merchant=event.merchant_id, mode=event.mode, status=outcome.status, error=outcome.error,
    )
    return made
