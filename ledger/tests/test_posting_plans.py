"""How PostgreSQL finds the accounts of a posting."""

import pytest
from django.db import connection

from ledger.models import LedgerAccount
from ledger.services import Line, merchant_account, post
from ledger.testing import assert_ledger_balances, fund

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def scans(cursor):
    """How often this transaction read the whole table of accounts, and how often by an index."""
    cursor.execute("SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'ledger_ledgeraccount'")
    return cursor.fetchone()


def test_accounts_are_found_by_their_codes_beside_a_thousand_others(cast):
    if connection.vendor != "postgresql":
        pytest.skip("about a function of PostgreSQL")
    fund(cast.merchant, 1_000)
    LedgerAccount.objects.bulk_create(
        LedgerAccount(code=f"h/test/INR/clearing.{n}", mode="test", kind="clearing", currency="INR", counterparty=str(n))
        for n in range(1_000)
    )
    available, reserved = (merchant_account(cast.merchant.pk, "test", "INR", kind) for kind in ("available", "reserved"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ledger_ledgeraccount")
        whole, by_index = scans(cursor)
        for turn in range(10):  # the first five are planned each for itself, what comes then once for all
            post(kind="hold", reference=f"hold:{turn}", mode="test", lines=[Line(available, -1), Line(reserved, 1)])
        assert scans(cursor)[0] == whole
        assert scans(cursor)[1] > by_index
    assert_ledger_balances()
