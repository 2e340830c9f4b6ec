"""When it is tried again, as plain arithmetic."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from webhooks import schedule

NOW = datetime(2026, 1, 31, 17, 0, 0, tzinfo=UTC)


def middle(low, high):
    return (low + high) / 2


def test_the_standard_schedule_is_ten_attempts_over_75_hours():
    delays = [schedule.next_delay(attempts, {}, uniform=middle) for attempts in range(1, 11)]

    seconds = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert [delay and delay.total_seconds() for delay in delays] == [*seconds, None]
    assert timedelta(hours=75) < sum(delays[:9], timedelta()) < timedelta(hours=76)


def test_delays_are_spread_by_a_fifth():
    shortest = schedule.next_delay(4, {}, uniform=lambda low, high: low)
    longest = schedule.next_delay(4, {}, uniform=lambda low, high: high)
    drawn = {schedule.next_delay(4, {}) for _ in range(100)}

    assert (shortest, longest) == (timedelta(hours=1.6), timedelta(hours=2.4))
    assert all(shortest <= delay <= longest for delay in drawn)
    assert len(drawn) > 90


@pytest.mark.parametrize("retries", [0, 1, 3, 10])
def test_an_endpoints_own_schedule_is_kept_to_the_second(retries):
    config = {"max_retries": retries, "retry_interval": 300}

    delays = [schedule.next_delay(attempts, config) for attempts in range(1, retries + 2)]

    assert delays == [timedelta(seconds=300)] * retries + [None]


def test_it_is_never_tried_sooner_than_asked_nor_more_often():
    asked = timedelta(hours=1)

    assert schedule.next_delay(1, {}, asked=asked, uniform=middle) == asked
    assert schedule.next_delay(5, {}, asked=asked, uniform=middle) == timedelta(hours=5)
    assert schedule.next_delay(10, {}, asked=asked) is None
    assert schedule.next_delay(1, {"max_retries": 1, "retry_interval": 60}, asked=asked) == asked


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("1", 1), ("120", 120), (" 120 ", 120), ("86400", 86_400), ("86401", 86_400), ("2592000", 86_400),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(NOW + timedelta(days=2), usegmt=True), 86_400),
        ("2592001", None), ("99999999999999999999", None), ("9" * 5000, None), ("-1", None), ("1.5", None),
        ("soon", None), ("", None), ("١٢٠", None), ("1e3", None), ("+5", None),
        (format_datetime(NOW - timedelta(minutes=2), usegmt=True), None),
        (format_datetime(NOW + timedelta(days=31), usegmt=True), None),
        ("Fri, 99 Foo 2026 99:99:99 GMT", None), ("Sun, 06 Nov 99999 08:49:37 GMT", None),
    ],
)
def test_retry_after_is_honoured_up_to_a_day_and_ignored_where_absurd(text, seconds):
    for status in (429, 503):
        asked = schedule.asked_delay(status, {"retry-after": text}, NOW)

        assert asked == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("status", [None, 200, 301, 401, 404, 500, 502])
def test_other_answers_cannot_ask_for_time(status):
    assert schedule.asked_delay(status, {"retry-after": "120"}, NOW) is None


def test_no_header_asks_for_nothing():
    assert schedule.asked_delay(503, {}, NOW) is None
