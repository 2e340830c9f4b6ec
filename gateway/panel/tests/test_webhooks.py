"""Webhooks in the panel: whose endpoints they are, what a test and a retry show, and what is never shown."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from gateway.lib.http_testing import answer, receiver
from webhooks import rendering, services
from webhooks.models import Delivery, Endpoint

DOWN = "http://127.0.0.1:1999/hook"


@pytest.fixture(autouse=True)
def quick(settings):
    settings.WEBHOOK_TIMEOUT_SECONDS = 2
    settings.WEBHOOK_ALLOW_LOOPBACK = True


def _secrets(*endpoints):
    return [services.reveal_secret(endpoint) for endpoint in endpoints]


# Whose they are ---------------------------------------------------------------------------------------------
_SEES = {"super_admin": 200, "admin": 200, "merchant_user": 200, "other_admin": 404, "other_user": 404, "api_user": 404}


@pytest.mark.parametrize(("who", "status"), _SEES.items())
@pytest.mark.django_db(transaction=True)
def test_endpoint_and_delivery_are_seen_by_their_own_people_only(
    cast, signed_in, make_endpoint, delivered, who, status
):
    endpoint = make_endpoint(cast.merchant)
    delivery = delivered(endpoint, cast.admin, send=False)
    client = signed_in(getattr(cast, who))

    assert client.get(reverse("panel:endpoint", args=[endpoint.pk])).status_code == status
    assert client.get(reverse("panel:delivery", args=[delivery.pk])).status_code == status
    for name in ("webhooks", "deliveries"):
        page = client.get(reverse(f"panel:{name}"))
        assert page.status_code == (404 if who == "api_user" else 200)
        assert (DOWN in page.content.decode()) == (status == 200)


def test_the_other_mode_s_endpoints_are_not_there(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant, mode="live")
    client = signed_in(cast.merchant_user)

    assert client.get(reverse("panel:endpoint", args=[endpoint.pk])).status_code == 404
    assert DOWN not in client.get(reverse("panel:webhooks")).content.decode()


_CHANGES = ["edit", "delete", "test", "secret", "rotate"]


@pytest.mark.parametrize("name", _CHANGES)
@pytest.mark.parametrize("who", ["super_admin", "admin", "other_user", "api_user"])
def test_only_the_merchant_changes_tests_or_reveals(cast, signed_in, make_endpoint, name, who):
    endpoint = make_endpoint(cast.merchant)
    (secret,) = _secrets(endpoint)

    got = signed_in(getattr(cast, who)).post(
        reverse(f"panel:endpoint-{name}", args=[endpoint.pk]), {"url": "http://127.0.0.1:2000/", "enabled": ""}
    )

    endpoint.refresh_from_db()
    assert got.status_code == 404
    assert (endpoint.url, endpoint.enabled, endpoint.deleted_at) == (DOWN, True, None)
    assert _secrets(endpoint) == [secret]
    assert Delivery.objects.count() == 0


@pytest.mark.parametrize("who", ["super_admin", "admin", "api_user"])
def test_only_a_merchant_adds_an_endpoint(cast, signed_in, who):
    client = signed_in(getattr(cast, who))

    assert client.post(reverse("panel:endpoint-new"), {"url": DOWN, "contract": "portal"}).status_code == 404
    assert Endpoint.objects.count() == 0


def test_an_operator_sees_no_buttons(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant)

    page = signed_in(cast.admin).get(reverse("panel:endpoint", args=[endpoint.pk])).content.decode()

    assert "Send a test" not in page
    assert not any(reverse(f"panel:endpoint-{name}", args=[endpoint.pk]) in page for name in _CHANGES)


@pytest.mark.parametrize("name", _CHANGES)
def test_forged_forms_are_refused(cast, signed_in, make_endpoint, name):
    endpoint = make_endpoint(cast.merchant)
    (secret,) = _secrets(endpoint)
    client = signed_in(cast.merchant_user, enforce_csrf_checks=True)

    got = client.post(reverse(f"panel:endpoint-{name}", args=[endpoint.pk]), {"url": "http://127.0.0.1:2000/"})

    endpoint.refresh_from_db()
    assert got.status_code == 403
    assert secret not in got.content.decode()
    assert (endpoint.url, endpoint.deleted_at, _secrets(endpoint)) == (DOWN, None, [secret])


# Making and changing ----------------------------------------------------------------------------------------
def test_a_merchant_adds_an_endpoint_with_chosen_events(cast, signed_in):
    client = signed_in(cast.merchant_user)

    got = client.post(
        reverse("panel:endpoint-new"),
        {
            "url": DOWN, "contract": "portal", "events_portal": ["payout.processed", "payment.failed"], "enabled": "on",
        },
    )

    made = Endpoint.objects.get()
    assert got["Location"] == reverse("panel:endpoint", args=[made.pk])
    assert (made.merchant, made.mode, made.url) == (cast.merchant, "test", DOWN)
    assert made.events == ["payment.failed", "payout.processed"]
    assert (made.enabled, made.created_by) == (True, cast.merchant_user)


def test_each_contract_has_its_own_events(cast, signed_in, monkeypatch):
    monkeypatch.setattr(rendering, "_contracts", dict(rendering._contracts))
    services.register_renderer("checkout", lambda *_: None, ["payment.success", "payment.failed"])
    client = signed_in(cast.merchant_user)

    client.post(
        reverse("panel:endpoint-new"),
        {
            "url": DOWN, "contract": "checkout", "events_portal": ["payout.processed"],
            "events_checkout": ["payment.success"], "enabled": "on",
        },
    )

    assert (Endpoint.objects.get().contract, Endpoint.objects.get().events) == ("checkout", ["payment.success"])


@pytest.mark.parametrize(
    "url", ["", "ftp://shop.example/x", "javascript:alert(1)", "http://10.0.0.1/", "http://169.254.169.254/latest"]
)
def test_a_bad_address_is_told_beside_its_field(cast, signed_in, url):
    got = signed_in(cast.merchant_user).post(reverse("panel:endpoint-new"), {"url": url, "contract": "portal"})

    assert got.status_code == 422
    assert 'id="id_url_error"' in got.content.decode()
    assert Endpoint.objects.count() == 0


def test_editing_keeps_the_secret_and_changes_the_rest(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant)
    before = _secrets(endpoint)

    signed_in(cast.merchant_user).post(
        reverse("panel:endpoint-edit", args=[endpoint.pk]),
        {"url": "http://127.0.0.1:2000/new", "events": ["payment.completed"]},
    )

    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.events, endpoint.enabled) == ("http://127.0.0.1:2000/new", ["payment.completed"], False)
    assert _secrets(endpoint) == before


def test_a_deleted_endpoint_is_gone(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant)
    client = signed_in(cast.merchant_user)

    got = client.post(reverse("panel:endpoint-delete", args=[endpoint.pk]))

    assert got["Location"] == reverse("panel:webhooks")
    assert client.get(reverse("panel:endpoint", args=[endpoint.pk])).status_code == 404


@pytest.mark.parametrize("name", ["delete", "rotate", "retry-failed"])
def test_asking_changes_nothing(cast, signed_in, make_endpoint, name):
    endpoint = make_endpoint(cast.merchant)
    before = _secrets(endpoint)

    assert signed_in(cast.merchant_user).get(reverse(f"panel:endpoint-{name}", args=[endpoint.pk])).status_code == 200

    endpoint.refresh_from_db()
    assert (endpoint.deleted_at, _secrets(endpoint)) == (None, before)


@pytest.mark.parametrize("name", ["test", "secret"])
def test_what_sends_or_reveals_is_never_a_get(cast, signed_in, make_endpoint, name):
    endpoint = make_endpoint(cast.merchant)

    assert signed_in(cast.merchant_user).get(reverse(f"panel:endpoint-{name}", args=[endpoint.pk])).status_code == 405


# Secrets ----------------------------------------------------------------------------------------------------
def test_a_secret_is_shown_to_its_owner_in_one_answer_only(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant)
    (secret,) = _secrets(endpoint)
    client = signed_in(cast.merchant_user)

    shown = client.post(reverse("panel:endpoint-secret", args=[endpoint.pk]))

    assert secret in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    for address in (reverse("panel:webhooks"), reverse("panel:endpoint", args=[endpoint.pk])):
        assert secret not in client.get(address).content.decode()


def test_a_checkout_secret_is_shown_in_both_its_forms(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant, contract="checkout")
    (secret,) = _secrets(endpoint)

    page = signed_in(cast.merchant_user).post(reverse("panel:endpoint-secret", args=[endpoint.pk])).content.decode()

    assert re.fullmatch(r"[0-9a-f]{32}", secret)
    assert secret in page
    assert "whsec_" in page


def test_rotating_makes_a_new_secret_and_says_how_long_the_old_one_signs(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant)
    (old,) = _secrets(endpoint)
    client = signed_in(cast.merchant_user)

    client.post(reverse("panel:endpoint-rotate", args=[endpoint.pk]))

    endpoint.refresh_from_db()
    page = client.get(reverse("panel:endpoint", args=[endpoint.pk])).content.decode()
    assert _secrets(endpoint) != [old]
    assert "The old secret signs beside the new one until" in page
    assert not any(secret in page for secret in (old, *_secrets(endpoint)))


# Sending ----------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_test_is_sent_at_once_and_shown_as_it_was(cast, signed_in, make_endpoint):
    with receiver(answer(202, b"<b>thanks</b>")) as there:
        endpoint = make_endpoint(cast.merchant, there.url)

        page = signed_in(cast.merchant_user).post(reverse("panel:endpoint-test", args=[endpoint.pk])).content.decode()

    assert len(there.requests) == 1
    assert "It was accepted." in page
    assert "HTTP 202" in page
    assert re.search(r"\d+ ms", page)
    assert "&lt;b&gt;thanks&lt;/b&gt;" in page
    assert "<b>thanks" not in page


@pytest.mark.django_db(transaction=True)
def test_a_test_that_finds_nobody_says_so(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant)

    page = signed_in(cast.merchant_user).post(reverse("panel:endpoint-test", args=[endpoint.pk])).content.decode()

    assert "It was not accepted." in page
    assert Delivery.objects.get().status == "failed"


@pytest.mark.django_db(transaction=True)
def test_what_receivers_and_payers_say_is_text(cast, signed_in, make_endpoint, delivered):
    evil = "<script>alert(1)</script>"
    with receiver(answer(500, evil.encode(), {"X-Evil": evil})) as there:
        delivery = delivered(make_endpoint(cast.merchant, there.url), cast.admin, payer_name=evil)

    page = signed_in(cast.merchant_user).get(reverse("panel:delivery", args=[delivery.pk])).content.decode()

    assert "alert(1)" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("name", ["webhooks", "deliveries", "endpoint-new"])
def test_a_stranger_is_asked_to_sign_in(db, name):
    assert Client().get(reverse(f"panel:{name}")).status_code == 302
