"""For tests: money to start with, the assertion that ends every money test, and a thief's hand."""

from __future__ import annotations

from django.db import connection

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


class unguarded:
    """Switches the append-only triggers of the entries off, as a thief with superuser rights would."""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE ledger_entry DISABLE TRIGGER USER")
            else:
                cursor.execute("DROP TRIGGER ledger_entry_no_update")

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("ALTER TABLE ledger_entry ENABLE TRIGGER USER")
            else:
                cursor.execute(
                    "CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE ON ledger_entry "
                    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
                )
