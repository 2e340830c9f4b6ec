"""Whether what the gateway stands on answers, each within a bounded time and without saying anything secret."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from datetime import timedelta
from threading import Lock
from typing import Any

import structlog
from django.core.cache import caches
from django.db import connection, connections
from django.utils import timezone

from crypto.models import ChainState
from crypto.openness import closed_networks
from gateway.celery import app
from gateway.lib.modes import Mode
from payments.models import Payment, Refund
from payouts.models import Payout
from webhooks.models import Delivery

log = structlog.get_logger(__name__)
_PATIENCE_SECONDS = 1.5
_BEHIND = timedelta(minutes=1)
_REMEMBER_SECONDS = 5
_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")
_lock = Lock()
_running: Future[bool] | None = None


def database_answers() -> bool:
    """Asks on a connection of its own, in a thread that may hang; at most one does, and callers share its answer."""
    global _running
    with _lock:
        if _running is None or _running.done():
            _running = _pool.submit(_ask_database)
        probe = _running
    try:
        return probe.result(timeout=_PATIENCE_SECONDS)
    except TookTooLong:
        log.error("database_unreachable", error="no answer in time")
        return False


def _ask_database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())
    except Exception as error:  # whatever a driver can raise
        log.error("database_unreachable", error=type(error).__name__)
        return False
    finally:
        connections.close_all()


def everything_else(connected: bool) -> dict[str, Any]:
    """Broker, cache, worker and watcher; asked at most once in a few seconds, since anybody may ask."""
    known: dict[str, Any] | None = caches["local"].get("health:deep")
    if known is None:
        known = {
            "broker": _word(_broker_answers), "cache": _word(_cache_answers),
            "worker": _worker() if connected else "unknown",
            "watcher": _watcher() if connected else "unknown",
        }
        caches["local"].set("health:deep", known, _REMEMBER_SECONDS)
    return known


def _word(probe: Any) -> str:
    try:
        probe()
    except Exception as error:  # whatever a broker or a cache can raise
        log.warning("probe_failed", probe=probe.__name__, error=type(error).__name__)
        return "disconnected"
    return "connected"


def _broker_answers() -> None:
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=1)


def _cache_answers() -> None:
    caches["default"].get("health:probe")


def _worker() -> str:
    """By its work: whether anything has been due for a minute that nobody took."""
    late = timezone.now() - _BEHIND
    overdue = (kind.objects.filter(due_at__lt=late, leased_until=None) for kind in (Payment, Refund, Payout, Delivery))
    return "behind" if any(rows.exists() for rows in overdue) else "keeping up"


def _watcher() -> str:
    """By what it has read: whether the chain of any network that is on is not known close to its head."""
    if not ChainState.objects.exists():
        return "unknown"
    return "behind" if any(closed_networks(mode) for mode in Mode.values) else "keeping up"
