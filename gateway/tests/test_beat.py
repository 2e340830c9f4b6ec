"""The scheduler ends between two tasks, never within one."""

import os
import signal

import pytest

from gateway import beat


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
