"""Folds changes into the kept figures, makes the figures anew, and finds where they differ from the rows they count.

Folding moves counts from one place to another within a transaction, so it may happen at any time, in several processes,
or never: readers add both places up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from django.db import connection, transaction

from crypto import counting
from crypto.folding import folds_of_sessions, folds_of_transfers
from crypto.models import SessionFigure, TransferFigure

_AT_ONCE, _SECONDS = 20_000, 20


def fold_figures(seconds: float = _SECONDS) -> int:
    """Folds all changes there are, for as long as that; returns how many."""
    until, folded = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        count = _fold(SessionFigure, folds_of_sessions(connection.vendor))
        count += _fold(TransferFigure, folds_of_transfers(connection.vendor))
        if not count:
            break
        folded += count
    return folded


@transaction.atomic
def _fold(model: type[SessionFigure | TransferFigure], statements: list[str]) -> int:
    """The oldest, but for those that somebody else is folding."""
    rows = model.objects.filter(kind=model.CHANGE).order_by("pk")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    keys = list(rows.values_list("pk", flat=True)[:_AT_ONCE])
    if not keys:
        return 0
    chosen = keys if connection.vendor == "postgresql" else json.dumps(keys)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, [chosen])
    return len(keys)


# Anew, and checked ----------------------------------------------------------------------------------------
def rebuild_figures() -> int:
    """Throws all figures away and counts every row again; returns how many. Sessions wait while it counts."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("LOCK TABLE crypto_sessionfigure, crypto_transferfigure IN EXCLUSIVE MODE")
        for model in (SessionFigure, TransferFigure):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 - at once, unlike the ORM's
        for statement in counting.counts_of_all(connection.vendor):
            cursor.execute(statement.replace("%", "%%"), [])
    return fold_figures(seconds=float("inf"))


def wrong_figures() -> Iterator[str]:
    """Days on which the figures differ from the rows that they count; each compared in one statement."""
    for words, statement in counting.differences(connection.vendor).items():
        with connection.cursor() as cursor:
            cursor.execute(statement)
            for merchant, mode, day in cursor.fetchall():
                yield f"the figures of {words} of merchant {merchant} ({mode}) on {str(day)[:10]} are not their count"
