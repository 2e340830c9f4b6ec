"""How often something happened in a window of time: one command to Redis, exact whoever counts beside us.

`RedisCache` would make a client and three trips of it. A connection that Redis has closed is noticed when it is taken
from the pool, and replaced.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from redis.connection import ConnectionPool

# Both or neither: a count without an end would stay for ever.
_SCRIPT = (
    b"local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end return n"
)
# As Redis reads it; of a command that never changes the driver need not put together more than its two values.
_COMMAND = b"*5\r\n$4\r\nEVAL\r\n$%d\r\n%b\r\n$1\r\n1\r\n" % (len(_SCRIPT), _SCRIPT)


def increment(url: str, key: str, seconds: int) -> int:
    """The count of `key` with this one in it. It is forgotten `seconds` after its first. Raises what Redis raises."""
    name, end = key.encode(), b"%d" % seconds
    pool = _pool(url)
    connection: Any = pool.get_connection()
    try:
        command = b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n" % (_COMMAND, len(name), name, len(end), end)
        connection.send_packed_command([command])
        return int(connection.read_response())
    except BaseException:
        connection.disconnect()  # an answer may still be on its way: not for whoever comes next
        raise
    finally:
        pool.release(connection)


@cache
def _pool(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(url, socket_connect_timeout=1, socket_timeout=1)
