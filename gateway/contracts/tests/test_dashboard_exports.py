"""Exports over HTTP: what must be said, the signed link, whose it is, and for how long."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone

from accounts.models import Merchant
from crypto import testing
from crypto.exports.services import drive_exports, path_of
from crypto.models import Export
from gateway.contracts.dashboard.testing import Dashboard, call, refused

pytestmark = pytest.mark.django_db
ASKED = {"format": "csv", "type": "sessions", "start_date": "2020-01-01", "end_date": "2999-12-31"}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.EXPORT_DIR = str(tmp_path)
    settings.DASHBOARD_RATE_LIMITS = settings.DASHBOARD_RATE_LIMITS | {"exports": (1000, 3600)}


@pytest.fixture
def dashboard(cast):
    testing.open_session(cast.merchant, reference="A-1")
    testing.open_session(cast.merchant, reference="B-2", network="ETH", currency="USDC")
    return Dashboard(cast.merchant)


def path_of_link(told):
    """The link without its host, and without `/api/v1`."""
    return told["download_url"].partition("/api/v1")[2]


def test_a_small_export_and_its_file(dashboard):
    told = dashboard.get("/analytics/export", **ASKED)

    assert list(told) == ["export_id", "status", "download_url", "expires_at", "file_size", "record_count"]
    assert (told["status"], told["record_count"]) == ("ready", 2)
    assert told["file_size"].endswith("B")
    assert dashboard.get(f"/analytics/export/{told['export_id']}")["record_count"] == 2
    answer = call("GET", path_of_link(told))
    body = b"".join(answer.streaming_content)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert f'attachment; filename="{told["export_id"]}.csv"' == answer["Content-Disposition"]
    assert int(answer["Content-Length"]) == len(body) == Export.objects.get().file_size
    assert body.count(b"\r\n") == 3
    assert answer["X-RateLimit-Limit"] == "100"


@pytest.mark.parametrize(("format", "begins"), [("csv", b"Session,"), ("xlsx", b"PK"), ("json", b"{"), ("pdf", b"%PDF")])
@pytest.mark.parametrize("kind", ["sessions", "transactions", "addresses"])
def test_every_format_of_every_type(dashboard, format, begins, kind):
    told = dashboard.get("/analytics/export", **ASKED | {"format": format, "type": kind})

    content = b"".join(call("GET", path_of_link(told)).streaming_content)
    assert content.startswith(begins if kind == "sessions" or format != "csv" else b"Id,")
    assert told["record_count"] == (0 if kind == "transactions" else 2)


@pytest.mark.parametrize("sent", [
    {"filters": quote(json.dumps({"network": "ETH", "sort_by": "amount", "unknown": 1}))}, {"filters[network]": "ETH"},
    {"filters": quote('{"currency": "USDC", "status": "all"}')}, {"filters[search]": "b-2"},
])
def test_filters_are_those_of_the_list(dashboard, sent):
    assert dashboard.get("/analytics/export", **ASKED | sent)["record_count"] == 1


@pytest.mark.parametrize(("change", "parameter"), [
    ({"format": "doc"}, "format"), ({"type": "users"}, "type"), ({"start_date": "x"}, "start_date"), ({"format": ""}, "format"),
    ({"end_date": ""}, "end_date"), ({"start_date": "2026-02-01", "end_date": "2026-01-01"}, "start_date"),
    ({"filters": "x"}, "filters"), ({"filters": "[]"}, "filters"), ({"filters[network]": "BTC"}, "network"),
    ({"filters": quote('{"status": ["paid"]}')}, "filters"), ({"filters": quote('{"status": "x"}')}, "status"),
])
def test_what_an_export_may_not_say(dashboard, change, parameter):
    words = "&".join(f"{name}={value}" for name, value in (ASKED | change).items())

    refused(dashboard("GET", f"/dashboard/analytics/export?{words}"), 400, "INVALID_PARAMETER", parameter)
    assert not Export.objects.exists()


def test_a_larger_export_is_told_while_it_is_made(dashboard, monkeypatch):
    monkeypatch.setattr("crypto.exports.services.SMALL", 1)

    told = dashboard.get("/analytics/export", **ASKED)
    assert told == {"export_id": told["export_id"], "status": "pending", "records_done": 0}
    drive_exports()
    assert dashboard.get(f"/analytics/export/{told['export_id']}")["status"] == "ready"


def test_a_link_is_for_its_file_its_merchant_and_a_day(dashboard, cast):
    told = dashboard.get("/analytics/export", **ASKED)
    link, export = path_of_link(told), Export.objects.get()
    name, token = link.rpartition("/")[2].split("?token=")
    other = Dashboard(cast.other)

    for bad in (f"/dashboard/exports/{name}", f"/dashboard/exports/{name}?token={token}x",
                f"/dashboard/exports/exp_0000000000000000.csv?token={token}", link.replace(".csv", ".json")):
        refused(call("GET", bad), 404, "NOT_FOUND")
    for stranger in (other, Dashboard(cast.merchant, "live")):
        refused(stranger("GET", link), 404, "NOT_FOUND")
        refused(stranger("GET", f"/dashboard/analytics/export/{export.public_id}"), 404, "NOT_FOUND")
    refused(call("GET", link, headers={"X-API-Key": "test_sk_x"}), 401, "UNAUTHORIZED")
    assert dashboard("GET", link).status_code == 200
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    refused(call("GET", link), 404, "NOT_FOUND")
    assert dashboard.get(f"/analytics/export/{export.public_id}") == {"export_id": export.public_id, "status": "expired"}


def test_a_file_that_is_gone(dashboard):
    told = dashboard.get("/analytics/export", **ASKED)
    path_of(Export.objects.get()).unlink()

    refused(call("GET", path_of_link(told)), 404, "NOT_FOUND")


def test_the_state_is_counted_with_the_standard_limit(dashboard):
    told = dashboard.get("/analytics/export", **ASKED)

    assert dashboard("GET", f"/dashboard/analytics/export/{told['export_id']}")["X-RateLimit-Limit"] == "100"


def test_a_suspended_merchants_links_give_out_nothing(dashboard, cast):
    told = dashboard.get("/analytics/export", **ASKED)
    Merchant.objects.filter(pk=cast.merchant.pk).update(status="suspended")

    assert call("GET", path_of_link(told)).status_code == 404

    Merchant.objects.filter(pk=cast.merchant.pk).update(status="active")
    assert call("GET", path_of_link(told)).status_code == 200
