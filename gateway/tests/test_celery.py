"""A worker whose broker went away, and what a task leaves for the next one."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from celery import signals
from celery.fixups.django import DjangoWorkerFixup
from celery.worker.consumer import Consumer
from django.conf import settings
from django.db import connection

from gateway.celery import app


class EnoughError(Exception):
    pass


def test_a_lost_broker_is_asked_for_every_five_seconds_however_long_it_is_away(monkeypatch):
    monkeypatch.setattr("kombu.utils.functional.sleep", lambda _: None)
    waits = []

    def note(_error, interval):
        waits.append(interval)
        if len(waits) == 300:
            raise EnoughError

    try:
        with app.connection_for_read("redis://127.0.0.1:1/0") as broker:
            broker.ensure_connection(note, app.conf.broker_connection_max_retries)
    except EnoughError:
        pass

    assert waits == [2, 4, *[5] * 298]


def test_a_task_that_ends_after_a_lost_connection_asks_the_broker_for_nothing_from_its_own_thread():
    asked = []
    qos = SimpleNamespace(_mutex=threading.RLock(), value=1, set=asked.append)
    consumer = SimpleNamespace(
        app=app, qos=qos, _maximum_prefetch_restored=False, _new_prefetch_count=2, max_prefetch_count=4,
        initial_prefetch_count=1,
    )

    Consumer._restore_prefetch_count_after_connection_restart(consumer, None)

    assert (asked, qos.value) == ([], 1)


def run_a_task():
    """What a worker does around each task, Celery's part and ours."""
    fixup, task = DjangoWorkerFixup(app), app.tasks["celery.chunks"]
    fixup.on_task_prerun(task)
    signals.task_prerun.send(task)
    fixup.on_task_postrun(task)
    signals.task_postrun.send(task)


@pytest.mark.skipif(not settings.ON_POSTGRES, reason="the embedded database is a file, opened for each task")
@pytest.mark.django_db(transaction=True)
def test_a_task_takes_over_the_connection_of_the_one_before():
    connection.ensure_connection()
    kept = connection.connection

    run_a_task()

    assert connection.connection is kept
    assert not kept.closed


def test_a_worker_spares_what_is_there_when_it_starts_from_being_looked_through_for_garbage():
    told = "print(gc.get_freeze_count() > 50_000, gc.get_threshold()[0])"
    start = f"import gc; from celery import signals; import gateway.celery; signals.worker_init.send(None); {told}"

    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True, timeout=120)

    assert done.stdout.split() == ["True", "10000"]
