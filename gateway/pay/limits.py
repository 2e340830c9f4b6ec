"""How often a page may be posted to: enough for any payer, too little for trying out cards or UTRs.

Counted in the shared cache; while that is away, in this process. A payer is never turned away because it is down.
"""

from __future__ import annotations

import time

import structlog
from django.core.cache import caches
from django.http import HttpRequest

from gateway.lib.middleware import client_address

log = structlog.get_logger(__name__)
WINDOW_SECONDS = 60
# Many payers share one address behind a mobile carrier; one page belongs to one payer.
PER_ADDRESS, PER_PAGE = 120, 20


def too_many(request: HttpRequest, token: str) -> bool:
    """Counts this POST, and says whether it is one too many."""
    address = _count(f"pay:address:{client_address(request)}")
    page = _count(f"pay:page:{token}")
    return address > PER_ADDRESS or page > PER_PAGE


def _count(name: str) -> int:
    key = f"{name}:{int(time.time()) // WINDOW_SECONDS}"
    try:
        return _count_in("default", key)
    except Exception as error:  # whatever a cache can raise
        log.warning("pay_counter_down", error=type(error).__name__)
        return _count_in("local", key)


def _count_in(alias: str, key: str) -> int:
    cache = caches[alias]
    cache.add(key, 0, WINDOW_SECONDS * 2)
    return int(cache.incr(key))
