"""When a delivery that failed is tried again: Standard Webhooks' ten attempts over 75 hours, or the endpoint's own.

Times are spread by ±20 %, so that an endpoint that comes back is not met by everything at once; an endpoint's own
interval is kept as it was set.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

# From the end of one attempt to the next; the tenth is the last.
STANDARD_DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
SPREAD = 0.2
MAX_RETRIES, MIN_INTERVAL, MAX_INTERVAL = 10, 10, 86_400  # of an endpoint's own schedule, in seconds
_LONGEST_WAIT = timedelta(hours=24)
_ABSURD_WAIT = timedelta(days=30)


def next_delay(
    attempts: int,
    config: Mapping[str, Any],
    *,
    asked: timedelta | None = None,
    uniform: Callable[[float, float], float] = random.uniform,
) -> timedelta | None:
    """How long to wait after `attempts` failed ones; None: that was the last.

    `config` is the endpoint's retry_config (empty: the standard schedule), `asked` what the receiver asked for: it
    is never tried sooner than that.
    """
    delay = _own_delay(attempts, config) if config else _standard_delay(attempts, uniform)
    return max(delay, asked) if delay is not None and asked is not None else delay


def _standard_delay(attempts: int, uniform: Callable[[float, float], float]) -> timedelta | None:
    if attempts > len(STANDARD_DELAYS):
        return None
    return STANDARD_DELAYS[attempts - 1] * uniform(1 - SPREAD, 1 + SPREAD)


def _own_delay(attempts: int, config: Mapping[str, Any]) -> timedelta | None:
    return timedelta(seconds=config["retry_interval"]) if attempts <= config["max_retries"] else None


def asked_delay(status: int | None, headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """What `Retry-After` of a 429 or 503 asks for, at most 24 hours.

    None if there is none, or none to be taken seriously: no number and no date, negative, or over 30 days.
    """
    text = headers.get("retry-after", "").strip()
    if status not in (429, 503) or not text:
        return None
    delay = _parsed(text, now)
    if delay is None or not timedelta(0) <= delay <= _ABSURD_WAIT:
        return None
    return min(delay, _LONGEST_WAIT)


def _parsed(text: str, now: datetime) -> timedelta | None:
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text)) if len(text) <= 10 else None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) - now
