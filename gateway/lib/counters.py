"""How often something happened in a window of time: one trip to Redis, exact whoever counts beside us.

`RedisCache` would make a client and three trips of it. A connection that Redis has closed is noticed when it is taken
from the pool, and replaced.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from redis.connection import ConnectionPool


def increment(url: str, key: str, seconds: int) -> int:
    """The count of `key` with this one in it. It is forgotten `seconds` after its first. Raises what Redis raises."""
    pool = _pool(url)
    connection: Any = pool.get_connection()
    try:
        # Together, or a key that ends between the two would begin again without an end.
        trip = [("MULTI",), ("SET", key, 0, "EX", seconds, "NX"), ("INCR", key), ("EXEC",)]
        connection.send_packed_command(connection.pack_commands(trip))
        *_, counted = [connection.read_response() for _ in trip]
        return int(counted[-1])
    except BaseException:
        connection.disconnect()  # an answer may still be on its way: not for whoever comes next
        raise
    finally:
        pool.release(connection)


@cache
def _pool(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(url, socket_connect_timeout=1, socket_timeout=1)
