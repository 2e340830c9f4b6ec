"""What happens to deliveries and endpoints over hours and days, on a clock that the test moves."""

import smtplib
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from standardwebhooks import Webhook

from accounts.models import AuditRecord
from gateway.lib import http_testing as there_are
from gateway.lib import mail as letters
from gateway.lib import secrets
from webhooks import owners, sending, services
from webhooks.models import Attempt, Delivery, Endpoint, Event
from webhooks.tests.conftest import TESTS

pytestmark = pytest.mark.django_db
OK = there_are.answer()


def test_ten_attempts_over_75_hours_and_then_it_is_given_up(make_endpoint, tell, only, clock, attempts_until_given_up):
    with there_are.receiver(there_are.answer(500)) as there:
        make_endpoint(there.url)
        tell()
        moments = attempts_until_given_up()

    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(moments)]
    expected = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert len(moments) == 10
    assert all(0.8 * due <= gap <= 1.2 * due for gap, due in zip(gaps, expected, strict=True))
    assert (only().status, only().attempt_count, only().last_error) == ("failed", 10, "answered 500")
    assert [one.number for one in Attempt.objects.order_by("number")] == list(range(1, 11))
    assert len({request.headers["webhook-id"] for request in there.requests}) == 1
    assert len({request.body for request in there.requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in there.requests}) == 10


def test_an_endpoints_own_schedule(make_endpoint, tell, only, clock, attempts_until_given_up):
    with there_are.receiver(there_are.answer(500)) as there:
        make_endpoint(there.url, retry_config={"max_retries": 3, "retry_interval": 60})
        tell()
        first = clock.now
        moments = attempts_until_given_up()

    assert [moment - first for moment in moments] == [timedelta(seconds=60 * number) for number in range(4)]
    assert only().status == "failed"


def test_it_succeeds_at_last(make_endpoint, tell, only, clock, attempts_until_given_up, fresh):
    with there_are.receiver(there_are.in_turn(there_are.answer(500), there_are.close_at_once, OK)) as there:
        endpoint = make_endpoint(there.url)
        tell()
        moments = attempts_until_given_up()

    assert (only().status, only().attempt_count, len(moments)) == ("succeeded", 3, 3)
    assert fresh(endpoint).failing_since is None


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("120", 120, 120), ("7200", 7200, 7200), ("999999", 86_400, 86_400), ("1", 4, 6), ("-5", 4, 6), ("soon", 4, 6),
     ("99999999999", 4, 6)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_where_it_is_honest(make_endpoint, tell, only, clock, status, text, least, most):
    with there_are.receiver(there_are.answer(status, b"", {"Retry-After": text})) as there:
        make_endpoint(there.url)
        tell()
        sending.drain()

    assert least <= (only().due_at - clock.now).total_seconds() <= most


def test_410_disables_the_endpoint_at_once(make_endpoint, tell, fresh, wakes):
    with there_are.receiver(there_are.answer(410)) as there:
        endpoint = make_endpoint(there.url)
        tell()
        sending.drain()
        later = Delivery.objects.create(
            event=Event.objects.get(), endpoint=endpoint, merchant=endpoint.merchant, mode="test",
            event_name="payment.completed", body="{}", due_at=endpoint.created_at,
        )
        sending.drain()

    closed = fresh(endpoint)
    assert (closed.enabled, closed.disabled_reason) == (False, "endpoint disabled: it answered 410 Gone")
    assert [one.status for one in Delivery.objects.all()] == ["failed", "failed"]
    assert fresh(later).last_error == "endpoint disabled: it answered 410 Gone"
    assert len(there.requests) == 1
    assert AuditRecord.objects.get(action="webhook_endpoint.disabled").data == {"reason": "it answered 410 Gone"}


def fail_for(clock, tell, hours):
    """An event and an attempt each hour."""
    for _ in range(hours):
        clock.forward(hours=1)
        tell()
        sending.drain()


def test_disabled_after_120_hours_of_nothing_but_failures_and_its_owner_told(
    cast, make_endpoint, clock, fresh, mailoutbox
):
    with there_are.receiver(there_are.answer(500)) as there:
        once = {"max_retries": 0, "retry_interval": 10}
        endpoint = make_endpoint(there.url, merchant=cast.merchant, retry_config=once)

        def tell():
            services.emit(
                event_type="payment.succeeded", merchant=cast.merchant, mode="test", subject={}, subject_id="pay_1"
            )

        fail_for(clock, tell, 120)  # the first failure is one hour old by now, so that 119 have passed
        assert fresh(endpoint).enabled
        fail_for(clock, tell, 1)
        assert not fresh(endpoint).enabled
        fail_for(clock, tell, 1)

    assert len(there.requests) == 121
    assert fresh(endpoint).disabled_reason == "endpoint disabled: nothing but failures for 120 hours"
    assert AuditRecord.objects.filter(action="webhook_endpoint.disabled").count() == 1
    assert owners.tell_owners() == 1
    assert owners.tell_owners() == 0
    [mail] = mailoutbox
    assert mail.to == ["merchant@example.com"]
    assert there.url in mail.body
    assert "nothing but failures for 120 hours" in mail.body


def test_one_success_starts_the_120_hours_afresh(make_endpoint, tell, clock, fresh):
    answers = [there_are.answer(500)] * 100 + [OK] + [there_are.answer(500)]
    with there_are.receiver(there_are.in_turn(*answers)) as there:
        endpoint = make_endpoint(there.url, retry_config={"max_retries": 0, "retry_interval": 10})
        fail_for(clock, tell, 101)
        assert fresh(endpoint).failing_since is None
        fail_for(clock, tell, 100)

    assert fresh(endpoint).enabled
    assert fresh(endpoint).failing_since == clock.now - timedelta(hours=99)


def test_a_mail_server_that_is_down_is_tried_again(make_endpoint, cast, monkeypatch, mailoutbox):
    endpoint = make_endpoint(merchant=cast.merchant)
    Endpoint.objects.filter(pk=endpoint.pk).update(enabled=False, notice_due=True, disabled_reason="x")

    def down(*_, **__):
        raise ConnectionRefusedError

    with monkeypatch.context() as context:
        context.setattr(letters, "send_mail", down)
        assert owners.tell_owners() == 0
    assert owners.tell_owners() == 1
    assert len(mailoutbox) == 1


def test_an_owner_without_a_mailbox_is_given_up_and_the_others_are_told(make_endpoint, cast, monkeypatch):
    for merchant in (cast.merchant, cast.other):
        endpoint = make_endpoint(merchant=merchant)
        Endpoint.objects.filter(pk=endpoint.pk).update(enabled=False, notice_due=True, disabled_reason="x")
    sent = []

    def relay(subject, text, sender, to):
        if to == [cast.merchant_user.email]:
            raise smtplib.SMTPRecipientsRefused({to[0]: (550, b"5.1.1 no such user")})
        sent.extend(to)

    monkeypatch.setattr(letters, "send_mail", relay)

    assert (owners.tell_owners(), owners.tell_owners()) == (2, 0)
    assert sent == [cast.other_user.email]


# Rotation ---------------------------------------------------------------------------------------------------------


def verifies(secret, request):
    """Whether one of the values was made with `secret`, as Standard Webhooks says."""
    at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), tz=UTC)
    value = Webhook(secret).sign(request.headers["webhook-id"], at, request.body.decode())
    return value in request.headers["webhook-signature"].split(" ")


def test_both_secrets_verify_for_24_hours_and_then_only_the_new_one(make_endpoint, tell, clock):
    with there_are.receiver(OK) as there:
        endpoint = make_endpoint(there.url)
        old = services.reveal_secret(endpoint)
        new = services.rotate_secret(actor=TESTS, endpoint=endpoint)
        for hours in (0, 23, 1):
            clock.forward(hours=hours)
            tell()
            sending.drain()

    during, late, after = there.requests
    assert [verifies(new, request) for request in (during, late, after)] == [True, True, True]
    assert [verifies(old, request) for request in (during, late, after)] == [True, True, False]


def test_a_secret_that_no_key_opens_fails_its_delivery_and_no_other(make_endpoint, tell, monkeypatch):
    with there_are.receiver(OK) as there:
        broken, good = make_endpoint(there.url), make_endpoint(there.url)
        Endpoint.objects.filter(pk=broken.pk).update(secret_encrypted="no such token")
        tell()
        sending.drain()

    by_endpoint = {one.endpoint_id: (one.status, one.last_error) for one in Delivery.objects.all()}
    assert by_endpoint[broken.pk] == ("retrying", "the gateway could not make this request")
    assert by_endpoint[good.pk] == ("succeeded", "")


def test_secrets_reencrypted_under_a_new_key_still_sign(make_endpoint, tell, only, settings):
    with there_are.receiver(OK) as there:
        endpoint = make_endpoint(there.url)
        secret = services.reveal_secret(endpoint)
        settings.GATEWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.GATEWAY_ENCRYPTION_KEYS]
        call_command("rotate_encryption_keys", stdout=StringIO())
        settings.GATEWAY_ENCRYPTION_KEYS = settings.GATEWAY_ENCRYPTION_KEYS[:1]
        tell()
        sending.drain()

    assert only().status == "succeeded"
    assert verifies(secret, there.requests[0])
    assert secrets.uses_first_key(Endpoint.objects.get().secret_encrypted)
