"""What waits for an operator: the counts of all kinds in one statement, and one page of them, oldest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast
from django.http import HttpRequest

from accounts.actors import Viewer
from accounts.models import Merchant, User
from gateway.panel.access import mode_of
from gateway.panel.queue.items import Item
from gateway.panel.queue.kinds import BY_NAME, KINDS, Kind

MOST = 99


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the queue; `pick` names it in a form."""

    kind: Kind
    key: str
    since: datetime
    item: Item

    @property
    def pick(self) -> str:
        return f"{self.kind.name}:{self.key}"

    @property
    def selectable(self) -> bool:
        decides = self.kind.approve is not None or self.kind.clear is not None
        return decides and bool(self.item.actions) and not self.item.alone


def counts(viewer: Viewer) -> dict[str, int]:
    """How much waits of each kind, counted up to `MOST` + 1. One statement, whatever the number of kinds."""
    if not viewer.user.is_operator:
        return dict.fromkeys(BY_NAME, 0)
    parts: list[str] = []
    params: list[Any] = []
    names: list[str] = []
    for kind in KINDS:
        try:
            sql, values = _few(kind.waiting(viewer)).query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:  # not this role's, or not in this mode
            continue
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) AS waiting_{len(parts)})")  # noqa: S608 - Django's own SQL
        params.extend(values)
        names.append(kind.name)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        found = cursor.fetchone()
    return dict.fromkeys(BY_NAME, 0) | dict(zip(names, found, strict=True))


def counts_of(request: HttpRequest) -> dict[str, int]:
    """`counts` for a signed-in request, asked for once however many parts of the page show them."""
    kept: dict[str, int] | None = getattr(request, "_waiting", None)
    if kept is None:
        assert isinstance(request.user, User)
        kept = counts(Viewer(request.user, mode_of(request)))
        request._waiting = kept  # type: ignore[attr-defined]
    return kept


def _few(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by().values("pk")[: MOST + 1]


def count_text(number: int) -> str:
    return f"{MOST}+" if number > MOST else str(number or "")


def badges(found: dict[str, int]) -> dict[str, str]:
    """Each area's count, and the queue's own."""
    areas: dict[str, int] = {"queue": sum(found.values())}
    for kind in KINDS:
        areas[kind.area] = areas.get(kind.area, 0) + found[kind.name]
    return {area: count_text(number) for area, number in areas.items()}


def keys(viewer: Viewer, kinds: Iterable[Kind], merchant: Merchant | None) -> QuerySet[Any, Any]:
    """(kind, key, since) of what waits, oldest first."""
    parts = [_keys_of(kind, viewer, merchant) for kind in kinds if merchant is None or kind.owner]
    if not parts:
        return Merchant.objects.none()
    first, *others = parts
    rows: QuerySet[Any, Any] = first.union(*others, all=True).order_by("at", "work", "key")
    return rows


def _keys_of(kind: Kind, viewer: Viewer, merchant: Merchant | None) -> QuerySet[Any, Any]:
    rows = kind.waiting(viewer)
    if merchant is not None:
        rows = rows.filter(**{kind.owner: merchant})
    since = F(kind.since) if isinstance(kind.since, str) else kind.since
    named: QuerySet[Any, Any] = rows.order_by().annotate(
        work=Value(kind.name, output_field=CharField()), key=Cast("pk", CharField()), at=since
    ).values_list("work", "key", "at")
    return named


def rows_of(viewer: Viewer, wanted: Iterable[tuple[str, str, datetime]]) -> list[Row]:
    """The records of `keys`, in their order; one query for each kind among them. One decided meanwhile is left out."""
    named = [(BY_NAME[name], key_of(key), since) for name, key, since in wanted]
    found: dict[tuple[str, str], Any] = {}
    for kind in {kind.name: kind for kind, _, _ in named}.values():
        pks = [key for other, key, _ in named if other is kind]
        found |= {(kind.name, key_of(row.pk)): row for row in kind.waiting(viewer).filter(pk__in=pks)}
    return [
        Row(kind, key, since, kind.shown(found[kind.name, key], viewer))
        for kind, key, since in named if (kind.name, key) in found
    ]


def key_of(pk: object) -> str:
    """A number, or a UUID's 32 digits: SQLite keeps it so, PostgreSQL writes it with dashes."""
    return str(pk).replace("-", "")


def merchants(viewer: Viewer) -> QuerySet[Merchant]:
    """Those for whom something waits, by name."""
    first, *others = [
        kind.waiting(viewer).order_by().values_list(kind.owner, flat=True) for kind in KINDS if kind.owner
    ]
    return Merchant.objects.filter(pk__in=set(first.union(*others))).order_by("name", "pk")
