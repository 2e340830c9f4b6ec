"""`/health`, `/admin/stats` against hand-computed figures, `/test/jobs/enqueue`."""

import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from accounts.actors import Actor
from crypto.models import ChainState
from gateway.contracts.checkout import probes
from gateway.contracts.checkout.stats import stats
from gateway.contracts.checkout.testing import Checkout, call, good, refused
from gateway.lib.money import Money
from ledger.models import Posting
from payments.models import Contract, Order, Payment
from payments.work import drive_payments, drive_refunds
from payouts.models import Payout
from payouts.services import create_payout
from webhooks.models import Delivery


@pytest.fixture(autouse=True)
def at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def checkout(cast, fund):
    fund(cast.merchant, 1_000_000)
    return Checkout(cast.merchant)


# Health ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_healthy():
    response = call("GET", "/health")

    body = good(response, 200)
    assert list(body) == ["status", "database", "timestamp"]
    assert (body["status"], body["database"]) == ("healthy", "connected")
    assert len(body["timestamp"]) == len("2026-01-11T10:30:00Z")
    assert body["timestamp"].endswith("Z")
    refused(call("POST", "/health"), 405, "METHOD_NOT_ALLOWED_ERROR")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("trouble", ["refuses", "hangs"])
def test_503_within_2_seconds_when_the_database_is_gone(monkeypatch, trouble):
    def away(*_):
        if trouble == "hangs":
            time.sleep(4)
        raise OperationalError("connection refused")

    monkeypatch.setattr(type(connections["default"]), "cursor", away)
    started = time.monotonic()
    response = call("GET", "/health")
    took = time.monotonic() - started
    monkeypatch.undo()

    assert took < 2
    body = good(response, 503)
    assert (body["status"], body["database"]) == ("unhealthy", "disconnected")
    probes._running.result(timeout=10)
    assert call("GET", "/health").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_deep(settings):
    body = good(call("GET", "/health?deep=1"), 200)

    assert list(body) == ["status", "database", "timestamp", "broker", "cache", "worker", "watcher"]
    assert (body["cache"], body["worker"]) == ("connected", "keeping up")
    assert body["watcher"] == "unknown"
    assert str(settings.DATA_DIR) not in repr(body)


@pytest.mark.django_db(transaction=True)
def test_deep_says_what_is_away(monkeypatch, cast):
    def away(*_, **__):
        raise OSError("redis://user:password@host refused")

    monkeypatch.setattr(probes, "_cache_answers", away)
    monkeypatch.setattr(probes, "_broker_answers", away)
    Checkout(cast.merchant).pay(Checkout(cast.merchant).order())
    Payment.objects.update(due_at=timezone.now() - timedelta(minutes=2))
    response = call("GET", "/health?deep=1")

    body = good(response, 200)
    assert (body["broker"], body["cache"], body["worker"]) == ("disconnected", "disconnected", "behind")
    assert "password" not in response.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("since", "said"), [(timedelta(0), "keeping up"), (timedelta(hours=1), "behind")])
def test_deep_says_whether_the_chains_are_read(since, said):
    at = timezone.now() - since
    ChainState.objects.create(
        network_id="BSC", mode="test", scanned_height=7, head_height=7, head_moved_at=at, checked_at=at
    )

    assert good(call("GET", "/health?deep=1"), 200)["watcher"] == said


@pytest.mark.django_db(transaction=True)
def test_deep_says_that_payouts_wait(cast, fund):
    fund(cast.merchant, 100_000)
    create_payout(
        actor=Actor.system("tests"), merchant=cast.merchant, mode="test", contract=Contract.SIGNED,
        amount=Money(50_000, "INR"), reference="P-1", beneficiary_name="Ravi Kumar", account_number="501001234567",
        ifsc="HDFC0001234",
    )
    Payout.objects.update(due_at=timezone.now() - timedelta(minutes=2))

    assert good(call("GET", "/health?deep=1"), 200)["worker"] == "behind"


# Figures --------------------------------------------------------------------------------------------------------


def test_figures_of_nothing(cast):
    body = good(Checkout(cast.merchant)("GET", "/admin/stats"), 200)

    assert body == {
        "payments": {"total": 0, "success": 0, "failed": 0, "processing": 0, "success_rate_pct": 0, "failure_rate_pct": 0},
        "refunds": {"total": 0, "processed": 0, "failed": 0, "pending": 0, "success_rate_pct": 0},
        "webhooks": {"total": 0, "failed": 0, "retries": 0, "success_rate_pct": 0},
        "latency_sec": {"avg": 0, "min": 0, "max": 0, "p50": 0, "p95": 0},
    }


def ended(checkout, seconds, status="succeeded"):
    """A payment that took so long."""
    made = checkout.pay(checkout.order())
    now = timezone.now()
    Payment.objects.filter(public_id=made["id"]).update(
        status=status, created_at=now, completed_at=now + timedelta(seconds=seconds), due_at=None,
    )


@pytest.mark.parametrize(("latencies", "expected"), [
    ([3], {"avg": 3, "min": 3, "max": 3, "p50": 3, "p95": 3}),
    ([1, 2], {"avg": 1.5, "min": 1, "max": 2, "p50": 1.5, "p95": 1.95}),
    # Sorted 0.5 1 2 4 8: the middle is 2; 95 % of the way through 4 gaps is 3.8, so 4 + 0.8 × (8 - 4) = 7.2.
    ([4, 0.5, 8, 2, 1], {"avg": 3.1, "min": 0.5, "max": 8, "p50": 2, "p95": 7.2}),
    # 1 … 20: position 9.5 is 10.5; position 18.05 is 19.05.
    (range(20, 0, -1), {"avg": 10.5, "min": 1, "max": 20, "p50": 10.5, "p95": 19.05}),
])
def test_latencies_against_hand_computed_lists(checkout, latencies, expected):
    for seconds in latencies:
        ended(checkout, seconds)

    assert good(checkout("GET", "/admin/stats"), 200)["latency_sec"] == expected


def test_counts_are_the_callers_own(checkout, cast):
    for status in ("succeeded", "failed", "failed"):
        ended(checkout, 1, status)
    checkout.pay(checkout.order())
    Payment.objects.filter(status="created").update(status="processing", due_at=None)
    checkout.pay(checkout.order())
    for stranger in (Checkout(cast.other),):
        ended(stranger, 100)
    Payment.objects.filter(merchant=cast.other).update(due_at=None)

    figures = good(checkout("GET", "/admin/stats"), 200)
    assert figures["payments"] == {
        "total": 5, "success": 1, "failed": 2, "processing": 1, "success_rate_pct": 20, "failure_rate_pct": 40,
    }
    assert figures["latency_sec"] == {"avg": 1, "min": 1, "max": 1, "p50": 1, "p95": 1}
    live = good(Checkout(cast.merchant, "live")("GET", "/admin/stats"), 200)
    assert (live["payments"]["total"], live["latency_sec"]["max"]) == (0, 0)


def test_refunds_and_webhooks(checkout):
    checkout("POST", "/webhooks", {"url": "https://a.example/"})
    payment = checkout.captured()
    for amount in (100, 200, 300):
        checkout("POST", "/refunds", {"payment_id": payment["id"], "amount": amount})
    drive_refunds(limit=2)
    first = Delivery.objects.order_by("created_at").first()
    Delivery.objects.filter(pk=first.pk).update(status="succeeded", attempt_count=3)
    Delivery.objects.exclude(pk=first.pk).update(status="failed", attempt_count=1)

    figures = good(checkout("GET", "/admin/stats"), 200)
    assert figures["refunds"] == {"total": 3, "processed": 2, "failed": 0, "pending": 1, "success_rate_pct": 66.667}
    # success, captured, two refunds processed
    assert figures["webhooks"] == {"total": 4, "failed": 3, "retries": 2, "success_rate_pct": 25}


def test_figures_take_few_queries(checkout, viewer_of, cast, django_assert_max_num_queries):
    for seconds in range(10):
        ended(checkout, seconds)

    with django_assert_max_num_queries(6):
        stats(viewer_of(cast.merchant_user))


# Test jobs ------------------------------------------------------------------------------------------------------


def test_a_test_job(checkout, monkeypatch, django_capture_on_commit_callbacks):
    from gateway.celery import app

    sent = []
    monkeypatch.setattr(app, "send_task", lambda name, **more: sent.append(name))
    with django_capture_on_commit_callbacks(execute=True):
        made = good(checkout("POST", "/test/jobs/enqueue"), 200)

    assert list(made) == ["status", "payment_id", "queue"]
    assert (made["status"], made["queue"]) == ("queued", "gateway_jobs")
    assert app.conf.task_default_queue == "gateway_jobs"
    assert sent == ["payments.drive"]
    payment = good(checkout("GET", f"/payments/{made['payment_id']}"), 200)
    assert (payment["amount"], payment["status"]) == (100, "CREATED")
    postings = Posting.objects.count()
    drive_payments()
    assert good(checkout("GET", f"/payments/{made['payment_id']}"), 200)["status"] == "SUCCESS"
    assert Posting.objects.count() == postings


def test_test_jobs_are_for_test_mode(cast):
    refused(Checkout(cast.merchant, "live")("POST", "/test/jobs/enqueue"), 403, "FORBIDDEN_ERROR")
    assert not Order.objects.exists()


def test_a_test_job_with_a_key_is_made_once(checkout):
    first, again = (checkout("POST", "/test/jobs/enqueue", headers={"Idempotency-Key": "j"}) for _ in range(2))

    assert first.content == again.content
    assert Payment.objects.count() == 1
