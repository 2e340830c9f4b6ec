"""Exports in a real Chromium: asked for, watched while they are made, downloaded; with and without script."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from crypto import testing
from crypto.exports import services
from crypto.models import Export

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = {"light": {}, "dark": {"color_scheme": "dark"}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(autouse=True)
def _small(settings, tmp_path, monkeypatch):
    settings.SIMULATED_BLOCK_SECONDS = 0
    settings.EXPORT_DIR = tmp_path / "exports"
    monkeypatch.setattr(services, "SMALL", 2)  # two sessions are a worker's work


def shoot(page, name):
    """Pictures for people, where SCREENSHOTS names a folder."""
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{name}.png", full_page=True)


def test_asked_for_watched_and_downloaded(cast, browse):
    for number in range(3):
        testing.open_session(cast.merchant, "25", reference=f"ORDER-{number}")
    page = browse(cast.merchant_user, accept_downloads=True)

    page.goto("/panel/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Exports").click()
    page.get_by_text("No exports yet").wait_for()
    page.get_by_role("link", name="New export").first.click()
    page.get_by_label("File").select_option("csv")
    page.get_by_label("Only").select_option("sessions:pending")
    page.get_by_role("button", name="Make the file").click()
    page.get_by_text("The file is being made.").wait_for()
    page.get_by_text("0 rows so far").wait_for()
    assert services.drive_exports() == 1

    with page.expect_download() as download:
        page.get_by_role("link", name="Download Sessions as CSV").click()
    content = Path(download.value.path()).read_text()
    assert content.count("\n") == 4
    assert "ORDER-2" in content
    assert page.get_by_text("3 rows").is_visible()


def test_without_script_it_works_all_the_same(cast, browse):
    testing.open_session(cast.merchant, "25", reference="ORDER-1")
    page = browse(cast.merchant_user, java_script_enabled=False, accept_downloads=True)

    page.goto("/panel/exports/new")
    page.get_by_label("From").fill("")
    page.get_by_role("button", name="Make the file").click()
    page.get_by_text("This field is required.").wait_for()
    page.get_by_label("From").fill(f"{timezone.now():%Y-%m-%d}")
    page.get_by_role("button", name="Make the file").click()
    page.get_by_text("The file is ready.").wait_for()

    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"


@pytest.mark.parametrize("look", LOOKS)
def test_every_state_fits_on_every_screen(cast, browse, look):
    now = timezone.now()
    for state, format, more in (
        ("expired", "pdf", {"record_count": 812, "file_size": 81_200}), ("failed", "json", {"failure": "It could not be written."}),
        ("ready", "xlsx", {"record_count": 1_000_000, "file_size": 172_300_000, "expires_at": now + timedelta(hours=20)}),
        ("processing", "csv", {"rows_done": 124_000}), ("pending", "csv", {}),
    ):
        Export.objects.create(
            merchant=cast.merchant, mode="test", status=state, type="transactions", format=format, starts_at=now - timedelta(days=60),
            ends_at=now, criteria={"network": "BSC", "type": "incoming"} if state == "ready" else {}, **more,
        )
    page = browse(cast.merchant_user, **LOOKS[look])

    for address, name in (("/panel/exports", "exports"), ("/panel/exports/new", "export-new")):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        shoot(page, f"{name}-{look}")
