"""Counters in Redis: exact among threads, forgotten after their time, and back after a lost connection."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.conf import settings
from django.core.cache import caches

from gateway.lib import counters

LOCATION = str(settings.CACHES["default"]["LOCATION"])
pytestmark = [
    pytest.mark.redis,
    pytest.mark.skipif(not LOCATION.startswith("redis"), reason="the embedded edition counts in a file"),
]


@pytest.fixture(autouse=True)
def empty():
    caches["default"].clear()
    yield
    caches["default"].clear()


def test_every_increment_counts_once():
    with ThreadPoolExecutor(16) as pool:
        counts = sorted(pool.map(lambda _: counters.increment(LOCATION, "k", 60), range(200)))

    assert counts == list(range(1, 201))


def test_threads_may_come_and_go():
    """Each has a connection of its own, which ends with it."""
    def count():
        counts.append(counters.increment(LOCATION, "k", 60))

    gc.disable()
    try:
        counts = []
        with redis.Redis.from_url(LOCATION) as client:
            before = _connected(client)
            for _ in range(300):
                thread = threading.Thread(target=count)
                thread.start()
                thread.join()

            assert counts == list(range(1, 301))
            assert _connected(client) - before <= 1  # the last one's end may not have been noticed yet
    finally:
        gc.enable()


def _connected(client):
    return len([one for one in client.client_list() if one["db"] == LOCATION.rsplit("/", 1)[1]])


def test_a_count_is_forgotten_after_its_time():
    counters.increment(LOCATION, "k", 60)
    counters.increment(LOCATION, "k", 600)

    with redis.Redis.from_url(LOCATION) as client:
        assert 55 <= client.ttl("k") <= 60


def test_a_connection_that_the_server_closed_is_replaced_unnoticed():
    assert counters.increment(LOCATION, "k", 60) == 1
    kept = counters._own.connections[LOCATION]
    kept.send_command("CLIENT", "ID")
    with redis.Redis.from_url(LOCATION) as other:
        other.client_kill_filter(_id=kept.read_response())

    assert counters.increment(LOCATION, "k", 60) == 2
    assert counters._own.connections[LOCATION] is kept


def test_a_server_that_is_gone_is_told_and_asked_anew_the_next_time(monkeypatch):
    assert counters.increment(LOCATION, "k", 60) == 1
    kept, port = counters._own.connections[LOCATION], counters._own.connections[LOCATION].port
    kept.disconnect()
    monkeypatch.setattr(kept, "port", 1)

    with pytest.raises(redis.ConnectionError):
        counters.increment(LOCATION, "k", 60)
    monkeypatch.setattr(kept, "port", port)

    assert counters.increment(LOCATION, "k", 60) == 2
