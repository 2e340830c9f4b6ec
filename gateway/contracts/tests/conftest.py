"""What the tests of the doors share: a client that calls as any of the cast, and checks every answer against the
contract's own OpenAPI document.
"""

from __future__ import annotations

import io
import itertools
import json
import logging
import re
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from accounts.models import PortalKey
from gateway.celery import app
from gateway.contracts.document_testing import check_documented
from gateway.lib import http_addresses
from gateway.lib.secrets import digest

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PEOPLE = ("super_admin", "admin", "other_admin", "merchant_user", "api_user", "other_user")


@pytest.fixture(autouse=True)
def calm(settings, monkeypatch):
    """Generous limits, no name server, and no message to a broker."""
    settings.PORTAL_RATE_LIMITS = dict.fromkeys(settings.PORTAL_RATE_LIMITS, 100_000)
    settings.FAILED_AUTH_RATE_LIMIT = 100_000
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    monkeypatch.setattr(http_addresses, "resolve", lambda host, port: ["1.1.1.1"])
    monkeypatch.setattr(app, "send_task", lambda name, **_: None)


@pytest.fixture(scope="session")
def counters_file(tmp_path_factory):
    return str(tmp_path_factory.mktemp("counters") / "cache.sqlite3")


@pytest.fixture(autouse=True)
def own_counters(settings, counters_file):
    """Processes that test side by side must not clear each other's counters."""
    default = settings.CACHES["default"]
    if "Sqlite" in default["BACKEND"]:
        settings.CACHES = settings.CACHES | {"default": default | {"LOCATION": counters_file}}
    yield
    caches["default"].clear()  # before the settings are put back, so that it is these counters


@pytest.fixture(autouse=True)
def shared_counters_work(monkeypatch):
    """No test leaves the rate limiter resting for the next one."""
    monkeypatch.setattr("gateway.contracts.limits._resting_until", 0.0)


class Api:
    """`api("merchant_user", "GET", "/balance")` → the response, checked against the document."""

    def __init__(self, cast):
        self.cast = cast
        self.client = Client(raise_request_exception=False)

    def key(self, who, mode="test"):
        return self.cast.keys[getattr(self.cast, who).public_id, mode]

    def __call__(self, who, method, path, body=None, *, mode="test", raw=None, headers=None, content_type=None):
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = ({"X-API-KEY": self.key(who, mode)} if who else {}) | (headers or {})
        response = self.client.generic(
            method, f"/api/v1{path}", content, content_type=content_type or "application/json", headers=sent
        )
        check_documented("portal", method, path, response)
        return response


@pytest.fixture
def api(cast):
    # Noting a key's last use once a minute would add a query to each test's first call.
    PortalKey.objects.update(last_used_at=timezone.now() + timedelta(hours=1))
    return Api(cast)


def refused(response, status, code):
    """Asserts a refusal of the portal, and returns its `error`."""
    body = response.json()
    assert (response.status_code, body["error"]["code"]) == (status, code), body
    assert body["success"] is False
    assert set(body) == {"success", "error"}
    assert body["error"]["status"] == status
    assert body["error"]["message"]
    assert TIMESTAMP.fullmatch(body["error"]["timestamp"])
    return body["error"]


@pytest.fixture(name="refused")
def refused_fixture():
    return refused


@pytest.fixture
def payment_body():
    numbers = itertools.count(1)
    return lambda **more: {"amount": 500, "order_id": f"ORDER-{next(numbers)}"} | more


@pytest.fixture
def payout_body():
    numbers = itertools.count(1)
    return lambda **more: {
        "amount": 100, "order_id": f"PAYOUT-{next(numbers)}", "beneficiary_name": "Asha Rao",
        "account_number": "001234567890", "ifsc": "HDFC0001234",
    } | more


@pytest.fixture
def logged():
    """`logged()` is everything logged so far, formatted (and scrubbed) as it would be written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(next(item.formatter for item in logging.root.handlers if _is_ours(item)))
    logging.root.addHandler(handler)
    yield stream.getvalue
    logging.root.removeHandler(handler)


def _is_ours(handler):
    return type(handler.formatter).__module__.startswith("structlog")


@pytest.fixture
def key_digest():
    return lambda key: digest(key, purpose="portal-key")
