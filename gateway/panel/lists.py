"""Lists cut into pages. Counting stops at `COUNT_UP_TO`, so that a list stays quick however long it grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

COUNT_UP_TO = 10_000
M = TypeVar("M", bound=Model)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of rows. `total` is exact up to `COUNT_UP_TO`, beyond it only known to be more."""

    rows: list[T]
    number: int
    per_page: int
    total: int

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def first(self) -> int:
        return (self.number - 1) * self.per_page + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def total_text(self) -> str:
        return f"{self.total:,}" if self.total <= COUNT_UP_TO else f"more than {COUNT_UP_TO:,}"

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def has_next(self) -> bool:
        return self.last < self.total

    @property
    def previous_number(self) -> int:
        return self.number - 1

    @property
    def next_number(self) -> int:
        return self.number + 1


def paginate(request: HttpRequest, rows: QuerySet[M], per_page: int = 25) -> Page[M]:
    """The page that `?page=` asks for; the first for what is no number, the last one there is for what is too high."""
    total = rows.order_by()[: COUNT_UP_TO + 1].count()
    number, start = _place(request, total, per_page)
    return Page(list(rows[start : start + per_page]), number, per_page, total)


def cut(request: HttpRequest, rows: Sequence[T], per_page: int = 25) -> Page[T]:
    """As `paginate`, of rows that are there already."""
    number, start = _place(request, len(rows), per_page)
    return Page(list(rows[start : start + per_page]), number, per_page, len(rows))


def _place(request: HttpRequest, total: int, per_page: int) -> tuple[int, int]:
    number = min(_asked(request), max(1, -(-total // per_page)))
    return number, (number - 1) * per_page


def _asked(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1
