"""Pages of a list: `page` and `limit`, a stable order with a unique last key, and totals that stay cheap.

A total above 10,000 is counted at most once in ten seconds. A page far down is found by the index alone, from
whichever end is nearer, or from its own day where days can be counted (`days`); only then are its rows read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeVar

from django.core.cache import caches
from django.db.models import Model, QuerySet
from django.http import QueryDict

from gateway.contracts.days import from_day_of
from gateway.contracts.remembered import key_of
from gateway.lib.errors import InvalidFields

M = TypeVar("M", bound=Model)
DEFAULT_LIMIT, MAX_LIMIT, MAX_PAGE = 20, 100, 10_000_000
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
FAR = 1_000  # rows from the beginning
_LARGE, _REMEMBER_SECONDS = 10_000, 10


class Pagination(TypedDict):
    current_page: int
    total_pages: int
    total_items: int
    items_per_page: int
    has_next: bool
    has_prev: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    rows: list[M]
    pagination: Pagination


def page_of(query: QueryDict, rows: QuerySet[M], *, by_day: bool = False) -> Page[M]:
    """The page of `rows` (which are ordered already) that `query` asks for. Raises `InvalidFields`.

    `by_day`: they are all newest first, and none ever goes or changes its day.
    """
    number = whole_number(query, "page", 1, MAX_PAGE)
    limit = whole_number(query, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    total = _total(rows)
    pages = -(-total // limit)
    found = slice_of(rows, (number - 1) * limit, limit, total, by_day=by_day) if number <= pages else []
    return Page(found, {
        "current_page": number,
        "total_pages": pages,
        "total_items": total,
        "items_per_page": limit,
        "has_next": number < pages,
        "has_prev": number > 1 and pages > 0,
    })


def whole_number(query: QueryDict, name: str, default: int, most: int) -> int:
    """A parameter from 1 to `most`. Raises `InvalidFields`."""
    text = query.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise InvalidFields(**{name: f"must be a whole number from 1 to {most}"})
    return int(text)


def _total(rows: QuerySet[M]) -> int:
    if rows.query.is_empty():
        return 0
    key = key_of("total", rows)
    known: int | None = caches["local"].get(key)
    if known is not None:
        return known
    total = rows.order_by().count()
    if total > _LARGE:
        caches["local"].set(key, total, _REMEMBER_SECONDS)
    return total


def slice_of(rows: QuerySet[M], offset: int, limit: int, total: int, *, by_day: bool = False) -> list[M]:
    """Up to `limit` of `total` ordered rows, from `offset` on; `by_day` as `page_of` says."""
    if offset < FAR:
        return list(rows[offset : offset + limit])
    count = min(limit, total - offset)
    from_end = total - offset - count
    if by_day and min(offset, from_end) >= _LARGE:
        near, skipped = from_day_of(rows, offset)
        found = _keys(near)[skipped : skipped + count]
    elif from_end < offset:
        found = _keys(rows).reverse()[from_end : from_end + count]
    else:
        found = _keys(rows)[offset : offset + count]
    return list(rows.filter(pk__in=list(found)))


def _keys(rows: QuerySet[M]) -> QuerySet[M, Any]:
    return rows.values_list("pk", flat=True)
