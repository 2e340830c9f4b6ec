"""Django's `migrate`, whose statements may take as long as a large table asks; for a lock they wait no longer."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import DatabaseError, connections

# A change that waits for a table has everybody else wait behind it.
_START = "SET statement_timeout = 0; SET lock_timeout = '30s'"
_END = "RESET statement_timeout; RESET lock_timeout"


class Command(migrate.Command):
    def handle(self, *args: Any, database: str, **options: Any) -> None:
        """Behind a pool there is no session to say so to: docs/scaling.md has it go past."""
        if connections[database].vendor != "postgresql" or settings.DATABASE_POOLED:
            super().handle(*args, database=database, **options)
            return
        _say(database, _START)
        try:
            super().handle(*args, database=database, **options)
        finally:
            with suppress(DatabaseError):  # it may have been lost on the way
                _say(database, _END)


def _say(database: str, words: str) -> None:
    with connections[database].cursor() as cursor:
        cursor.execute(words)
