"""Filters of lists, strictly: an unknown one is ignored, a bad value is refused and the allowed ones are named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import django_filters
from django import forms
from django.db.models import Model, QuerySet
from django.http import QueryDict

from gateway.lib.errors import InvalidFields
from gateway.lib.money import InvalidAmount, parse_amount

M = TypeVar("M", bound=Model)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.(?P<fraction>\d{1,6}))?)?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)


class Filters(django_filters.FilterSet):
    """A list's filters. `Filters.narrow(query, rows)` gives the rows that pass, or raises `InvalidFields`."""

    @classmethod
    def narrow(cls, query: QueryDict, rows: QuerySet[M]) -> QuerySet[M]:
        filters = cls(data=query, queryset=rows)
        if not filters.form.is_valid():
            raise InvalidFields(**{name: str(errors[0]) for name, errors in filters.form.errors.items()})
        narrowed: QuerySet[M] = filters.filter_queryset(rows)
        return narrowed


class WordFilter(django_filters.ChoiceFilter):
    """A contract's words for a column's values: `words` maps each stored value to the contract's word."""

    def __init__(self, words: Mapping[str, str], **options: Any) -> None:
        self.words = dict(words)
        self.allowed = list(dict.fromkeys(self.words.values()))
        refused = {"invalid_choice": f"must be one of {', '.join(self.allowed)}"}
        choices = [(word, word) for word in self.allowed]
        super().__init__(choices=choices, error_messages=refused, **options)

    def filter(self, qs: QuerySet[M], value: Any) -> QuerySet[M]:
        if not value:
            return qs
        values = [stored for stored, word in self.words.items() if word == value]
        return qs.filter(**{f"{self.field_name}__in": values})


class _MomentField(forms.Field):
    """A day or a moment, UTC unless it says otherwise; `as_end`: a day counts to its end, and a moment to the end of
    the second (or the part of one) that it names, since answers cut moments off there."""

    def __init__(self, *, as_end: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._as_end = as_end

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            return self._read(str(value))
        except (ValueError, OverflowError) as error:
            raise forms.ValidationError(
                "must be a date such as 2026-04-05, or a time such as 2026-04-05T06:00:00Z"
            ) from error

    def _read(self, text: str) -> datetime:
        written = _MOMENT.fullmatch(text)
        if not written or not "1970" <= text[:4] <= "2999":
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
        if self._as_end:
            moment += _named(written) - timedelta(microseconds=1)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _named(written: re.Match[str]) -> timedelta:
    """How long what was written lasts: `2026-04-05` a day, `…06:00:00` a second, `…06:00:00.000` a thousandth."""
    if len(written[0]) == len("2026-04-05"):
        return timedelta(days=1)
    return timedelta(microseconds=10 ** (6 - len(written["fraction"] or "")))


class MomentFilter(django_filters.Filter):
    field_class = _MomentField


class _RupeesField(forms.Field):
    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        try:
            return parse_amount(value, "INR").minor
        except InvalidAmount as error:
            raise forms.ValidationError(str(error)) from error


class RupeesFilter(django_filters.Filter):
    """Rupees in the query, minor units in the column."""

    field_class = _RupeesField


class TextFilter(django_filters.Filter):
    field_class = forms.CharField

    def __init__(self, *, max_length: int, **options: Any) -> None:
        too_long = {"max_length": f"must have at most {max_length} characters"}
        super().__init__(max_length=max_length, error_messages=too_long, **options)
