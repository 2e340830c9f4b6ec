"""Where a moment lies in a table whose ids rise with time, found without an index on time that each row would feed.

Some twenty probes of the key. Rows that overlapped may stand a little on the wrong side: the caller says how much that
matters to it.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Model


def first_id_from(model: type[Model], column: str, moment: datetime, last: int) -> int:
    """An id where the rows' `column` passes `moment`; one beyond `last` if it never does."""
    low, high = 1, last + 1
    while low < high:
        middle = (low + high) // 2
        rows = model._default_manager.filter(pk__gte=middle).order_by("pk")
        found = rows.values_list("pk", column).first()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0] + 1
    return low


def last_id(model: type[Model]) -> int:
    """0 for a table without rows."""
    return model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0
