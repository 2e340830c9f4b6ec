"""A moment of any offset that Python reads is read everywhere; PostgreSQL itself takes none beyond 15:59."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from gateway.contracts.dashboard.testing import Dashboard

pytestmark = pytest.mark.django_db
DAY = "2026-04-05T00:00:01"


@pytest.mark.parametrize("offset", ["+15:59", "+16:00", "-18:00", "+23:59"])
@pytest.mark.parametrize("address", [
    "/dashboard/sessions?start_date={}", "/dashboard/transactions?end_date={}",
    "/dashboard/analytics/payments?start_date={}",
    "/dashboard/analytics/export?format=csv&type=sessions&start_date={}&end_date=2026-04-08",
])
def test_the_dashboards_calls(cast, settings, tmp_path, address, offset):
    settings.EXPORT_DIR = str(tmp_path)

    assert Dashboard(cast.merchant)("GET", address.format(quote(DAY + offset))).status_code == 200
