"""The proof of the books runs for hours beside a gateway that goes on booking: what is booked meanwhile is no problem."""

from __future__ import annotations

import pytest

from ledger import verify
from ledger.models import Entry, LedgerAccount
from ledger.testing import fund
from ledger.verify import verify_books


@pytest.fixture
def booked_meanwhile(cast, monkeypatch):
    """Each account is booked on between the reading of its row and that of its entries."""
    prove = verify._chain

    def chain(account):
        fund(cast.merchant, 100)
        return prove(account)

    monkeypatch.setattr(verify, "_chain", chain)


def test_what_is_booked_while_the_books_are_read_is_no_problem(cast, booked_meanwhile):
    fund(cast.merchant, 5000)

    assert verify_books() == []
    assert LedgerAccount.objects.get(merchant=cast.merchant).balance == 5100
    assert verify_books() == []


def test_an_entry_beyond_its_accounts_last_one_is_found(cast):
    fund(cast.merchant, 5000)
    fund(cast.merchant, 700)
    account = LedgerAccount.objects.get(merchant=cast.merchant)
    first = Entry.objects.get(account=account, sequence=1)

    LedgerAccount.objects.filter(pk=account.pk).update(balance=5000, sequence=1, head_hash=first.hash)

    assert verify_books() == [f"account {account.code}: has entries beyond the end of its chain: 1"]
