"""For work that takes longer than a request may: statements over all that was ever written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection


@contextmanager
def patience(database: Any = connection, **limits: str) -> Iterator[None]:
    """On PostgreSQL a statement may take as long as it needs; `limits` are other settings of the session meanwhile.

    Behind a pool that lends a connection for one transaction there is no session to say so to.
    """
    if database.vendor != "postgresql" or settings.DATABASE_POOLED:
        yield
        return
    limits = {"statement_timeout": "0"} | limits
    _say(database, *(f"SET {name} = '{value}'" for name, value in limits.items()))
    try:
        yield
    finally:
        with suppress(DatabaseError):  # the connection may have been lost on the way
            _say(database, *(f"RESET {name}" for name in limits))


def _say(database: Any, *words: str) -> None:
    with database.cursor() as cursor:
        cursor.execute("; ".join(words))
