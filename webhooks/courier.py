"""Sends deliveries from an event loop in a thread of its own, while the caller's thread talks to the database.

So no transaction is ever open around a request, the database is used from one thread, and a receiver that is slow
costs a waiting coroutine and nothing else.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from gateway.lib import http
from webhooks import signing
from webhooks.claiming import Leased

log = structlog.get_logger(__name__)

# Outcomes are written down in batches: what ends within so little time of each other shares a transaction.
_GATHER_SECONDS = 0.003


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended: with a `response`, or with an `error` in words (an answer may have an error too)."""

    delivery: Leased
    headers: dict[str, str]
    started_at: datetime
    duration_ms: int
    response: http.OutboundResponse | None
    error: str

    @property
    def delivered(self) -> bool:
        return self.response is not None and self.response.ok

    @property
    def status(self) -> int | None:
        return self.response.status if self.response else None


class Courier:
    """Use as a context manager; leaving it abandons what is still under way."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="courier", daemon=True)
        self._session = http.Session(allow_loopback=settings.WEBHOOK_ALLOW_LOOPBACK)
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: dict[UUID, tuple[UUID, float]] = {}  # delivery → its endpoint, since when

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._session.__aenter__(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __len__(self) -> int:
        """How many are under way: sent out, and their outcome not yet collected."""
        return len(self._under_way)

    def busy(self) -> Counter[UUID]:
        return Counter(endpoint for endpoint, _ in self._under_way.values())

    def slow(self, seconds: float) -> Collection[UUID]:
        """The endpoints that have kept a request waiting for so long."""
        before = time.monotonic() - seconds
        return {endpoint for endpoint, since in self._under_way.values() if since < before}

    def send(self, deliveries: Collection[Leased]) -> None:
        for delivery in deliveries:
            self._under_way[delivery.id] = (delivery.endpoint.pk, time.monotonic())
        self._loop.call_soon_threadsafe(self._start, deliveries)

    def collect(self, wait: float) -> list[Outcome]:
        """What has ended, waiting up to `wait` seconds for the first, and then a little for its neighbours."""
        found: list[Outcome] = []
        try:
            found.append(self._outcomes.get(timeout=wait))
            time.sleep(_GATHER_SECONDS)
            while True:
                found.append(self._outcomes.get_nowait())
        except queue.Empty:
            pass
        for outcome in found:
            self._under_way.pop(outcome.delivery.id, None)
        return found

    def _start(self, deliveries: Collection[Leased]) -> None:
        for delivery in deliveries:
            task = self._loop.create_task(self._deliver(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Leased) -> None:
        self._outcomes.put(await attempt(delivery, self._session))

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.__aexit__()


async def attempt(
    delivery: Leased, session: http.Session | None = None, *, seconds: float | None = None
) -> Outcome:
    """One attempt, whatever comes of it, within `seconds` (default: the installation's); never raises."""
    started_at, started, headers = timezone.now(), time.monotonic(), {}
    response, error = None, ""
    try:
        headers = _headers(delivery, started_at)
        response = await http.send(_request(delivery, headers, seconds), session=session)
        error = "" if response.ok else _words_for(response.status)
    except http.OutboundError as reason:
        error = str(reason)
    except Exception as reason:
        log.exception("delivery_not_made", delivery=str(delivery.id), error=type(reason).__name__)
        error = "the gateway could not make this request"
    duration_ms = int((time.monotonic() - started) * 1000)
    return Outcome(delivery, headers, started_at, duration_ms, response, error)


def _headers(delivery: Leased, at: datetime) -> dict[str, str]:
    endpoint = delivery.endpoint
    return signing.headers(
        contract=endpoint.contract, url=endpoint.url, event_id=delivery.event_id,
        event_name=delivery.event_name, body=delivery.body, secrets=endpoint.signing_secrets(at), at=at,
    )


def _request(delivery: Leased, headers: dict[str, str], seconds: float | None) -> http.OutboundRequest:
    return http.OutboundRequest(
        delivery.endpoint.url, headers=headers, body=delivery.body,
        timeout=seconds or settings.WEBHOOK_TIMEOUT_SECONDS, allow_loopback=settings.WEBHOOK_ALLOW_LOOPBACK,
    )


def _words_for(status: int) -> str:
    if 300 <= status <= 399:
        return f"answered {status}: redirects are not followed"
    return "answered 410 Gone: wants no more deliveries" if status == 410 else f"answered {status}"
