"""Names that others chose (of notes, of metadata, of headers) may be those of anything that a template looks up."""

from __future__ import annotations

import pytest
from django.urls import reverse

from crypto import testing
from gateway.lib.http_testing import answer, receiver


@pytest.fixture(autouse=True)
def quick(settings):
    settings.SIMULATED_BLOCK_SECONDS = 0
    settings.WEBHOOK_TIMEOUT_SECONDS = 2
    settings.WEBHOOK_ALLOW_LOOPBACK = True


def page_of(client, name, pk):
    got = client.get(reverse(f"panel:{name}", args=[pk]))
    assert got.status_code == 200
    return got.content.decode()


@pytest.mark.parametrize("value", ["3 shirts", [{"sku": "A-1"}], {"sku": "A-1"}, 7, None])
def test_metadata_may_be_called_items(cast, signed_in, value):
    session = testing.open_session(cast.merchant, "25", metadata={"items": value, "table": "T-9"})

    page = page_of(signed_in(cast.merchant_user), "session", session.pk)

    assert "<dt>items</dt>" in page
    assert "<dt>table</dt><dd>T-9</dd>" in page
    assert ("A-1" in page) == ("A-1" in str(value))


def test_a_note_may_be_called_items(cast, signed_in, make_payment):
    payment = make_payment(cast.merchant, notes={"items": "3 shirts", "keys": "2"})

    page = page_of(signed_in(cast.merchant_user), "payment", payment.public_id)

    assert "<dt>items</dt><dd>3 shirts</dd>" in page
    assert "<dt>keys</dt><dd>2</dd>" in page


@pytest.mark.django_db(transaction=True)
def test_a_receivers_header_may_be_called_items(cast, signed_in, make_endpoint, delivered):
    with receiver(answer(200, b"ok", {"Items": "two", "X-Trace": "abc-123"})) as there:
        endpoint = make_endpoint(cast.merchant, there.url)
        delivery = delivered(endpoint, cast.admin)

    page = page_of(signed_in(cast.merchant_user), "delivery", delivery.pk)

    assert '<span class="faint">items:</span> two' in page
    assert "abc-123" in page
