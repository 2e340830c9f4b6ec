"""How often something happened in a window of time: one command to Redis, exact whoever counts beside us.

`RedisCache` would make a client and three trips of it. Each thread keeps a connection; one that Redis has closed is
replaced when it is used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import redis
from redis.connection import ConnectionPool

# Both or neither: a count without an end would stay for ever.
_SCRIPT = (
    b"local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end return n"
)
# As Redis reads it; of a command that never changes the driver need not put together more than its two values.
_COMMAND = b"*5\r\n$4\r\nEVAL\r\n$%d\r\n%b\r\n$1\r\n1\r\n" % (len(_SCRIPT), _SCRIPT)


def increment(url: str, key: str, seconds: int) -> int:
    """The count of `key` with this one in it. It is forgotten `seconds` after its first. Raises what Redis raises.

    Asked twice when a kept connection breaks off: should Redis have counted before that, one is counted too many.
    """
    name, end = key.encode(), b"%d" % seconds
    command = b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n" % (_COMMAND, len(name), name, len(end), end)
    kept = _own.connections.get(url)
    connection = kept or _own.connections.setdefault(url, _maker(url)())
    try:
        return _ask(connection, command)
    except redis.ConnectionError:
        if kept is None:
            raise
    return _ask(connection, command)


def _ask(connection: Any, command: bytes) -> int:
    try:
        connection.send_packed_command([command])
        return int(connection.read_response())
    except BaseException:
        connection.disconnect()  # an answer may still be on its way: not for whoever asks next
        raise


class _Connections(dict[str, Any]):
    """Ended with their thread: a connection of redis-py's is part of a cycle, and would wait for a collection."""

    def __del__(self) -> None:
        for connection in self.values():
            connection.disconnect()


class _Own(threading.local):
    """This thread's connections. A pool would look at the socket three times before it gave one out."""

    def __init__(self) -> None:
        self.connections = _Connections()


_own = _Own()


@cache
def _maker(url: str) -> Callable[[], Any]:
    """Makes connections to `url` outside a pool, which would count each for ever, also when its thread is no more."""
    pool = ConnectionPool.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    return partial(pool.connection_class, **pool.connection_kwargs)
