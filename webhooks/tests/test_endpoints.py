"""Endpoints: who may have which address, events and secrets, and what each change leaves behind."""

import json
import re
from datetime import timedelta

import pytest

from accounts.actors import Viewer
from accounts.models import AuditRecord
from gateway.lib import http_addresses
from gateway.lib.errors import InvalidFields
from webhooks import queries, services
from webhooks.errors import TooManyEndpoints, UnknownEvents, UrlNotAllowed
from webhooks.models import Delivery, Endpoint
from webhooks.tests.conftest import EVENTS, TESTS

pytestmark = pytest.mark.django_db


def test_an_endpoint_is_made_with_a_secret_that_can_be_shown_again(merchant):
    endpoint, secret = services.create_endpoint(
        actor=TESTS, merchant=merchant, mode="test", url="https://shop.example/hook?token=abc"
    )

    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert services.reveal_secret(Endpoint.objects.get()) == secret
    assert secret not in endpoint.secret_encrypted
    assert (endpoint.contract, endpoint.events, endpoint.enabled) == ("portal", [], True)
    record = AuditRecord.objects.get(action="webhook_endpoint.created", target=str(endpoint.pk))
    assert record.data == {"contract": "portal", "url": "https://shop.example/hook", "events": []}
    assert (record.merchant_id, record.mode) == (merchant.pk, "test")


def test_checkout_secrets_are_bare_hex(make_endpoint):
    endpoint = make_endpoint(contract="checkout")

    assert re.fullmatch(r"[0-9a-f]{32}", services.reveal_secret(endpoint))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://10.0.0.1/", "http://169.254.169.254/", "http://[::ffff:127.0.0.1]/", "ftp://a.example/",
     "http://2130706433/", "https://user@shop.example/", "https://shop.example\\@10.0.0.1/", "javascript:alert(1)", ""],
)
def test_an_address_that_is_not_public_is_refused_at_saving(make_endpoint, settings, url):
    settings.WEBHOOK_ALLOW_LOOPBACK = False
    endpoint = make_endpoint("https://shop.example/")

    with pytest.raises(UrlNotAllowed) as refusal:
        make_endpoint(url)
    with pytest.raises(UrlNotAllowed):
        services.update_endpoint(actor=TESTS, endpoint=endpoint, url=url)

    assert list(refusal.value.details["fields"]) == ["url"]
    assert [row.url for row in Endpoint.objects.all()] == ["https://shop.example/"]
    assert AuditRecord.objects.count() == 1


def test_a_name_with_a_private_address_is_refused_at_saving(make_endpoint, monkeypatch):
    monkeypatch.setattr(http_addresses, "resolve", lambda host, port: ["1.1.1.1", "10.0.0.1"])

    with pytest.raises(UrlNotAllowed, match="address is not public"):
        make_endpoint("https://shop.example/")

    assert not Endpoint.objects.exists()


def test_events_are_those_of_the_contract_each_once_in_its_order(make_endpoint):
    endpoint = make_endpoint(events=["payout.processed", "payment.completed", "payout.processed"])

    assert endpoint.events == ["payment.completed", "payout.processed"]
    with pytest.raises(UnknownEvents, match=r"unknown: payin\.succeeded; the events are payment\.completed, "):
        make_endpoint(events=["payin.succeeded", "payment.completed"])
    assert Endpoint.objects.count() == 1


@pytest.mark.parametrize(
    "more", [{"contract": "soap"}, {"retry_config": {"max_retries": 11, "retry_interval": 60}},
             {"retry_config": {"max_retries": 3, "retry_interval": 9}}, {"retry_config": {"max_retries": 3}},
             {"retry_config": {"max_retries": True, "retry_interval": 60}},
             {"retry_config": {"max_retries": 3, "retry_interval": 86_401}}],
)
def test_bad_settings_are_refused(make_endpoint, more):
    with pytest.raises(InvalidFields):
        make_endpoint(**more)

    assert not Endpoint.objects.exists()


def test_a_merchant_has_a_limited_number_of_endpoints_in_each_mode(make_endpoint, monkeypatch):
    monkeypatch.setattr(services, "MAX_ENDPOINTS", 2)
    first = make_endpoint()
    make_endpoint()

    with pytest.raises(TooManyEndpoints):
        make_endpoint()
    make_endpoint(mode="live")
    services.delete_endpoint(actor=TESTS, endpoint=first)
    make_endpoint()

    assert Endpoint.objects.filter(mode="test", deleted_at=None).count() == 2


def test_a_change_is_written_down_and_touches_nothing_else(make_endpoint, fresh):
    endpoint = make_endpoint(retry_config={"max_retries": 2, "retry_interval": 60})
    secret = services.reveal_secret(endpoint)

    services.update_endpoint(actor=TESTS, endpoint=endpoint, url="https://new.example/?k=1", events=EVENTS[:1])

    changed = fresh(endpoint)
    assert (changed.url, changed.events) == ("https://new.example/?k=1", ["payment.completed"])
    assert (changed.enabled, changed.retry_config) == (True, {"max_retries": 2, "retry_interval": 60})
    assert services.reveal_secret(changed) == secret
    record = AuditRecord.objects.get(action="webhook_endpoint.updated")
    url = ["https://shop.example/hook", "https://new.example/"]
    assert record.data == {"changed": {"url": url, "events": [[], ["payment.completed"]]}}


def test_disabling_gives_up_what_waits_and_enabling_starts_afresh(make_endpoint, tell, fresh, only, clock):
    endpoint = make_endpoint()
    tell()
    Endpoint.objects.update(failing_since=clock.now, disabled_reason="x", notice_due=True)

    services.update_endpoint(actor=TESTS, endpoint=endpoint, enabled=False)

    assert (only().status, only().due_at, only().last_error) == ("failed", None, "endpoint disabled by its owner")
    tell()
    assert Delivery.objects.count() == 1
    services.update_endpoint(actor=TESTS, endpoint=endpoint, enabled=True)
    again = fresh(endpoint)
    assert (again.enabled, again.failing_since, again.disabled_reason, again.notice_due) == (True, None, "", False)
    assert only().status == "failed"


def test_a_deleted_endpoint_is_gone_and_its_deliveries_are_kept(make_endpoint, tell, only, cast, viewer_of):
    endpoint = make_endpoint(merchant=cast.merchant)
    services.emit(event_type="payment.succeeded", merchant=cast.merchant, mode="test", subject={}, subject_id="pay_1")

    services.delete_endpoint(actor=TESTS, endpoint=endpoint)

    viewer = viewer_of(cast.merchant_user)
    assert not queries.endpoints(viewer).exists()
    assert queries.deliveries(viewer).get() == only()
    assert (only().status, only().last_error) == ("failed", "endpoint deleted")


def test_after_a_rotation_both_secrets_sign_for_24_hours(make_endpoint, fresh, clock):
    endpoint = make_endpoint()
    old = services.reveal_secret(endpoint)

    new = services.rotate_secret(actor=TESTS, endpoint=endpoint)

    rotated = fresh(endpoint)
    assert services.reveal_secret(rotated) == new != old
    assert rotated.signing_secrets(clock.now) == [new, old]
    assert rotated.signing_secrets(clock.now + timedelta(hours=24, seconds=-1)) == [new, old]
    assert rotated.signing_secrets(clock.now + timedelta(hours=24)) == [new]


def test_a_second_rotation_forgets_the_oldest_secret(make_endpoint, fresh, clock):
    endpoint = make_endpoint()

    second = services.rotate_secret(actor=TESTS, endpoint=endpoint)
    third = services.rotate_secret(actor=TESTS, endpoint=endpoint)

    assert fresh(endpoint).signing_secrets(clock.now) == [third, second]


def test_no_secret_is_in_the_audit_trail(make_endpoint):
    endpoint = make_endpoint()
    secrets = [services.reveal_secret(endpoint), services.rotate_secret(actor=TESTS, endpoint=endpoint)]
    services.update_endpoint(actor=TESTS, endpoint=endpoint, enabled=False)

    trail = json.dumps(list(AuditRecord.objects.values_list("data", flat=True)))

    assert AuditRecord.objects.count() == 3
    assert not any(secret in trail for secret in secrets)


def test_viewers_see_their_own_in_their_mode(cast, make_endpoint, viewer_of):
    mine = make_endpoint(merchant=cast.merchant)
    live = make_endpoint(merchant=cast.merchant, mode="live")
    other = make_endpoint(merchant=cast.other)
    for merchant, mode in ((cast.merchant, "test"), (cast.merchant, "live"), (cast.other, "test")):
        services.emit(event_type="payment.succeeded", merchant=merchant, mode=mode, subject={}, subject_id="pay_1")

    def seen(user, mode="test"):
        viewer = Viewer(user, mode)
        endpoints = set(queries.endpoints(viewer))
        assert {delivery.endpoint for delivery in queries.deliveries(viewer)} == endpoints
        return endpoints

    assert seen(cast.merchant_user) == {mine}
    assert seen(cast.merchant_user, "live") == {live}
    assert seen(cast.other_user) == {other}
    assert seen(cast.admin) == {mine}
    assert seen(cast.other_admin) == {other}
    assert seen(cast.super_admin) == {mine, other}
    assert seen(cast.api_user) == set()


def test_event_names_are_the_contracts():
    assert queries.event_names("portal") == list(EVENTS)
    assert queries.event_names("dashboard") == []
