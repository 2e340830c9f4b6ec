"""Django's PostgreSQL backend, with prepared statements beside its own, and two habits about its connections.

A kept connection is checked before each request. When the server has ended it, the end stands in its socket already: so
a silent socket is a good one, and only one that has something to say is asked for more.

A server that does not even refuse is tried by one thread at a time; the others fail at once, and their callers are told
to come back. Otherwise every thread would wait for it, and every caller behind every thread.
"""

from __future__ import annotations

import select
import threading
import time
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
from django.db.backends.postgresql import base, operations
from psycopg import RawCursor
from psycopg.pq import TransactionStatus

# A failure that took so long was no refusal: the server was not reached.
_SLOW_SECONDS = 1.0
_vanished, _trying = threading.Event(), threading.Lock()


class DatabaseOperations(operations.DatabaseOperations):
    def adapt_datetimefield_value(self, value: Any) -> Any:
        """In UTC: PostgreSQL takes offsets up to 15:59, Python, and so whoever sends us a moment, up to 23:59."""
        if isinstance(value, datetime) and value.tzinfo is not None:
            value = value.astimezone(UTC)
        return super().adapt_datetimefield_value(value)

    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> Any:
        """A statement that the server had already is not sent again, and the driver does not remember it."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: Any) -> Any:
        if not _vanished.is_set():
            return self._reach(conn_params)
        if not _trying.acquire(blocking=False):
            raise psycopg.OperationalError("the server was not reached, and is being tried by another thread")
        try:
            return self._reach(conn_params)
        finally:
            _trying.release()

    def _reach(self, conn_params: Any) -> Any:
        began = time.monotonic()
        try:
            connection = super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            if time.monotonic() - began >= _SLOW_SECONDS:
                _vanished.set()
            raise
        _vanished.clear()
        return connection

    def is_usable(self) -> bool:
        """A statement that was broken off (a task out of time) may still be running: no other can be sent then."""
        if self.connection is None or self.connection.info.transaction_status != TransactionStatus.IDLE:
            return False
        if self.errors_occurred or self.connection.closed or _has_news(self.connection.fileno()):
            return bool(super().is_usable())
        return True

    def prepared_cursor(self) -> Any:
        """A cursor whose statements (places: `$1`) the server keeps, with their values sent beside them."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            return cast(Any, self)._prepare_cursor(RawCursor(self.connection))


def _has_news(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
