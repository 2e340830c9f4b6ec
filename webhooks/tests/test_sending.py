"""Deliveries to real receivers on loopback: what arrives, what is written down, and what follows."""

import json
import time
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from gateway.lib import http_addresses
from gateway.lib import http_testing as there_are
from webhooks import sending, services
from webhooks.models import Attempt, Delivery

pytestmark = pytest.mark.django_db
OK = there_are.answer()


def test_a_delivery_arrives_signed_and_is_written_down(make_endpoint, tell, only):
    with there_are.receiver(there_are.answer(202, b"thanks", {"X-Mine": "1"})) as there:
        endpoint = make_endpoint(there.url + "?shop=1")
        event = tell(payer="Zoë")
        assert sending.drain() == 1

    [request] = there.requests
    body = '{"event":"payment.completed","payer":"Zoë"}'
    assert (request.method, request.path, request.body) == ("POST", "/hook?shop=1", body.encode())
    sent = {name: request.headers[name.lower()] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    assert Webhook(services.reveal_secret(endpoint)).verify(body, sent) == json.loads(body)
    assert sent["webhook-id"] == event.public_id
    assert request.headers["content-type"] == "application/json"
    delivery, attempt = only(), Attempt.objects.get()
    assert (delivery.status, delivery.attempt_count, delivery.last_response_status) == ("succeeded", 1, 202)
    assert (delivery.due_at, delivery.lease, delivery.leased_until, delivery.last_error) == (None, "", None, "")
    assert (attempt.number, attempt.response_status, attempt.response_body, attempt.error) == (1, 202, "thanks", "")
    assert attempt.response_headers["x-mine"] == "1"
    assert attempt.request_headers["X-Signature"] == request.headers["x-signature"]
    assert attempt.duration_ms < 500
    assert services.reveal_secret(endpoint) not in json.dumps(attempt.request_headers)


def test_nothing_due_is_nothing_to_do(make_endpoint, tell, clock):
    make_endpoint()
    tell()
    Delivery.objects.update(due_at=clock.now + timedelta(seconds=1))

    assert sending.drain() == 0


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_acknowledges(make_endpoint, tell, only, status):
    with there_are.receiver(there_are.answer(status, b"")) as there:
        make_endpoint(there.url)
        tell()
        sending.drain()

    assert (only().status, only().last_response_status) == ("succeeded", status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 502, 503, 504])
def test_any_other_answer_is_tried_again(make_endpoint, tell, only, status, clock):
    with there_are.receiver(there_are.answer(status, b"no")) as there:
        make_endpoint(there.url)
        tell()
        sending.drain()

    assert (only().status, only().last_response_status, only().last_error) == ("retrying", status, f"answered {status}")
    assert timedelta(seconds=4) <= only().due_at - clock.now <= timedelta(seconds=6)
    assert len(there.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(make_endpoint, tell, only, status):
    with there_are.receiver(OK) as elsewhere:
        redirect = there_are.answer(status, b"", {"Location": elsewhere.url})
        with there_are.receiver(redirect) as there:
            make_endpoint(there.url)
            tell()
            sending.drain()

    assert (only().status, only().last_error) == ("retrying", f"answered {status}: redirects are not followed")
    assert elsewhere.connections == 0


NASTY = {
    "silent": ("retrying", "no answer within 0.7 s"),
    "drip_header": ("retrying", "no answer within 0.7 s"),
    "drip_body": ("succeeded", ""),  # its 2xx had arrived
    "endless_chunks": ("succeeded", ""),
    "huge_body": ("succeeded", ""),
    "header_flood": ("retrying", "answer is not valid HTTP"),
    "interim_flood": ("retrying", "answer is not valid HTTP"),
    "reset": ("retrying", "connection reset"),
    "close_at_once": ("retrying", "connection closed without an answer"),
    "not_http": ("retrying", "answer is not valid HTTP"),
}


@pytest.mark.parametrize(("behaviour", "end"), NASTY.items())
def test_every_attempt_ends_in_time_and_keeps_little(make_endpoint, tell, only, behaviour, end):
    with there_are.receiver(getattr(there_are, behaviour)) as there:
        make_endpoint(there.url)
        tell()
        started = time.monotonic()
        sending.drain()
        took = time.monotonic() - started

    assert took < 0.7 + 1
    assert (only().status, only().last_error) == end
    assert len(Attempt.objects.get().response_body) <= 4096
    assert Attempt.objects.get().error == end[1]


def test_a_refused_connection_is_told_in_words(make_endpoint, tell, only):
    with there_are.receiver(OK) as there:
        pass
    make_endpoint(there.url)
    tell()

    sending.drain()

    assert (only().status, only().last_error, only().last_response_status) == ("retrying", "connection refused", None)


def test_what_a_receiver_says_is_kept_as_storable_text(make_endpoint, tell):
    rude = there_are.answer(500, b"\0caf\xe9 " + b"a" * 10_000, {"X-Odd": "\xff", "X-Long": "b" * 5000})
    with there_are.receiver(rude) as there:
        make_endpoint(there.url)
        tell()
        sending.drain()

    attempt = Attempt.objects.get()
    assert attempt.response_body == "\ufffdcaf\ufffd " + "a" * (4096 - 6)
    assert attempt.response_headers["x-odd"] == "\ufffd"
    assert attempt.response_headers["x-long"] == "b" * 500


# Addresses, at sending --------------------------------------------------------------------------------------------


def test_a_name_that_turns_to_loopback_after_saving_gets_no_connection(
    make_endpoint, tell, only, settings, monkeypatch
):
    settings.WEBHOOK_ALLOW_LOOPBACK = False
    with there_are.receiver(OK) as there:
        make_endpoint(there.url.replace("127.0.0.1", "shop.example"))
        monkeypatch.setattr(http_addresses, "resolve", lambda host, port: ["127.0.0.1"])
        tell()
        sending.drain()

    assert there.connections == 0
    assert (only().status, only().last_error) == ("retrying", "address is not public")


def test_an_address_saved_while_loopback_was_allowed_gets_no_connection_later(make_endpoint, tell, only, settings):
    with there_are.receiver(OK) as there:
        make_endpoint(there.url)
        settings.WEBHOOK_ALLOW_LOOPBACK = False
        tell()
        sending.drain()

    assert there.connections == 0
    assert only().last_error == "address is not public"
