"""Many deliveries at once: several runs, endpoints that hold others up (they must not), and workers that die.

`WEBHOOK_EVENTS` and `WEBHOOK_RUNS` size the race (`make proof` takes 4,000 and 20).
"""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from gateway.lib import http_testing as there_are
from webhooks import claiming, sending, services
from webhooks.models import Attempt, Delivery
from webhooks.tests.conftest import TESTS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
OK = there_are.answer()
PRODUCERS = 20
EVENTS = int(os.environ.get("WEBHOOK_EVENTS", "200"))
RUNS = int(os.environ.get("WEBHOOK_RUNS", "4"))


def together(*works):
    """Runs each in a thread with a connection of its own; raises what any of them raised."""
    errors = []

    def run(work):
        try:
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_events_of_20_producers_reach_the_receiver_exactly_once_through_several_runs(make_endpoint, tell, settings):
    settings.WEBHOOK_TIMEOUT_SECONDS = 20  # an attempt that a busy machine lets run out is made again, as it should be
    produced = threading.Event()

    def produce(number):
        for index in range(EVENTS // PRODUCERS):
            tell(order_id=f"{number}-{index}")

    def run():
        while not produced.is_set() or Delivery.objects.filter(due_at__isnull=False).exists():
            sending.drain()
            time.sleep(0.01)

    with there_are.receiver(OK) as there:
        make_endpoint(there.url)
        runs = threading.Thread(target=together, args=[run] * RUNS)
        runs.start()
        together(*[lambda number=number: produce(number) for number in range(PRODUCERS)])
        produced.set()
        runs.join(300)

    arrived = Counter(request.headers["webhook-id"] for request in there.requests)
    assert len(arrived) == EVENTS
    assert set(arrived.values()) == {1}
    assert Counter(Delivery.objects.values_list("status", "attempt_count")) == {("succeeded", 1): EVENTS}
    assert Attempt.objects.count() == EVENTS


def test_two_runs_never_hold_the_same_delivery(make_endpoint, tell):
    make_endpoint()
    for _ in range(40):
        tell()
    claimed = []

    def claim():
        while batch := claiming.claim({}, limit=5):
            claimed.extend(row.id for row in batch)

    together(claim, claim, claim, claim)

    assert len(claimed) == len(set(claimed)) == 40


def test_a_bad_endpoint_beside_nine_good_ones_slows_none_of_them(make_endpoint, tell, settings):
    settings.WEBHOOK_TIMEOUT_SECONDS = 8  # what a good one waits on a busy machine must not run out, nor be sent again
    done = threading.Event()

    def run():
        while not done.is_set():
            sending.drain()
            time.sleep(0.02)

    with there_are.receiver(there_are.silent) as bad, there_are.receiver(OK) as good:
        hanging = make_endpoint(bad.url)
        for number in range(9):
            make_endpoint(f"{good.url}/{number}")
        runs = threading.Thread(target=together, args=(run,))
        runs.start()
        started = {}
        for number in range(100):  # 50 events a second for 2 seconds
            started[tell(order_id=str(number)).public_id] = time.monotonic()
            time.sleep(0.02)
        while len(good.requests) < 900 and time.monotonic() - max(started.values()) < 60:
            time.sleep(0.02)
        done.set()
        services.update_endpoint(actor=TESTS, endpoint=hanging, enabled=False)
        runs.join(60)  # what hangs is given up before; a run left behind would write into the next test
    assert not runs.is_alive()

    latencies = sorted(request.at - started[request.headers["webhook-id"]] for request in good.requests)
    assert len(latencies) == 900
    assert latencies[int(0.95 * 900)] < 1.5
    assert Counter(Delivery.objects.values_list("status", flat=True))["succeeded"] == 900


def test_an_endpoint_with_much_waiting_gets_its_share_and_no_more(make_endpoint, tell):
    much, little = make_endpoint(), make_endpoint(events=["payment.failed"])
    for _ in range(150):
        tell()
    tell("payment.failed")
    assert Delivery.objects.filter(endpoint=much).count() == 151

    first = claiming.claim({}, limit=100)
    second = claiming.claim({much.pk: claiming.PER_ENDPOINT}, limit=100)

    assert Counter(row.endpoint.pk for row in first) == {much.pk: claiming.PER_ENDPOINT, little.pk: 1}
    assert second == []


def test_a_full_endpoint_is_passed_over_for_those_with_room(make_endpoint, tell):
    full, roomy = make_endpoint(), make_endpoint()
    for _ in range(30):
        tell()

    claimed = claiming.claim({full.pk: claiming.PER_ENDPOINT - 3}, limit=100)

    assert Counter(row.endpoint.pk for row in claimed) == {full.pk: 3, roomy.pk: claiming.PER_ENDPOINT}


def test_a_run_past_its_time_still_serves_those_who_answer(make_endpoint, tell, wakes):
    with there_are.receiver(there_are.silent) as bad, there_are.receiver(OK) as good:
        make_endpoint(bad.url)
        make_endpoint(good.url, events=["payment.failed"])
        tell()
        late = threading.Timer(0.3, together, args=(lambda: tell("payment.failed"),))
        late.start()

        sending.drain(seconds=0.05)
        late.join()

    assert [request.headers["x-event"] for request in good.requests] == ["payment.failed"]
    assert wakes[-1] == "webhooks.deliver"  # another run takes over


def test_no_message_is_sent_while_a_run_is_under_way_and_it_finds_the_work_by_itself(make_endpoint, tell, wakes):
    with there_are.receiver(there_are.answer(after=0.3)) as there:
        make_endpoint(there.url)
        tell()
        assert wakes == ["webhooks.deliver"]
        late = threading.Timer(0.1, together, args=(lambda: tell(order_id="late"),))
        late.start()
        assert sending.drain() == 2
        late.join()
        assert wakes == ["webhooks.deliver"]

        tell()
        assert wakes == ["webhooks.deliver"] * 2


def test_a_worker_that_is_told_to_stop_ends_with_what_it_has_under_way(make_endpoint, tell, monkeypatch):
    slow = there_are.answer(after=0.3)
    with there_are.receiver(slow) as there:
        make_endpoint(there.url)
        for _ in range(30):
            tell()
        stop = threading.Timer(0.1, sending.stop_runs)
        stop.start()
        try:
            sent = sending.drain()
            assert sending.drain() == 0
        finally:
            sending._stopping[0] = 0

    assert sent == claiming.PER_ENDPOINT == Delivery.objects.filter(status="succeeded").count()
    assert Delivery.objects.filter(status="pending", lease="").count() == 10


def test_a_run_whose_database_fails_loses_nothing(make_endpoint, tell, only, monkeypatch):
    from django.db import OperationalError

    from webhooks import outcomes

    def fail(_):
        raise OperationalError("gone")

    with there_are.receiver(OK) as there:
        make_endpoint(there.url)
        tell()
        with monkeypatch.context() as context:
            context.setattr(outcomes, "record", fail)
            with pytest.raises(OperationalError):
                sending.drain()
        assert sending.drain() == 0  # its lease is still on it
        Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert sending.drain() == 1

    assert (only().status, only().attempt_count) == ("succeeded", 1)
    assert Attempt.objects.get().number == 2
    assert len({request.headers["webhook-id"] for request in there.requests}) == 1


def database_url():
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    return f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


def test_a_worker_killed_within_a_delivery_is_followed_by_another_with_the_same_id(make_endpoint, tell, only):
    script = textwrap.dedent("""
        import django
        django.setup()
        from webhooks import sending
        sending.drain()
    """)
    environment = os.environ | {
        "DATABASE_URL": database_url(), "DATA_DIR": str(django_settings.DATA_DIR), "WEBHOOK_TIMEOUT_SECONDS": "10",
        "DJANGO_SETTINGS_MODULE": "gateway.settings",
    }
    with there_are.receiver(there_are.in_turn(there_are.silent, OK)) as there:
        make_endpoint(there.url)
        tell()
        worker = subprocess.Popen([sys.executable, "-c", script], env=environment, cwd=django_settings.BASE_DIR)
        deadline = time.monotonic() + 20
        while not there.requests and time.monotonic() < deadline:
            time.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        leased_for = (only().leased_until - timezone.now()).total_seconds()
        assert sending.drain() == 0
        Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))  # the lease has run out
        assert sending.drain() == 1

    first, second = there.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert (only().status, only().tries, only().attempt_count) == ("succeeded", 2, 1)
    assert 0 < leased_for <= 30
