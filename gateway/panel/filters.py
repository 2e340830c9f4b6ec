"""Filters above a list: they live in the address, and a bad value is shown beside its field and finds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

import django_filters
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from gateway.panel.forms import MoneyField, PanelForm

M = TypeVar("M", bound=Model)
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)
_NO_DAY = "Enter a day as 2026-11-20."


class MoneyFilter(django_filters.Filter):
    """Compares a column of minor units."""

    field_class = MoneyField

    def filter(self, qs: QuerySet[M], value: Any) -> QuerySet[M]:
        return super().filter(qs, value.minor if value else None)


class FlagFilter(django_filters.ChoiceFilter):
    """Records that somebody must look at: their `flag` says why."""

    def __init__(self) -> None:
        super().__init__(choices=[("yes", "Must be looked at")], empty_label="All", label="Attention")

    def filter(self, qs: QuerySet[M], value: Any) -> QuerySet[M]:
        return qs.exclude(flag="") if value else qs


class SearchFilter(django_filters.CharFilter):
    """Free text, searched by `method`."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"})
        super().__init__(label="Search", max_length=100, widget=widget, **options)


class DayFilter(django_filters.DateFilter):
    """`created_at` from the start of a day of the reader's zone, or (`through`) to its end. Uses the lists' index."""

    def __init__(self, label: str, *, through: bool = False) -> None:
        self.through = through
        limits = [MinValueValidator(_FIRST_DAY, _NO_DAY), MaxValueValidator(_LAST_DAY, _NO_DAY)]
        super().__init__(
            field_name="created_at", label=label, widget=forms.DateInput(attrs={"type": "date"}), validators=limits,
            error_messages={"invalid": _NO_DAY},
        )

    def filter(self, qs: QuerySet[M], value: Any) -> QuerySet[M]:
        if not value:
            return qs
        day = value + timedelta(days=1) if self.through else value
        midnight = timezone.make_aware(datetime.combine(day, time.min))
        return qs.filter(created_at__lt=midnight) if self.through else qs.filter(created_at__gte=midnight)


class PanelFilters(django_filters.FilterSet):
    """`narrow(request, rows)` gives the bound filters; its `rows` are those that pass all of them."""

    # The words over what unfolds, which is all but the search and these; without such words everything is in front.
    more = ""
    stays = ("status", "method")

    class Meta:
        form = PanelForm

    @classmethod
    def narrow(cls, request: HttpRequest, rows: QuerySet[Any]) -> PanelFilters:
        return cls(data=request.GET, queryset=rows, request=request)

    @property
    def rows(self) -> QuerySet[Any]:
        assert self.queryset is not None
        return self.filter_queryset(self.queryset) if self.form.is_valid() else self.queryset.none()

    @property
    def is_used(self) -> bool:
        return self._uses(self.form.fields)

    @property
    def in_front(self) -> list[forms.BoundField]:
        """What stands beside the search."""
        return [bound for bound in self.form if bound.name != "q" and not self._is_folded(bound.name)]

    @property
    def folded(self) -> list[forms.BoundField]:
        return [bound for bound in self.form if self._is_folded(bound.name)]

    @property
    def folded_used(self) -> bool:
        return self._uses(bound.name for bound in self.folded)

    def _is_folded(self, name: str) -> bool:
        return bool(self.more) and name not in ("q", *self.stays)

    def _uses(self, names: Iterable[str]) -> bool:
        return any(self.form.data.get(name) for name in names)
