"""Django's PostgreSQL backend, with prepared statements beside its own, and a health check that asks nobody.

A kept connection is checked before each request. When the server has ended it, the end stands in its socket already: so
a silent socket is a good one, and only one that has something to say is asked for more.
"""

from __future__ import annotations

import select
from typing import Any, cast

from django.db.backends.postgresql import base, operations
from psycopg import RawCursor
from psycopg.pq import TransactionStatus


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> Any:
        """A statement that the server had already is not sent again, and the driver does not remember it."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

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
