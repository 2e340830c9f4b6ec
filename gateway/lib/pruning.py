"""Old rows go oldest first, in small transactions, so that nothing waits for it; what is left goes with the next round.
"""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
_BATCH, _MOST = 500, 50_000


def delete_in_pieces(rows: QuerySet[M]) -> int:
    """How many were deleted: all of them, or about 50,000."""
    deleted = 0
    while deleted < _MOST:
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[:_BATCH])
        rows.filter(pk__in=keys).delete()  # asked again: one that is wanted since it was read stays
        deleted += len(keys)
        if len(keys) < _BATCH:
            break
    return deleted
