"""How often a delivery is tried again: an endpoint's own rule in the panel, both numbers or neither."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.actors import Actor
from webhooks.models import Endpoint
from webhooks.services import create_endpoint

OWN = {"max_retries": 3, "retry_interval": 300}


def sent(**changes):
    return {"url": "http://127.0.0.1:1999/hook", "contract": "checkout", "enabled": "on"} | changes


def test_an_endpoint_is_added_with_its_own_rule_and_shows_it(cast, signed_in):
    client = signed_in(cast.merchant_user)

    client.post(reverse("panel:endpoint-new"), sent(**OWN))

    endpoint = Endpoint.objects.get()
    assert endpoint.retry_config == OWN
    assert "3 times, every 300 seconds" in client.get(reverse("panel:endpoint", args=[endpoint.pk])).content.decode()


def test_without_numbers_the_standard_rule_holds(cast, signed_in):
    client = signed_in(cast.merchant_user)

    client.post(reverse("panel:endpoint-new"), sent(max_retries="", retry_interval=""))

    endpoint = Endpoint.objects.get()
    assert endpoint.retry_config == {}
    assert "Nine times within 75 hours" in client.get(reverse("panel:endpoint", args=[endpoint.pk])).content.decode()


def test_the_rule_is_changed_and_taken_back(cast, signed_in, make_endpoint):
    endpoint = make_endpoint(cast.merchant, retry_config=OWN)
    client, address = signed_in(cast.merchant_user), reverse("panel:endpoint-edit", args=[endpoint.pk])
    shown = client.get(address).context["form"]

    client.post(address, sent(max_retries="0", retry_interval="10"))
    changed = Endpoint.objects.get().retry_config
    client.post(address, sent(max_retries="", retry_interval=""))

    assert (shown["max_retries"].value(), shown["retry_interval"].value()) == (3, 300)
    assert changed == {"max_retries": 0, "retry_interval": 10}
    assert Endpoint.objects.get().retry_config == {}


@pytest.mark.parametrize(("given", "field", "says"), [
    ({"max_retries": "3"}, "retry_interval", "Fill in both, or neither."),
    ({"retry_interval": "300"}, "max_retries", "Fill in both, or neither."),
    ({"max_retries": "11", "retry_interval": "300"}, "max_retries", "less than or equal to 10"),
    ({"max_retries": "3", "retry_interval": "9"}, "retry_interval", "greater than or equal to 10"),
    ({"max_retries": "1.5", "retry_interval": "300"}, "max_retries", "whole number"),
])
def test_another_rule_is_refused_beside_its_field(cast, signed_in, make_endpoint, given, field, says):
    endpoint = make_endpoint(cast.merchant, retry_config=OWN)

    answer = signed_in(cast.merchant_user).post(reverse("panel:endpoint-edit", args=[endpoint.pk]), sent(**given))

    assert answer.status_code == 422
    assert says in str(answer.context["form"].errors[field])
    assert Endpoint.objects.get().retry_config == OWN


def test_a_moment_of_any_offset_is_read(cast, signed_in, settings):
    """PostgreSQL itself takes none beyond 15:59."""
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    made, _ = create_endpoint(
        actor=Actor.system("tests"), merchant=cast.merchant, mode="test", url="http://127.0.0.1:9001/x", contract="portal"
    )
    address = f"/panel/webhooks/deliveries/sending?endpoint={made.pk}&since=2026-01-01T00:00:00%2B20:00"

    assert signed_in(cast.super_admin).get(address).status_code == 200
