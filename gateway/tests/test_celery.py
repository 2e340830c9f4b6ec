"""A worker whose broker went away."""

import pytest
from kombu.exceptions import OperationalError

from gateway.celery import app


def test_a_lost_broker_is_asked_for_every_five_seconds_however_long_it_was_away(monkeypatch):
    slept = []
    monkeypatch.setattr("kombu.utils.functional.sleep", slept.append)
    waits = []

    with (
        app.connection_for_read("redis://127.0.0.1:1/0") as broker,
        pytest.raises(OperationalError),
    ):
        broker.ensure_connection(lambda error, interval: waits.append(interval), 8)

    assert waits == [2, 4, 5, 5, 5, 5, 5, 5]
    assert app.conf.broker_connection_max_retries == 0
