"""Free-text search over payouts: every word of every field, and by the index on PostgreSQL."""

import pytest
from django.db import connection

from payouts import queries
from payouts.models import Payout

pytestmark = pytest.mark.django_db


def test_search_finds_by_order_id_payout_id_beneficiary_account_and_utr(cast, make, fund, viewer_of):
    fund(cast.merchant, 500_000)
    found, other = make(), make()
    Payout.objects.filter(pk=found.pk).update(
        reference="CHAI-77", beneficiary_name="Zoë Rao", account_number="998877665544", utr="UTR00042"
    )
    Payout.objects.filter(pk=other.pk).update(
        reference="TEA-1", beneficiary_name="Ravi", account_number="111122223333", utr=""
    )
    rows = queries.visible_payouts(viewer_of(cast.admin))

    for text in (" chai-7 ", "zoë", "RAO", "99887766", "utr0004", found.public_id, found.public_id.upper()):
        assert list(queries.search(rows, text)) == [found]
    assert list(queries.search(rows, "")) == [other, found]
    for text in ("chai%7", "chai_7", "nowhere", "\0"):
        assert list(queries.search(rows, text)) == []
    assert list(queries.search(queries.visible_payouts(viewer_of(cast.other_user)), "chai")) == []


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_the_search_is_answered_by_its_index():
    with connection.cursor() as cursor:  # in an empty table another way would do as well
        for way in ("seqscan", "indexscan", "indexonlyscan", "nestloop"):
            cursor.execute(f"SET LOCAL enable_{way} = off")

    plan = queries.search(Payout.objects.all(), "asha").explain()

    assert "Bitmap Index Scan on payout_words" in plan
