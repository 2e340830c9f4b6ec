"""The embedded edition's shared counters: exact over threads and over processes."""

import multiprocessing
import threading

import pytest

from gateway.lib.cache import SqliteCache


@pytest.fixture
def cache(tmp_path):
    return SqliteCache(str(tmp_path / "cache.sqlite3"), {})


def test_add_sets_once_until_it_expires(cache):
    assert cache.add("k", 1, 60)
    assert not cache.add("k", 2, 60)
    assert cache.get("k") == 1
    cache.set("k", 3, timeout=0)
    assert cache.get("k") is None
    assert cache.add("k", 4, 60)
    assert cache.get("k") == 4


def test_values_of_any_kind_come_back_and_can_be_deleted(cache):
    cache.set("k", {"a": [1, "b"]}, 60)
    cache.set("forever", "x", None)

    assert (cache.get("k"), cache.get("forever"), cache.get("other", "none")) == ({"a": [1, "b"]}, "x", "none")
    assert cache.delete("k")
    assert not cache.delete("k")
    cache.clear()
    assert cache.get("forever") is None


def test_a_missing_key_cannot_be_counted(cache):
    with pytest.raises(ValueError, match="not found"):
        cache.incr("missing")


def count_up(path, turns):
    cache = SqliteCache(path, {})
    for _ in range(turns):
        cache.incr("n")


@pytest.mark.race
def test_no_count_is_lost_between_threads_and_processes(cache, tmp_path):
    path = str(tmp_path / "cache.sqlite3")
    cache.add("n", 0, 60)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=count_up, args=(path, 200)) for _ in range(2)]
    workers += [threading.Thread(target=count_up, args=(path, 200)) for _ in range(8)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert cache.get("n") == 2_000
