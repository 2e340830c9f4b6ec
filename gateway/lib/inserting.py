"""Rows that belong together, written by one statement: all of them, or none.

A record, what it belongs to and its line in the audit trail are built as model instances (with automatic ids), first
what others point to. On PostgreSQL they go in one prepared statement, which needs no transaction around it; elsewhere
they are saved in turn, in one. Either way the instances end up as `save()` leaves them.

On PostgreSQL the same statement may end with a call of the database's own, so that whatever that call locks is locked
for this statement and its commit, and never while we think.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections, transaction
from django.db.models import BooleanField, CharField, EmailField, Field, ForeignKey, Model, TextField, UniqueConstraint

from gateway.lib.statements import fetch

# Of one column of one row: given the row and the database, what is written there.
_Value = Callable[[Model, Any], Any]
_WRITTEN_AS_THEY_ARE = {CharField, EmailField, TextField, BooleanField}


@dataclass(frozen=True, slots=True)
class Call:
    """An expression of PostgreSQL's (`%s` for each of `values`) for when the rows are there; it refuses by an error."""

    sql: str
    values: list[Any]


def insert_together(*rows: Model, then: Call | None = None) -> None:
    """Saves new `rows`; a foreign key may hold an earlier one, and rows of one model get rising ids.

    Raises `IntegrityError`, or what `then` (PostgreSQL only) makes the database raise, having written nothing.
    """
    if connection.vendor != "postgresql":
        assert then is None
        _save_in_turn(rows)
        return
    links = _links(rows)
    sql, values = _statement(tuple(type(row) for row in rows), links, then.sql if then else "")
    database = connections[DEFAULT_DB_ALIAS]  # looked up once, not for every column
    parameters = [value(row, database) for row, of_row in zip(rows, values, strict=True) for value in of_row]
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        (keys,) = fetch(sql, [*parameters, *then.values] if then else parameters)
    for row, key in zip(rows, keys[: len(rows)], strict=True):
        row.pk, row._state.adding, row._state.db = key, False, connection.alias
    for number, name, earlier in links:
        setattr(rows[number], name, rows[earlier])  # takes over its key


def violates(error: IntegrityError, model: type[Model], constraint: str) -> bool:
    """Whether it was that unique constraint of `model` that refused."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        return bool(diagnosis.constraint_name == constraint)
    (found,) = (each for each in model._meta.constraints if each.name == constraint)
    assert isinstance(found, UniqueConstraint)
    columns = ", ".join(f"{model._meta.db_table}.{_column(model, name)}" for name in found.fields)
    return f"UNIQUE constraint failed: {columns}" == str(error)


def _column(model: type[Model], name: str) -> str:
    return str(cast(Any, model._meta.get_field(name)).column)


def _save_in_turn(rows: tuple[Model, ...]) -> None:
    with transaction.atomic():
        for row in rows:
            row.save(force_insert=True)


def _links(rows: tuple[Model, ...]) -> tuple[tuple[int, str, int], ...]:
    """Which row's foreign key of which name holds which earlier row."""
    return tuple(
        (number, field.name, earlier)
        for number, row in enumerate(rows) for field in _foreign_keys(type(row))
        for earlier in range(number) if field.get_cached_value(row, None) is rows[earlier]
    )


@cache
def _foreign_keys(model: type[Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]


@cache
def _statement(
    models: tuple[type[Model], ...], links: tuple[tuple[int, str, int], ...], then: str
) -> tuple[str, list[list[_Value]]]:
    """The statement that inserts a row of each model, and what fills its places. Its names are the models' own."""
    linked = {(number, name): f"(SELECT id FROM r{earlier})" for number, name, earlier in links}  # noqa: S608
    parts, values = [], []
    for number, model in enumerate(models):
        fields = [field for field in model._meta.concrete_fields if not field.primary_key]
        places = [linked.get((number, field.name), "%s") for field in fields]
        columns = ", ".join(f'"{field.column}"' for field in fields)
        parts.append(
            f'r{number} AS (INSERT INTO "{model._meta.db_table}" ({columns}) '
            f"{_row(places, models[:number], model)} RETURNING id)"
        )
        values.append([_written(field) for field, place in zip(fields, places, strict=True) if place == "%s"])
    names = [f"r{number}" for number in range(len(models))]
    # Among what is selected, the call comes when every row is there.
    selected = ", ".join([*(f"{name}.id" for name in names), *([then] if then else [])])
    return f"WITH {', '.join(parts)} SELECT {selected} FROM {', '.join(names)}", values  # noqa: S608


def _row(places: list[str], before: tuple[type[Model], ...], model: type[Model]) -> str:
    """Read from the row before it, a second row of one model is inserted after it, and its id is the higher one."""
    if model not in before:
        return f"VALUES ({', '.join(places)})"
    last = len(before) - 1 - before[::-1].index(model)
    return f"SELECT {', '.join(places)} FROM r{last}"  # noqa: S608


def _written(field: Field[Any, Any]) -> _Value:
    if type(field) in _WRITTEN_AS_THEY_ARE:
        attribute = attrgetter(field.attname)
        return lambda row, _: attribute(row)
    return lambda row, database: field.get_db_prep_save(field.pre_save(row, True), database)
