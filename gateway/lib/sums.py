"""Sums of money that do not overflow: SQLite's own SUM raises beyond 64 bits, PostgreSQL's does not."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db.backends.signals import connection_created
from django.db.models import BigIntegerField, QuerySet, Subquery, Sum
from django.db.models.functions import Cast, Coalesce


class ExactSum(Sum):
    """`Sum` of integers, exact at any size on both databases. Compare the result in Python, not in HAVING."""

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="EXACT_SUM", **context)


def sum_of(rows: QuerySet[Any], column: str, *, by: str) -> Any:
    """For a row of an outer query: what `rows`, narrowed to it by their column `by`, add up to; 0 for none.

    Only where the sum is part of a column that is no longer than 64 bits; PostgreSQL calls any sum numeric.
    """
    total = rows.order_by().values(by).annotate(total=Sum(column)).values("total")
    return Coalesce(Cast(Subquery(total), BigIntegerField()), 0)


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
