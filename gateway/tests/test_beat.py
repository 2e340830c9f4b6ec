"""The scheduler ends between two tasks, never within one; what has never run it sends at once."""

import os
import signal

import pytest

from gateway import beat
from gateway.celery import app


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_waits_until_what_is_under_way_is_done(number):
    done = []

    def end(*_):
        done.append("ended")
        raise SystemExit

    before = signal.signal(number, end)
    try:
        with pytest.raises(SystemExit), beat.ending_later():
            os.kill(os.getpid(), number)
            done.append("sent")
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, before)
    assert done == ["sent", "ended"]


def test_without_a_signal_nothing_ends():
    before = signal.getsignal(signal.SIGTERM)
    with beat.ending_later():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_of_a_tick_is_raised_as_it_is():
    with pytest.raises(ValueError, match="a broken tick"), beat.ending_later():
        raise ValueError("a broken tick")


def due_at_start(folder):
    scheduler = beat.Scheduler(app, schedule_filename=str(folder / "schedule"))
    due = {name for name, entry in scheduler.schedule.items() if entry.is_due().is_due}
    return scheduler, due


def test_the_first_proof_of_the_books_does_not_wait_for_the_second_day(settings, tmp_path):
    settings.DATA_DIR = tmp_path

    first, due = due_at_start(tmp_path)

    assert due == set(settings.CELERY_BEAT_SCHEDULE)
    entry = first.schedule["ledger.verify"] = next(first.schedule["ledger.verify"])
    first.close()
    first._lock.close()

    again, due = due_at_start(tmp_path)

    assert due == set(settings.CELERY_BEAT_SCHEDULE) - {"ledger.verify"}
    assert again.schedule["ledger.verify"].last_run_at == entry.last_run_at
    again.close()
    again._lock.close()
