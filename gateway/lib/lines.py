"""Several texts of a row as one, for a search that looks into all of them: one index knows what is in it."""

from __future__ import annotations

from typing import Any

from django.db.models import Func, TextField


class Lines(Func):
    """A line each. On PostgreSQL written as the trigram indexes of migrations have it, so change both or neither."""

    template, arg_joiner, output_field = "(%(expressions)s)", " || E'\n' || ", TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, arg_joiner=" || char(10) || ", **context)
