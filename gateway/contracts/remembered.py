"""What this process remembers of long lists for a while: totals, sums, days."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models import QuerySet


def key_of(kind: str, rows: QuerySet[Any]) -> str:
    """The local cache's key of one figure of one list: the same rows asked for in the same way."""
    return f"{kind}:" + hashlib.sha256(str(rows.query).encode("utf-8", "replace")).hexdigest()
