"""A payout whose worker died before the call ends within a minute, with the default time-outs, on a clock of our own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.lib import work as queue
from gateway.lib.providers import Outcome, ProviderTimeout
from ledger.testing import assert_ledger_balances
from payouts import work
from payouts.models import Payout

pytestmark = pytest.mark.django_db
SWEEP = timedelta(seconds=2)


class Clock:
    def __init__(self):
        self.started = self.now = timezone.now()

    def __call__(self):
        return self.now

    @property
    def passed(self):
        return (self.now - self.started).total_seconds()

    def sleep(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch, settings):
    assert (settings.PROVIDER_TIMEOUT_SECONDS, settings.WORK_LEASE_SECONDS) == (15.0, 30)
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    return clock


@pytest.fixture
def live(cast, make, fund, auto_approve, bank):
    fund(cast.merchant, 200_000, mode="live")
    return lambda: make(100_000, mode="live")


class SlowBank:
    """Never heard of the reference until `pay` gets through; then it decides after `thinks` seconds.

    The first `deaf` calls of `pay` are lost after our whole time-out. It never says when to ask again.
    """

    name = "scripted"

    def __init__(self, clock, *, deaf, thinks):
        self.clock, self.deaf, self.thinks, self.heard_at, self.paid = clock, deaf, thinks, None, 0

    def pay(self, transfer):
        self.clock.sleep(15 if self.deaf else 0.1)
        if self.deaf:
            self.deaf -= 1
            raise ProviderTimeout
        self.heard_at, self.paid = self.clock(), self.paid + 1
        return Outcome("pending")

    def status(self, reference):
        if self.heard_at is None:
            return Outcome("absent")
        if (self.clock() - self.heard_at).total_seconds() < self.thinks:
            return Outcome("pending")
        return Outcome("succeeded", utr="UTR0000001", amount_minor=100_000, currency="INR")


def sweep_until_ended(payout, clock):
    while payout.status not in ("processed", "failed") and clock.passed < 300:
        clock.now += SWEEP
        work.drive_payouts()
        payout.refresh_from_db()
    return clock.passed


def use(bank, slow):
    bank.pay, bank.status = slow.pay, slow.status


@pytest.mark.parametrize("thinks", [0, 5, 10])
def test_a_worker_that_died_between_intent_and_call(live, bank, clock, thinks):
    slow = SlowBank(clock, deaf=0, thinks=thinks)
    use(bank, slow)
    payout = live()
    until = clock() + timedelta(seconds=30)
    Payout.objects.filter(pk=payout.pk).update(provider_state="sending", sent_at=clock(), leased_until=until, tries=1)
    payout.advance("processing")

    assert sweep_until_ended(payout, clock) < 60

    assert (payout.status, slow.paid) == ("processed", 1)


def test_a_call_that_was_lost_and_then_got_through_at_the_second_sending(live, bank, clock):
    slow = SlowBank(clock, deaf=1, thinks=8)
    use(bank, slow)
    payout = live()

    assert sweep_until_ended(payout, clock) < 60

    assert (payout.status, slow.paid) == ("processed", 1)
    assert_ledger_balances()


def test_the_wait_between_questions_starts_anew_with_a_second_sending(live, bank, clock):
    payout = live()
    Payout.objects.filter(pk=payout.pk).update(
        provider_state="unknown", sent_at=clock() - timedelta(seconds=60), tries=9
    )
    payout.advance("processing")
    bank.answers = [Outcome("absent"), Outcome("pending")]

    work.drive_payouts()

    payout.refresh_from_db()
    assert [call for call, _ in bank.asked] == ["status", "pay"]
    assert (payout.tries, payout.due_at) == (1, clock() + queue.backoff(1))
