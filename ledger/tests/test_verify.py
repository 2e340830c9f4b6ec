"""What `verify_books` must find of the accounts themselves."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger import verify
from ledger.models import Entry, LedgerAccount, Posting
from ledger.testing import fund, unguarded
from ledger.verify import verify_books


@pytest.mark.parametrize(("column", "value", "code"), [
    ("mode", "live", "live/INR/available"), ("currency", "USDT", "test/USDT/available"),
    ("kind", "pending", "test/INR/pending"), ("network", "BSC", "test/INR.BSC/available"),
])
def test_an_account_that_is_made_another_is_found(cast, column, value, code):
    fund(cast.merchant, 1_000)
    LedgerAccount.objects.filter(merchant=cast.merchant).update(**{column: value})

    problems = verify_books()

    number = cast.merchant.pk
    assert f"account m/{number}/test/INR/available is kept as m/{number}/{code}" in problems


def test_an_account_that_is_given_to_another_merchant_is_found(cast):
    fund(cast.merchant, 1_000)
    LedgerAccount.objects.filter(merchant=cast.merchant).update(merchant=cast.other)

    problems = verify_books()

    own, other = cast.merchant.pk, cast.other.pk
    assert problems == [f"account m/{own}/test/INR/available is kept as m/{other}/test/INR/available"]


@pytest.fixture
def ten_postings(cast, monkeypatch):
    """Of two merchants, in turn, read three at a time."""
    monkeypatch.setattr(verify, "BATCH", 3)
    for number in range(1, 6):
        fund(cast.merchant, number)
        fund(cast.other, 10 * number)


def test_postings_and_chains_are_read_a_batch_at_a_time(ten_postings):
    with CaptureQueriesContext(connection) as asked:
        assert list(verify._digests()) == []

    assert len(asked) == 2 * 4 + 1  # 3 + 3 + 3 + 1 postings, each batch with its lines, and nothing after them
    assert not any("DECLARE" in query["sql"] for query in asked)

    account = LedgerAccount.objects.filter(merchant__isnull=False).order_by("pk").first()
    with CaptureQueriesContext(connection) as asked:
        assert list(verify._chain(account)) == []

    assert len(asked) == 3 + 1  # 3 + 2 entries and nothing after them; what lies beyond the account's last one
    assert not any("DECLARE" in query["sql"] for query in asked)


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_rows_are_found_in_stretches_of_ids(ten_postings, monkeypatch, batch):
    monkeypatch.setattr(verify, "BATCH", batch)
    kept = list(Posting.objects.order_by("pk"))[:-1]
    last = Posting.objects.latest("pk").pk

    with CaptureQueriesContext(connection) as asked:
        found = list(verify.in_stretches(Posting.objects.exclude(pk=last)))

    assert sorted(row.pk for row in found) == [row.pk for row in kept]
    assert len(asked) == 1 + -(-last // batch)


def _change(column, value, pk):
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE ledger_entry SET {column} = %s WHERE id = %s", [value, pk])


@pytest.mark.parametrize("place", [0, 2, 3, 5, 9])
def test_a_changed_line_is_found_in_any_batch(ten_postings, place):
    posting = Posting.objects.order_by("pk")[place]
    _change("amount", 77, posting.entries.order_by("pk").first().pk)

    assert list(verify._digests()) == [f"posting {posting.reference} was changed"]


@pytest.mark.parametrize("sequence", [1, 3, 4, 5])
def test_a_changed_link_is_found_in_any_batch(cast, ten_postings, sequence):
    entry = Entry.objects.get(account__merchant=cast.other, sequence=sequence)
    _change("hash", "0" * 64, entry.pk)

    assert verify_books() == [f"account {entry.account.code}: the chain breaks at entry {entry.pk}"]


def test_a_merchants_entry_outside_its_chain_is_found(cast):
    fund(cast.merchant, 1_000)
    entry = Entry.objects.get(account__merchant=cast.merchant)
    _change("sequence", None, entry.pk)

    assert f"account {entry.account.code}: entry {entry.pk} hangs in no chain" in verify_books()
