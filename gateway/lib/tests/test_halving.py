"""Where a moment lies among rows whose ids rise with time, with holes between them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gateway.lib.halving import first_id_from, last_id
from payments.models import ProviderEvent

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def rows(db):
    """Ids 10, 20, … 1000; one an hour."""
    ProviderEvent.objects.bulk_create(
        [ProviderEvent(pk=10 * (number + 1), provider="p", event_id=str(number), subject="s", effect="none") for number in range(100)]
    )
    for row in ProviderEvent.objects.all():
        ProviderEvent.objects.filter(pk=row.pk).update(received_at=DAY + timedelta(hours=row.pk // 10 - 1))


@pytest.mark.parametrize(("hours", "below", "above"), [
    (0, 0, 10), (0.5, 10, 20), (1, 10, 20), (50, 500, 510), (98.5, 990, 1000), (99, 990, 1000), (99.5, 1000, 1002),
])
def test_what_is_older_ends_there(rows, hours, below, above):
    with CaptureQueriesContext(connection) as asked:
        found = first_id_from(ProviderEvent, "received_at", DAY + timedelta(hours=hours), last_id(ProviderEvent))

    assert below < found <= above
    assert len(asked) <= 12


def test_a_table_without_rows_has_no_moment(db):
    assert last_id(ProviderEvent) == 0
    assert first_id_from(ProviderEvent, "received_at", DAY, 0) == 1
