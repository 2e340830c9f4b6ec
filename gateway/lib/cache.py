"""A small cache in one SQLite file, for the embedded edition: exact counters shared by all processes.

Only what rate limits, locks and small flags need: `add` and `incr` are single statements, so no two processes
count the same request. It is a cache: deleting the file loses nothing but counts.
"""

from __future__ import annotations

import pickle
import sqlite3
import threading
import time
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

_SCHEMA = "CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, value, expires REAL) WITHOUT ROWID"
_PURGE_EVERY = 500


class SqliteCache(BaseCache):
    """`LOCATION` is the file's path. Integers are stored as such, so that `incr` is arithmetic in SQL."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._path = location
        self._local = threading.local()
        self._writes = 0

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(_SCHEMA)
            self._local.connection = connection
        return connection

    def _expires(self, timeout: Any) -> float | None:
        moment: float | None = self.get_backend_timeout(timeout)
        return moment

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        self._purge_sometimes()
        now = time.time()
        cursor = self._connection.execute(
            "INSERT INTO cache VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
            "SET value = excluded.value, expires = excluded.expires WHERE cache.expires <= ?",
            (self._key(key, version), _pack(value), self._expires(timeout), now),
        )
        return cursor.rowcount == 1

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        row = self._connection.execute(
            "SELECT value FROM cache WHERE key = ? AND (expires IS NULL OR expires > ?)",
            (self._key(key, version), time.time()),
        ).fetchone()
        return _unpack(row[0]) if row else default

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._purge_sometimes()
        self._connection.execute(
            "INSERT INTO cache VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
            "SET value = excluded.value, expires = excluded.expires",
            (self._key(key, version), _pack(value), self._expires(timeout)),
        )

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        row = self._connection.execute(
            "UPDATE cache SET value = value + ? WHERE key = ? AND (expires IS NULL OR expires > ?) RETURNING value",
            (delta, self._key(key, version), time.time()),
        ).fetchone()
        if row is None:
            raise ValueError(f"Key {key!r} not found")
        return int(row[0])

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._connection.execute("DELETE FROM cache WHERE key = ?", (self._key(key, version),)).rowcount == 1

    def clear(self) -> None:
        self._connection.execute("DELETE FROM cache")

    def _key(self, key: str, version: int | None) -> str:
        return self.make_and_validate_key(key, version=version)

    def _purge_sometimes(self) -> None:
        self._writes += 1
        if self._writes % _PURGE_EVERY == 0:
            self._connection.execute("DELETE FROM cache WHERE expires <= ?", (time.time(),))


def _pack(value: Any) -> Any:
    return value if type(value) is int else pickle.dumps(value)


def _unpack(value: Any) -> Any:
    return pickle.loads(value) if isinstance(value, bytes) else value  # noqa: S301 - our own file, mode 0700
