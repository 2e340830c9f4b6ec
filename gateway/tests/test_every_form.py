"""Every address that changes something, without its token; and every page when each stored text is hostile."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from gateway.panel import urls
from gateway.pay import urls as pay_urls
from gateway.tests.hostile import STRINGS, poison
from gateway.tests.test_every_page import filled, grouped  # noqa: F401
from tests import pages

_SAMPLES = {"str": "x", "int": 1, "uuid": uuid.UUID(int=7), "order_id": "order_0123456789abcdef"}


def _changing():
    """(address, name) of what takes a POST."""
    for door, patterns in (("panel", urls.urlpatterns), ("pay", pay_urls.urlpatterns)):
        for pattern in patterns:
            methods = getattr(pattern.callback, "panel_methods", ("POST",))
            if "POST" in methods:
                sample = [_sample(converter) for converter in pattern.pattern.converters.values()]
                yield reverse(f"{door}:{pattern.name}", args=sample)


def _sample(converter):
    name = type(converter).__name__.removesuffix("Converter").lower()
    return _SAMPLES["order_id" if name == "orderid" else {"string": "str"}.get(name, name)]


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["super_admin", "merchant_user"])
def test_no_form_of_any_address_is_taken_without_its_token(cast, who):
    client = Client(enforce_csrf_checks=True)
    client.force_login(getattr(cast, who), backend="accounts.backends.PanelBackend")
    addresses = list(_changing())

    statuses = {address: client.post(address, {"reason": "x"}).status_code for address in addresses}

    assert len(addresses) > 90
    # A payer's bank has no token of ours; nothing that it sends is read (gateway/pay/tests/test_bank_step.py).
    from_a_bank = {"/pay/x/return": 404, "/pay/order_0123456789abcdef/return": 404}
    assert {address: status for address, status in statuses.items() if status not in (403, 405)} == from_a_bank


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_of_sixty_hostile_strings_in_every_stored_text_none_runs_on_any_page(cast, browse, filled):  # noqa: F811
    fields = poison()
    everything = grouped(pages.panel_pages(filled))
    faults = []

    assert len(STRINGS) == 60
    assert len(fields) > 60
    for user, mode in ((cast.super_admin, "test"), (cast.super_admin, "live"), (cast.merchant_user, "test")):
        role = str(user.role)
        page = browse(user, mode=mode, bypass_csp=True, tolerates=("status of 404",))
        for one in everything[role, mode]:
            page.goto(one.path)
            if page.evaluate("window.ran") is not None or page.locator("[src*=evil],[href*='//evil'],base").count():
                faults.append(f"{one.name} as {role}")
    page = browse(bypass_csp=True)
    for name, path in filled.hosted.items():
        page.goto(path)
        if page.evaluate("window.ran") is not None or re.search(r"<script>window", page.content()):
            faults.append(name)

    assert faults == []
