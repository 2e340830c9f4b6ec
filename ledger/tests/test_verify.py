"""What `verify_books` must find of the accounts themselves."""

from __future__ import annotations

import pytest

from ledger.models import LedgerAccount
from ledger.testing import fund
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
