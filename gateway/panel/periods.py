"""The periods that the overview shows: the last 24 hours by hour, the last 7, 30 and 90 days by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from django.utils import timezone

DEFAULT = "30d"
_DAYS = {"7d": 7, "30d": 30, "90d": 90}
_LABELS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}


@dataclass(frozen=True, slots=True)
class Period:
    """`slots` are the moments at which its hours or days begin in `zone`, the present one last."""

    name: str
    by: str
    zone: tzinfo
    slots: tuple[datetime, ...]

    @property
    def label(self) -> str:
        return _LABELS[self.name]

    @property
    def start(self) -> datetime:
        return self.slots[0]

    @property
    def today(self) -> datetime:
        """When the present day began, or for hours the period: what came later is never old."""
        return self.slots[-1] if self.by == "day" else self.slots[0]

    def mark(self, slot: datetime) -> str:
        return f"{slot:%H:%M}" if self.by == "hour" else f"{slot.day} {slot:%b}"

    def words(self, slot: datetime) -> str:
        return f"{slot:%d %b, %H:%M}" if self.by == "hour" else f"{slot:%d %b %Y}"


def period_of(wanted: str, zone: tzinfo | None = None, now: datetime | None = None) -> Period:
    """The period of that name, in `zone`; the default for any other word."""
    zone = zone or timezone.get_current_timezone()
    local = (now or timezone.now()).astimezone(zone)
    if wanted == "24h":
        hour = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        return Period("24h", "hour", zone, tuple((hour - timedelta(hours=back)).astimezone(zone) for back in _back(24)))
    name = wanted if wanted in _DAYS else DEFAULT
    days = (local.date() - timedelta(days=back) for back in _back(_DAYS[name]))
    return Period(name, "day", zone, tuple(datetime.combine(day, time.min, tzinfo=zone) for day in days))


def _back(count: int) -> range:
    return range(count - 1, -1, -1)


def choices(here: Period) -> list[tuple[str, str, bool]]:
    """(name, label, whether it is shown)."""
    return [(name, label, name == here.name) for name, label in _LABELS.items()]
