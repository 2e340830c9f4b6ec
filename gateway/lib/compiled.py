"""Reads on hot paths: the ORM says what is read, and says it once.

Building and compiling a query costs ten times what PostgreSQL needs to answer it. A `Compiled` keeps a query's text,
and each call brings only the values; on PostgreSQL the server keeps it prepared. Rows come back as the query's would.

    _by_digest = Compiled(lambda: PortalKey.objects.select_related("user").filter(digest=Slot("digest")))
    key = _by_digest.first(digest=…)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Expression, Field, QuerySet
from django.db.models.query import ModelIterable, get_related_populators

from gateway.lib.statements import fetch

T = TypeVar("T")


class Slot(Expression):
    """Stands in a query for a value that each call brings. `field`: how it is written, where that is not as it is."""

    def __init__(self, name: str, field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=field)
        self.name, self.written_as = name, field

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]

    def value(self, values: dict[str, Any]) -> Any:
        given = values[self.name]
        return given if self.written_as is None else self.written_as.get_db_prep_value(given, connection)


class Compiled(Generic[T]):
    """A query of whole model rows, or of tuples (`values_list`)."""

    def __init__(self, build: Callable[[], QuerySet[Any, T]]) -> None:
        self._build = build
        self._plans: dict[str, _Plan] = {}

    def rows(self, **values: Any) -> list[T]:
        database = connections[DEFAULT_DB_ALIAS]
        plan = self._plans.get(database.vendor)
        if plan is None:
            plan = self._plans[database.vendor] = _Plan(self._build())
        return list(plan.run(database, values))

    def first(self, **values: Any) -> T | None:
        """The query must match one row at most, or bring its own order and limit."""
        return next(iter(self.rows(**values)), None)


class _Plan:
    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        compiler: Any = rows.query.get_compiler(using=connection.alias)
        self._sql, self._parameters = compiler.as_sql()
        self._width = len(compiler.select)
        expressions = [column[0] for column in compiler.select]
        self._converters = compiler.get_converters(expressions)
        self._make = _maker(compiler) if issubclass(rows._iterable_class, ModelIterable) else tuple

    def run(self, database: Any, values: dict[str, Any]) -> Iterator[Any]:
        given = [item.value(values) if isinstance(item, Slot) else item for item in self._parameters]
        return (self._make(self._converted(row, database)) for row in fetch(self._sql, given, database))

    def _converted(self, row: Any, database: Any) -> Any:
        if not self._converters:
            return row[: self._width]
        row = list(row[: self._width])
        for place, (converters, expression) in self._converters.items():
            for convert in converters:
                row[place] = convert(row[place], expression, database)
        return row


def _maker(compiler: Any) -> Callable[[Any], Any]:
    """What turns a row into a model instance with what it was selected with; as `QuerySet` itself does it."""
    info, database = compiler.klass_info, connection.alias
    model, fields = info["model"], info["select_fields"]
    start, end = fields[0], fields[-1] + 1
    names = [column[0].target.attname for column in compiler.select[start:end]]
    populators = get_related_populators(info, compiler.select, database)  # type: ignore[call-arg]

    def make(row: Any) -> Any:
        instance = model.from_db(database, names, row[start:end])
        for populator in populators:
            populator.populate(row, instance)
        return instance

    return make
