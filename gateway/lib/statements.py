"""Statements worth keeping: on PostgreSQL the server reads each once a connection, and then gets only its values."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections


def fetch(sql: str, parameters: list[Any], database: Any = None) -> list[tuple[Any, ...]]:
    """The rows that `sql` (with `%s` for each parameter) answers. For texts of which there are few."""
    database = database or connections[DEFAULT_DB_ALIAS]
    if database.vendor == "postgresql":
        with database.prepared_cursor() as cursor:
            cursor.execute(_numbered(sql), parameters)
            return list(cursor.fetchall())
    with database.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


@lru_cache(500)
def _numbered(sql: str) -> str:
    """`$1`, `$2` …, as PostgreSQL itself writes them: the driver need not read a long text again for its places."""
    return sql % tuple(f"${number}" for number in range(1, sql.replace("%%", "").count("%s") + 1))
