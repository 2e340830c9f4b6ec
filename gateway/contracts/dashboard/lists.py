"""Pages of a list with the summary of all its rows, from one count.

The summary follows the filters, so its total is the page's `total_items`. Where figures are kept of what a list is
narrowed to, they count it and tell where a page lies. Any other list of more than 10,000 rows is summed up at most once
in ten seconds (longer where the sum itself takes longer), and both figures come from that one moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.cache import caches
from django.db.models import Model, QuerySet
from django.http import QueryDict

from crypto.queries.places import Place
from gateway.contracts.pagination import DEFAULT_LIMIT, FAR, MAX_LIMIT, MAX_PAGE, Pagination, slice_of, whole_number
from gateway.contracts.remembered import key_of

M = TypeVar("M", bound=Model)
# All rows → how many they are, and what is said about them.
Summary = Callable[[QuerySet[M]], tuple[int, dict[str, Any]]]
_LARGE, _REMEMBER_SECONDS, _REMEMBER_TIMES = 10_000, 10.0, 100


@dataclass(frozen=True, slots=True)
class SummedPage(Generic[M]):
    rows: list[M]
    pagination: Pagination
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """Kept figures of a list: its total and summary, and the place of a page that wants a look at it."""

    summary: Callable[[], tuple[int, dict[str, Any]]]
    place: Callable[[int, int], Place | None]
    is_narrow: bool


def page_of(query: QueryDict, rows: QuerySet[M], summary: Summary[M], kept: Kept | None = None) -> SummedPage[M]:
    """The page of `rows` (ordered) that `query` asks for. Raises `InvalidFields`."""
    number = whole_number(query, "page", 1, MAX_PAGE)
    limit = whole_number(query, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    total, said = kept.summary() if kept else _summed(rows, summary)
    pages, offset = -(-total // limit), (number - 1) * limit
    found = _rows(rows, offset, min(limit, total - offset), total, kept) if number <= pages else []
    return SummedPage(found, {
        "current_page": number,
        "total_pages": pages,
        "total_items": total,
        "items_per_page": limit,
        "has_next": number < pages,
        "has_prev": number > 1 and pages > 0,
    }, said)


def _rows(rows: QuerySet[M], offset: int, count: int, total: int, kept: Kept | None) -> list[M]:
    """By the index alone, where many rows may lie before the page; only then are its rows read."""
    place = kept.place(offset, count) if kept and (kept.is_narrow or offset >= FAR) else None
    if place is not None:
        keys = rows.filter(place.rows).values_list("pk", flat=True)
        return list(rows.filter(pk__in=list(keys[place.offset : place.offset + count])))
    if kept is None and offset < FAR < total:
        return list(rows.filter(pk__in=list(rows.values_list("pk", flat=True)[offset : offset + count])))
    return slice_of(rows, offset, count, total)


def _summed(rows: QuerySet[M], summary: Summary[M]) -> tuple[int, dict[str, Any]]:
    if rows.query.is_empty():
        return summary(rows)
    key = key_of("summary", rows.order_by())
    known: tuple[int, dict[str, Any]] | None = caches["local"].get(key)
    if known is not None:
        return known
    started = time.monotonic()
    made = summary(rows)
    if made[0] > _LARGE:
        took = time.monotonic() - started
        caches["local"].set(key, made, max(_REMEMBER_SECONDS, _REMEMBER_TIMES * took))
    return made
