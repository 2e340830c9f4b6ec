"""Where a moment lies in the books, found without an index on time that every posting would have to feed.

Ids are given in the order of booking but for what overlapped: a transaction may commit after one with a higher id,
by less than `_OVERLAP` (statements are limited to 30 s). So the rows at a moment are: all below the overlap, by id
alone, and those within it whose time says so. The border is found by halving, in some twenty probes of the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Model, QuerySet

from ledger.models import Entry, Posting

_OVERLAP = timedelta(minutes=10)
# Fewer rows than this are compared by time, each.
_FEW = 10_000
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Border:
    """Rows up to `low` are all from before the end of `moment`, rows beyond `high` are all from after it."""

    moment: datetime
    low: int
    high: int


def border(model: type[Entry] | type[Posting], moment: datetime) -> Border:
    last = _last_id(model)
    if last <= _FEW:
        return Border(moment, 0, last)
    return Border(moment, _first_from(model, moment - _OVERLAP, last) - 1, _first_from(model, moment + _OVERLAP, last))


def since(rows: QuerySet[M], moment: datetime) -> QuerySet[M]:
    """Of entries or postings, those booked at `moment` or later."""
    at = border(rows.model, moment)  # type: ignore[arg-type]
    return rows.filter(pk__gt=at.low, created_at__gte=moment)


def before(rows: QuerySet[M], moment: datetime) -> QuerySet[M]:
    """Of entries or postings, those booked before `moment`."""
    at = border(rows.model, moment)  # type: ignore[arg-type]
    return rows.filter(pk__lte=at.high, created_at__lt=moment)


def _last_id(model: type[Entry] | type[Posting]) -> int:
    return model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0


def _first_from(model: type[Entry] | type[Posting], moment: datetime, last: int) -> int:
    """An id where the rows' times pass `moment`; one beyond `last` if they never do."""
    low, high = 1, last + 1
    while low < high:
        middle = (low + high) // 2
        rows = model._default_manager.filter(pk__gte=middle).order_by("pk")
        found = rows.values_list("pk", "created_at").first()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0] + 1
    return low
