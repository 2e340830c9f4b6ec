"""The webhook URL in the profile's settings, where the original API page says it is."""

import pytest

from webhooks.models import Endpoint


@pytest.fixture
def page(client, cast, settings, monkeypatch):
    from gateway.lib import http_addresses

    monkeypatch.setattr(http_addresses, "resolve", lambda host, port: ["1.1.1.1"])

    def post(user, url):
        client.force_login(user)
        return client.post("/panel/profile", {"form": "webhook", "url": url})

    return post


def test_a_merchant_sets_and_changes_its_webhook_url(page, cast):
    assert page(cast.merchant_user, "https://shop.example/a").status_code == 302
    assert page(cast.merchant_user, "https://shop.example/b").status_code == 302

    endpoint = Endpoint.objects.get()
    assert (endpoint.url, endpoint.merchant, endpoint.mode, endpoint.contract) == (
        "https://shop.example/b", cast.merchant, "test", "portal",
    )


def test_a_bad_url_is_told_beside_the_field_and_sets_nothing(page, cast):
    answer = page(cast.merchant_user, "ftp://shop.example/a")

    assert answer.status_code == 422
    assert "Webhook URL" in answer.content.decode()
    assert Endpoint.objects.count() == 0


@pytest.mark.parametrize("who", ["super_admin", "admin", "api_user"])
def test_nobody_but_a_merchant_has_one(page, cast, client, who):
    page(getattr(cast, who), "https://shop.example/a")

    assert Endpoint.objects.count() == 0
    assert "Webhook URL" not in client.get("/panel/profile").content.decode()
