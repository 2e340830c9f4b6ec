"""Filters over postings and entries: days by the border of ids, so that no list reads the whole of the books."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, TypeVar

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.actors import Viewer, team_merchants
from accounts.models import Merchant
from gateway.panel.access import PanelRequest
from gateway.panel.filters import DayFilter
from gateway.panel.forms import PanelForm
from ledger import moments

M = TypeVar("M", bound=Model)


class BookedFilter(DayFilter):
    """As `DayFilter`, over postings or entries."""

    def filter(self, qs: QuerySet[M], value: Any) -> QuerySet[M]:
        if not value:
            return qs
        if self.through:
            return moments.before(qs, midnight(value + timedelta(days=1)))
        return moments.since(qs, midnight(value))


def midnight(day: Any) -> datetime:
    """The start of a day of the reader's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def merchants_of(request: HttpRequest | None) -> QuerySet[Merchant]:
    """Whom the reader may choose among."""
    viewer = getattr(request, "viewer", None)
    return team_merchants(viewer.user).order_by("name", "pk") if isinstance(viewer, Viewer) else Merchant.objects.none()


class MomentForm(PanelForm):
    """A past moment in the reader's zone; none: now."""

    at = forms.DateTimeField(
        required=False, label="As it stood at",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Enter a moment as 2026-11-20T18:30."},
    )

    def clean_at(self) -> datetime | None:
        """The whole of that minute belongs to it, as a reader of a clock would say."""
        at: datetime | None = self.cleaned_data["at"]
        if at is None:
            return None
        if at.year < 2000 or at > timezone.now():
            raise forms.ValidationError("Choose a moment that has passed.")
        return at.replace(second=59, microsecond=999_999) if not at.second else at


def moment_form(request: PanelRequest) -> tuple[MomentForm, datetime | None]:
    form = MomentForm(request.GET) if request.GET.get("at") else MomentForm()
    return form, form.cleaned_data["at"] if form.is_bound and form.is_valid() else None
