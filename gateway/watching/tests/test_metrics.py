"""What Prometheus reads: true figures, to whoever may, and never a secret."""

from __future__ import annotations

import re
import signal
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from crypto.models import ChainState, ScanGap
from gateway.lib.money import Money
from ledger import verify
from ledger.models import Verification
from ledger.verify import verify_and_record
from payments.models import Payment, Refund
from payments.services import confirm_payment, create_payment
from payouts.models import Payout
from payouts.services import create_payout
from webhooks.models import Endpoint


def _value(text, name, **labels):
    """The sample of `name` with exactly these labels; None if it is not there."""
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and match[1] == name and dict(re.findall(r'(\w+)="([^"]*)"', match[2] or "")) == labels:
            return float(match[3])
    return None


def _scrape(**headers):
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def payment(cast):
    return create_payment(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", contract="portal",
        amount=Money(50_000, "INR"), reference="M-1", created_by=cast.merchant_user,
    )


def test_a_request_is_counted_by_contract_method_and_status(cast):
    before = _value(_scrape(), "gateway_requests_total", contract="portal", method="GET", status="401") or 0

    answer = Client().get("/api/v1/profile", headers={"X-API-KEY": "wrong"})
    assert answer.status_code == 401, answer.content

    text = _scrape()
    assert _value(text, "gateway_requests_total", contract="portal", method="GET", status="401") == before + 1
    assert _value(text, "gateway_request_seconds_count", contract="portal", method="GET") >= 1


def test_a_method_of_ones_own_invention_makes_no_series(db):
    answer = Client().generic("BREW", "/api/v1/profile")
    assert answer.status_code == 401, answer.content

    text = _scrape()
    assert "BREW" not in text
    assert _value(text, "gateway_requests_total", contract="portal", method="other", status="401") >= 1


def test_what_waits_for_a_worker_is_seen_with_its_age(payment):
    assert _value(_scrape(), "gateway_work_due", kind="payments.payment") == 0

    confirm_payment(actor=Actor.system("tests"), payment=payment, vpa="success@upi")
    Payment.objects.filter(pk=payment.pk).update(due_at=timezone.now() - timedelta(seconds=90))

    text = _scrape()
    assert _value(text, "gateway_work_due", kind="payments.payment") == 1
    assert 90 <= _value(text, "gateway_work_oldest_seconds", kind="payments.payment") < 120
    assert _value(text, "gateway_payments_24h", mode="test", status="processing", method="upi") == 1


def test_the_books_say_when_they_were_proven_and_what_was_found(payment):
    assert _value(_scrape(), "gateway_books_problems") is None

    assert verify_and_record() == []
    assert _value(_scrape(), "gateway_books_problems") == 0

    Verification.objects.create(started_at=timezone.now(), problems=3, first_problem="posting 1 is off")
    assert _value(_scrape(), "gateway_books_problems") == 3


def test_only_this_machine_reads_them_without_a_token(db, settings):
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.7").get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 404
    settings.PROXY_COUNT = 1
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 404


def test_a_token_is_asked_for_where_one_is_set(db, settings):
    settings.METRICS_TOKEN = "scrape-me"

    statuses = [Client(REMOTE_ADDR="192.0.2.7").get("/metrics", headers=headers).status_code for headers in (
        {}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer scrape-me"}, {"Authorization": "Bearer é"},
    )]

    assert statuses == [404, 404, 200, 404]


def test_no_key_and_no_name_is_in_them(cast, payment):
    text = _scrape()

    for secret in (*cast.keys.values(), "Chai Point", "merchant@example.com", payment.public_id):
        assert secret not in text


def test_what_cannot_be_counted_is_done_all_the_same(cast, monkeypatch):
    def fails(*_):
        raise FileNotFoundError

    monkeypatch.setattr("gateway.lib.meters._REQUESTS.labels", fails)

    assert Client().get("/api/v1/profile", headers={"X-API-KEY": "wrong"}).status_code == 401


def test_the_shipped_scrape_is_answered_by_an_installation_as_it_comes(db, settings):
    """By the service's inner name, which is no host of ours, and without TLS."""
    settings.METRICS_TOKEN, settings.ALLOWED_HOSTS = "t" * 20, ["pay.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    (target,) = re.findall(r'targets: \["([^"]+)"\]', (settings.BASE_DIR / "ops" / "prometheus.yml").read_text())

    def ask(path):
        return Client().get(path, headers={"host": target, "authorization": f"Bearer {'t' * 20}"}).status_code

    assert (ask("/metrics"), ask("/panel/sign-in")) == (200, 400)
    assert Client().get("/metrics", headers={"host": target}).status_code == 404


def test_a_verification_that_breaks_off_is_told_as_one_that_failed(payment, monkeypatch):
    def broken():
        raise SoftTimeLimitExceeded()
        yield

    monkeypatch.setattr(verify, "_checks", [broken])

    with pytest.raises(SoftTimeLimitExceeded):
        verify.verify_and_record()

    last = verify.last_verification()
    assert (last.problems, last.first_problem) == (1, "The verification broke off: SoftTimeLimitExceeded.")


def test_a_link_that_nobody_paid_is_no_failure_of_a_provider(payment):
    Payment.objects.filter(pk=payment.pk).update(status="failed", failure_code="expired")

    text = _scrape()

    assert _value(text, "gateway_payments_24h", mode="test", status="expired", method="upi") == 1
    assert _value(text, "gateway_payments_24h", mode="test", status="failed", method="upi") is None


def _flagged(kind):
    return _value(_scrape(), "gateway_flagged", kind=kind, mode="test")


def test_a_refund_that_a_person_must_look_at_is_told(cast, payment):
    refund = Refund.objects.create(
        payment=payment, merchant=cast.merchant, mode="test", amount_minor=100
    )
    assert _flagged("refund") is None

    Refund.objects.filter(pk=refund.pk).update(flag="contradicted")

    assert _flagged("refund") == 1


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("unclear payout", {"provider": "bank_file"}),
     ("unanswered payout", {"due_at": timezone.now(), "sent_at": timezone.now() - timedelta(minutes=6)})],
)
def test_a_payout_of_which_nobody_knows_whether_it_was_made_is_told(cast, fund, kind, changes):
    """As the runbook says of one that is processing, its transfer unknown."""
    fund(cast.merchant, 100_000)
    row = create_payout(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", contract="portal",
        amount=Money(50_000, "INR"), reference="OUT-1", beneficiary_name="Asha Rao", account_number="50100012345678",
        ifsc="HDFC0000001",
    )
    assert (_flagged(kind), _flagged("payout")) == (None, None)

    Payout.objects.filter(pk=row.pk).update(status="processing", provider_state="unknown", **changes)

    assert (_flagged(kind), _flagged("payout")) == (1, None)


def test_an_endpoint_that_was_switched_off_fails_no_more(cast):
    def failing():
        text = _scrape()
        return tuple(_value(text, "gateway_endpoints_failing", mode=mode) for mode in ("live", "test"))

    made = [
        Endpoint.objects.create(
            merchant=cast.merchant, mode=mode, url=f"https://shop.example/{number}", secret_encrypted="",
            failing_since=timezone.now(),
        ) for number, mode in enumerate(("live", "live", "test"))
    ]
    assert failing() == (2, 1)

    Endpoint.objects.filter(pk__in=[row.pk for row in made[1:]]).update(enabled=False)

    assert failing() == (1, 0)


def test_a_network_that_was_switched_off_is_not_watched(db, settings):
    """Its silence grows from then on, and would call somebody for ever."""
    long_ago = timezone.now() - timedelta(days=60)
    bsc = ChainState.objects.create(
        network_id="BSC", mode="live", scanned_height=600, head_height=900, checked_at=long_ago, closed_since=long_ago,
    )
    ScanGap.objects.create(state=bsc, first_height=601, last_height=700)
    ChainState.objects.create(network_id="ETH", mode="live", head_height=20_000_000)
    settings.CRYPTO_RPC = {"ETH": ["https://eth.example"]}

    def told(network):
        labels, text = {"network": network, "mode": "live"}, _scrape()
        figures = ("blocks_behind", "closed", "silent_seconds")
        return [_value(text, f"gateway_chain_{name}", **labels) for name in figures], _value(text, "gateway_chain_gaps")

    assert told("BSC") == ([None, None, None], 0)
    assert told("ETH") == ([0, 0, 0], 0)
    settings.CRYPTO_RPC = {"BSC": ["https://bsc.example"]}
    (behind, closed, silent), gaps = told("BSC")
    assert (behind, closed, gaps) == (300, 1, 1)
    assert silent >= 60 * 86_400


@pytest.mark.postgres
@pytest.mark.skipif(not django_settings.ON_POSTGRES, reason="only a server can end a connection")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", ["SELECT pg_terminate_backend(pg_backend_pid())", "SELECT pg_sleep(30)"])
def test_a_verification_that_is_cut_off_within_a_statement_is_told_too(monkeypatch, statement):
    def cut_off():
        with connection.cursor() as cursor:
            cursor.execute(statement)
        yield

    def out_of_time(*_):
        raise SoftTimeLimitExceeded()

    monkeypatch.setattr(verify, "_checks", [cut_off])
    before = signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises((SoftTimeLimitExceeded, OperationalError)):
            verify.verify_and_record()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    last = verify.last_verification()
    assert last.problems == 1
    assert last.first_problem.startswith("The verification broke off: ")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("30s",)
