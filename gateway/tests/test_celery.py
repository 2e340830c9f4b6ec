"""A worker whose broker went away."""

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
