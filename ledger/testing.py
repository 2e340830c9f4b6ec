"""For tests: money to start with, and the assertion that ends every money test."""

from __future__ import annotations

from accounts.models import Merchant
from gateway.lib.ids import random_text
from ledger.deposits import deposit
from ledger.verify import verify_books


def fund(merchant: Merchant, minor: int, currency: str = "INR", mode: str = "test", network: str = "") -> None:
    """Gives `merchant` `minor` units, posted like any other money."""
    reference = random_text(16)
    deposit(merchant=merchant, minor=minor, currency=currency, mode=mode, network=network, reference=reference)


def assert_ledger_balances() -> None:
    problems = verify_books()
    assert not problems, "\n".join(problems)
