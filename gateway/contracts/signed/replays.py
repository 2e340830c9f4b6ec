"""Signatures that were used: each is taken once, by whichever process is first, for as long as it would be accepted.

One row of the database, which every process shares; where that cannot be reached, nobody is let in (503).
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from gateway.contracts.models import SeenSignature
from gateway.lib.signature import AHEAD_MS, OLDEST_MS
from gateway.lib.statements import fetch

# A little longer than the window is wide, from one end to the other.
KEPT = timedelta(milliseconds=OLDEST_MS + AHEAD_MS, seconds=30)
_PURGE_BATCH = 5000
# PostgreSQL need not wait for its disk here: whatever a request changes commits after this row and waits for its own
# write, which takes this one along. Only the memory of a request that changed nothing can be lost by a power cut.
_TAKE_ON_POSTGRES = """
INSERT INTO contracts_seensignature (signature, seen_at)
SELECT %s, %s FROM (SELECT set_config('synchronous_commit', 'off', true)) AS quickly
ON CONFLICT (signature) DO NOTHING RETURNING id
"""
_TAKE = """
INSERT INTO contracts_seensignature (signature, seen_at) VALUES (%s, %s)
ON CONFLICT (signature) DO NOTHING RETURNING id
"""


def take(signature: str) -> bool:
    """True for the first who brings this signature. Committed at once: not to be called inside a transaction."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    return bool(fetch(_TAKE_ON_POSTGRES if settings.ON_POSTGRES else _TAKE, [signature, now]))


def purge() -> int:
    """Forgets what could not be used again anyway, in batches; returns how many rows."""
    gone = 0
    while True:
        old = SeenSignature.objects.filter(seen_at__lt=timezone.now() - KEPT).order_by("seen_at")
        batch = list(old.values_list("pk", flat=True)[:_PURGE_BATCH])
        deleted, _ = SeenSignature.objects.filter(pk__in=batch).delete()
        gone += deleted
        if deleted < _PURGE_BATCH:
            return gone
