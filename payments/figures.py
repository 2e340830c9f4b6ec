"""Sums of payments over a period, by slot of time and by method: one pass over the payments that ended in it.

Days that are over change seldom (a capture that came late), so theirs are kept for a few minutes; the present day's are
read each time.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.core.cache import cache
from django.db.models import Count, QuerySet
from django.db.models.functions import Trunc

from accounts.actors import Viewer, scope
from payments.models import Payment
from payments.queries import CAPTURED, SUMS

_KEEP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Sums:
    """Payments that ended: minor units of INR, gross of fees and refunds.

    `captured` is of how many payments the sums are; a payment may have succeeded and wait for its capture.
    """

    count: int = 0  # succeeded
    failed: int = 0
    succeeded_minor: int = 0  # captured
    fee_minor: int = 0
    captured: int = 0

    def __add__(self, more: Sums) -> Sums:
        return Sums(
            self.count + more.count, self.failed + more.failed, self.succeeded_minor + more.succeeded_minor,
            self.fee_minor + more.fee_minor, self.captured + more.captured,
        )

    @property
    def success_rate(self) -> float | None:
        """Percent of the payments that ended; None where none did."""
        ended = self.count + self.failed
        return round(100 * self.count / ended, 1) if ended else None


Slots = dict[tuple[datetime, str], Sums]


def sums_by_slot(viewer: Viewer, *, start: datetime, fresh_from: datetime, by: str, zone: tzinfo) -> Slots:
    """Of each slot (`by` hour or day of `zone`) from `start` on and each method: what ended in it.

    What ended before `fresh_from` may be a few minutes old.
    """
    found = _read(viewer, start=max(start, fresh_from), end=None, by=by, zone=zone)
    return (_kept(viewer, start, fresh_from, by, zone) | found) if start < fresh_from else found


def _kept(viewer: Viewer, start: datetime, end: datetime, by: str, zone: tzinfo) -> Slots:
    key = f"payment-sums-2:{viewer.user.pk}:{viewer.mode}:{start.timestamp():.0f}:{end.timestamp():.0f}:{by}:{zone}"
    key = key.replace(" ", "_")
    kept: Slots | None = None
    with suppress(Exception):  # a cache that is away costs time, not the page
        kept = cache.get(key)
    if kept is None:
        kept = _read(viewer, start=start, end=end, by=by, zone=zone)
        with suppress(Exception):
            cache.set(key, kept, _KEEP_SECONDS)
    return kept


def _read(viewer: Viewer, *, start: datetime, end: datetime | None, by: str, zone: tzinfo) -> Slots:
    rows: QuerySet[Any] = scope(Payment.objects.filter(completed_at__gte=start, currency="INR"), viewer)
    if end is not None:
        rows = rows.filter(completed_at__lt=end)
    grouped: QuerySet[Any, Any] = rows.order_by().annotate(slot=Trunc("completed_at", by, tzinfo=zone))
    sums = grouped.values_list("slot", "method").annotate(**SUMS, captured=Count("id", filter=CAPTURED))
    return {(slot, method): Sums(*values) for slot, method, *values in sums}
