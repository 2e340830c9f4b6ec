"""State machines on rows: one conditional UPDATE moves a status, and zero rows moved is an error."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db import models
from django.utils import timezone

from gateway.lib.errors import IllegalTransition


class States:
    """Gives a model with a `status` the one way to change it.

    `TRANSITIONS` maps each status to those it may become. The model declares `status` with its own choices.
    """

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {}
    status: Any
    pk: Any
    _state: Any

    @classmethod
    def sources_of(cls, to: str) -> list[str]:
        return [source for source, targets in cls.TRANSITIONS.items() if to in targets]

    def advance(self, to: str, **changes: Any) -> None:
        """Moves this row to `to` and applies `changes` in the same UPDATE.

        Raises `IllegalTransition` when the row is in no state that leads there, whoever moved it meanwhile.
        """
        changes |= {"status": to, "updated_at": timezone.now()}
        rows = cast(Any, type(self))._default_manager.filter(pk=self.pk, status__in=self.sources_of(to))
        if not rows.update(**changes):
            raise IllegalTransition(f"Cannot become {to}: no longer {' or '.join(self.sources_of(to))}.")
        for name, value in changes.items():
            setattr(self, name, value)

    def begin(self, at: str, **changes: Any) -> None:
        """Lets a row that is not written yet begin one step on: no other could see it, or move it, before."""
        if not self._state.adding or self.status not in self.sources_of(at):
            raise IllegalTransition(f"Cannot begin as {at}.")
        for name, value in changes.items():
            setattr(self, name, value)
        self.status = at


class StatefulModel(States, models.Model):
    """The usual base of a record with a status: when it was made and last changed."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True
