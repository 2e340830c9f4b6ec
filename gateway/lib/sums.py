"""Sums of money that do not overflow: SQLite's own SUM raises beyond 64 bits, PostgreSQL's does not."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db.backends.signals import connection_created
from django.db.models import Sum


class ExactSum(Sum):
    """`Sum` of integers, exact at any size on both databases. Compare the result in Python, not in HAVING."""

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="EXACT_SUM", **context)


class _Adder:
    def __init__(self) -> None:
        self.total: int | None = None

    def step(self, value: int | None) -> None:
        if value is not None:
            self.total = (self.total or 0) + value

    def finalize(self) -> str | None:
        # As text, which has no upper end; Django's integer columns read it back.
        return None if self.total is None else str(self.total)


def _register(connection: Any, **_: Any) -> None:
    if isinstance(connection.connection, sqlite3.Connection):
        connection.connection.create_aggregate("EXACT_SUM", 1, _Adder)  # type: ignore[arg-type]


def register() -> None:
    """Called once, at start."""
    connection_created.connect(_register, dispatch_uid="exact-sum")
