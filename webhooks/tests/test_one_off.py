"""Deliveries to an address that one record asked for: only about it, signed with what the merchant knows."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from gateway.lib import secrets
from webhooks import claiming, one_off, rendering
from webhooks.errors import UrlNotAllowed
from webhooks.models import CallbackSecret, Delivery, Endpoint
from webhooks.queries import endpoints, merchant_endpoints
from webhooks.services import create_endpoint, emit, register_renderer, rotate_secret

pytestmark = pytest.mark.django_db
URL = "https://shop.example/back?order=1"


@pytest.fixture(autouse=True)
def speaks():
    before = dict(rendering._contracts)
    register_renderer("dashboard", lambda kind, subject: (kind, {"id": subject}), ["session.paid", "session.failed"])
    yield
    rendering._contracts.clear()
    rendering._contracts.update(before)


def listed(merchant, url, **more):
    return create_endpoint(
        actor=Actor.system("tests"), merchant=merchant, mode="test", url=url, contract="dashboard", **more
    )


def asked(merchant, url=URL):
    return one_off.ensure_one_off(merchant=merchant, mode="test", contract="dashboard", url=url)


def tell(merchant, also=None, kind="session.paid"):
    emit(event_type=kind, merchant=merchant, mode="test", subject="s", subject_id="s", also=also)


def signing():
    (leased,) = claiming.claim({}, limit=10)
    from django.utils import timezone

    return leased.endpoint.signing_secrets(timezone.now())


def test_only_the_record_that_asked_is_told_there(cast):
    endpoint = asked(cast.merchant)

    tell(cast.merchant)
    assert Delivery.objects.count() == 0
    tell(cast.merchant, also=endpoint)

    assert Delivery.objects.get().endpoint == endpoint


def test_it_is_listed_nowhere_and_counts_for_no_limit(cast, viewer_of):
    asked(cast.merchant)

    assert (list(endpoints(viewer_of(cast.merchant_user))), list(merchant_endpoints(cast.merchant, "test"))) == ([], [])


def test_the_same_address_twice_is_one_endpoint_open_again(cast):
    first = asked(cast.merchant)
    Endpoint.objects.update(enabled=False, disabled_reason="endpoint disabled: it answered 410 Gone")

    again = asked(cast.merchant)

    assert (again.pk, again.enabled, again.disabled_reason) == (first.pk, True, "")
    assert asked(cast.other).pk != first.pk


def test_who_is_told_already_is_not_told_twice(cast):
    listed(cast.merchant, URL)
    tell(cast.merchant, also=asked(cast.merchant))
    assert Delivery.objects.count() == 1

    Endpoint.objects.filter(one_off=False).update(events=["session.failed"])
    tell(cast.merchant, also=asked(cast.merchant))
    assert Delivery.objects.count() == 2


def test_without_an_endpoint_it_signs_with_the_callback_secret(cast):
    tell(cast.merchant, also=asked(cast.merchant))

    own = secrets.decrypt(CallbackSecret.objects.get().secret_encrypted)

    assert signing() == [own] == [one_off.signs_with(cast.merchant, "test", "dashboard")]
    assert own.startswith("whsec_")


def test_with_an_endpoint_it_signs_as_that_does_also_while_it_rotates(cast):
    endpoint, old = listed(cast.merchant, "https://shop.example/hook", events=["session.failed"])
    new = rotate_secret(actor=Actor.system("tests"), endpoint=endpoint)
    tell(cast.merchant, also=asked(cast.merchant))

    assert signing() == [new, old]
    assert one_off.signs_with(cast.merchant, "test", "dashboard") == new
    assert Endpoint.objects.get(one_off=True).secret_encrypted == ""


@pytest.mark.parametrize("url", [
    "http://10.1.2.3/x", "http://169.254.169.254/latest", "ftp://shop.example/x", "http://user:pw@shop.example/", "nonsense",
])
def test_an_address_that_may_not_be_reached_is_refused(url, settings):
    settings.WEBHOOK_ALLOW_LOOPBACK = False

    with pytest.raises(UrlNotAllowed):
        one_off.check_callback_url(url)
