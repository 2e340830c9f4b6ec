"""Requests counted in fixed windows, whose edges differ by key: on Redis in one trip, else by django-ratelimit."""

from __future__ import annotations

import hashlib
import time
import zlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit import core

from gateway.lib import counters

# A window's count outlives it by so much, so that clocks may differ.
_SLACK = 5


@dataclass(frozen=True, slots=True)
class Limit:
    """`requests` in any window of `seconds`, for whatever `key` names."""

    key: str
    requests: int
    seconds: int


def get_usage(request: HttpRequest, limit: Limit) -> dict[str, Any] | None:
    """Counts one more: `count`, and `time_left` of its window in seconds. Raises whatever the counters can raise."""
    shared: dict[str, Any] = settings.CACHES[settings.RATELIMIT_USE_CACHE]
    if shared["BACKEND"].endswith(".RedisCache"):
        return _in_one_trip(shared["LOCATION"], limit)
    rate = f"{limit.requests}/{limit.seconds}s"
    usage: dict[str, Any] | None = core.get_usage(
        request, group="api", key=lambda *_: limit.key, rate=rate, increment=True
    )
    return usage


def _in_one_trip(redis_url: str, limit: Limit) -> dict[str, Any]:
    now = int(time.time())
    left = limit.seconds - (now - zlib.crc32(limit.key.encode())) % limit.seconds
    name = f"{limit.key}:{limit.requests}/{limit.seconds}:{now + left}"
    key = f"limit:{hashlib.sha256(name.encode()).hexdigest()}"
    return {"count": counters.increment(redis_url, key, limit.seconds + _SLACK), "time_left": left}
