"""Rate limits: counted exactly in the shared cache, and more strictly in this process while that is away.

`counting` counts (fixed windows, one atomic increment a request); the answers are ours. A request is never unlimited
and never an error because the counters are down.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NoReturn

import structlog
from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest

from gateway.contracts.counting import Limit, get_usage
from gateway.contracts.problems import RateLimited, Unauthenticated
from gateway.lib.middleware import client_address

__all__ = ["MINUTE", "Limit", "Usage", "count", "refuse_credential"]
log = structlog.get_logger(__name__)
MINUTE = 60
_REST_SECONDS = 2.0
_LOCAL_SHARE = 4
_resting_until = 0.0


@dataclass(frozen=True, slots=True)
class Usage:
    limit: int
    count: int
    resets_in: int

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.count)

    @property
    def resets_at(self) -> int:
        return int(time.time()) + self.resets_in

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.resets_at),
        }

    def check(self) -> None:
        if self.count > self.limit:
            raise RateLimited(retry_after=max(1, self.resets_in))


def count(request: HttpRequest, limit: Limit) -> Usage:
    """Counts this request against `limit`."""
    return _counted_by_all(request, limit) or _counted_here(limit)


def refuse_credential(request: HttpRequest, contract: str, refusal: Unauthenticated) -> NoReturn:
    """Raises `refusal` of a wrong credential; `RateLimited` instead for an address that brings too many of them.

    Every contract's authentication refuses through here, whatever was wrong, so that neither answer tells whether a key
    exists. Only wrong credentials are counted, and a good one is never turned away for its neighbours' mistakes: a
    secret has far too many bits to be guessed, and a shop must not stop because somebody shares its address.
    """
    key = f"refused:{contract}:{client_address(request)}"
    count(request, Limit(key, settings.FAILED_AUTH_RATE_LIMIT, MINUTE)).check()
    raise refusal


def _counted_by_all(request: HttpRequest, limit: Limit) -> Usage | None:
    """None while the shared cache is away; it is left alone for a moment then, so that no caller waits for it."""
    global _resting_until
    if time.monotonic() < _resting_until:
        return None
    try:
        usage = get_usage(request, limit)
    except Exception as error:  # whatever a cache can raise
        _resting_until = time.monotonic() + _REST_SECONDS
        log.warning("rate_counter_down", error=type(error).__name__)
        return None
    if usage is None or usage["time_left"] < 0:
        return None
    return Usage(limit.requests, usage["count"], usage["time_left"])


def _counted_here(limit: Limit) -> Usage:
    """A quarter of the limit in each process: with the usual four, together no more than the whole."""
    window, elapsed = divmod(int(time.time()), limit.seconds)
    key = f"limit:{limit.key}:{window}"
    cache = caches["local"]
    cache.add(key, 0, limit.seconds + 5)
    try:
        counted = cache.incr(key)
    except ValueError:  # evicted in between: as strict as can be
        counted = limit.requests
    return Usage(max(1, limit.requests // _LOCAL_SHARE), counted, limit.seconds - elapsed)
