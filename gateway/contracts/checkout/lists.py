"""Which part of a list is asked for: `page` and `limit`, or Razorpay's `count` and `skip`."""

from __future__ import annotations

import re
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

from gateway.contracts.pagination import DEFAULT_LIMIT, MAX_LIMIT, MAX_PAGE
from gateway.lib.errors import InvalidFields

M = TypeVar("M", bound=Model)
MAX_SKIP = 1_000_000_000
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)


def part_of(query: QueryDict, rows: QuerySet[M], default: int = DEFAULT_LIMIT) -> list[M]:
    """The rows that `query` asks for; `rows` are ordered already. Raises `InvalidFields`."""
    if "count" in query or "skip" in query:
        count, skip = _whole(query, "count", default, 1, MAX_LIMIT), _whole(query, "skip", 0, 0, MAX_SKIP)
    else:
        count = _whole(query, "limit", default, 1, MAX_LIMIT)
        skip = (_whole(query, "page", 1, 1, MAX_PAGE) - 1) * count
    return list(rows[skip : skip + count])


def _whole(query: QueryDict, name: str, default: int, least: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise InvalidFields(**{name: f"must be a whole number from {least} to {most}"})
    return int(text)
