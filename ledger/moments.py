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

from gateway.lib.halving import first_id_from, last_id
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
    last = last_id(model)
    if last <= _FEW:
        return Border(moment, 0, last)
    low, high = (first_id_from(model, "created_at", at, last) for at in (moment - _OVERLAP, moment + _OVERLAP))
    return Border(moment, low - 1, high)


def since(rows: QuerySet[M], moment: datetime) -> QuerySet[M]:
    """Of entries or postings, those booked at `moment` or later."""
    at = border(rows.model, moment)  # type: ignore[arg-type]
    return rows.filter(pk__gt=at.low, created_at__gte=moment)


def before(rows: QuerySet[M], moment: datetime) -> QuerySet[M]:
    """Of entries or postings, those booked before `moment`."""
    at = border(rows.model, moment)  # type: ignore[arg-type]
    return rows.filter(pk__lte=at.high, created_at__lt=moment)
