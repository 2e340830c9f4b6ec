"""A worker that dies at each step of a payout, and the next one that finds what it left: one effect."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import AuditRecord
from gateway.lib.racing import dies_at
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts import work
from payouts.models import Payout, SandboxTransfer
from payouts.tests.conftest import pay_out
from webhooks.models import Event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


# Where the worker dies, the state it leaves, and how often the bank was asked by then.
POINTS = [
    ("payout.claimed", ("approved", "none"), 0),
    ("payout.taken_up", ("processing", "none"), 0),
    ("payout.before_call", ("processing", "sending"), 0),
    ("payout.after_call", ("processing", "sending"), 1),
    ("payout.before_settlement", ("processing", "sending"), 1),
    ("payout.after_settlement", ("processing", "sending"), 1),
    ("payout.after_commit", ("processed", "answered"), 1),
]


def wait_out_the_lease():
    """As if the dead worker's lease and the grace before a second sending had passed."""
    long_ago = timezone.now() - timedelta(minutes=5)
    Payout.objects.filter(leased_until__isnull=False).update(leased_until=long_ago)
    Payout.objects.filter(sent_at__isnull=False).update(sent_at=long_ago)


def test_a_payout_survives_its_worker(cast, fund, auto_approve, balances):
    fund(cast.merchant, 1_000_000)
    for number, (point, left, asked) in enumerate(POINTS, start=1):
        payout = pay_out(cast.merchant, 100_000, point)

        assert dies_at(point, work.drive_payouts), point

        payout.refresh_from_db()
        transfers = SandboxTransfer.objects.filter(reference=payout.public_id)
        assert ((payout.status, payout.provider_state), transfers.count()) == (left, asked), point
        assert_ledger_balances()
        wait_out_the_lease()
        work.drive_payouts()
        work.drive_payouts()
        payout.refresh_from_db()
        assert (payout.status, transfers.get().times_asked) == ("processed", 1), point
        assert Posting.objects.filter(reference__startswith=f"payout:{payout.public_id}").count() == 2
        assert Event.objects.filter(type="payout.processed", subject=payout.public_id).count() == 1
        assert balances(cast.merchant) == (1_000_000 - number * 100_590, 0, 0)
        assert_ledger_balances()


def test_what_was_being_sent_is_not_sent_again_while_it_may_still_arrive(cast, fund, auto_approve):
    fund(cast.merchant, 200_000)
    payout = pay_out(cast.merchant, 100_000, "OUT-1")
    assert dies_at("payout.before_call", work.drive_payouts)

    Payout.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    work.drive_payouts()

    payout.refresh_from_db()
    assert (payout.status, payout.provider_state) == ("processing", "unknown")
    assert not SandboxTransfer.objects.exists()
    assert payout.due_at > timezone.now()


def test_a_payout_that_was_not_committed_never_was(cast, fund, balances):
    fund(cast.merchant, 200_000)

    def inside_a_transaction():
        with transaction.atomic():
            pay_out(cast.merchant, 100_000, "OUT-1")

    for point, make in [
        ("payout.before_hold", lambda: pay_out(cast.merchant, 100_000, "OUT-1")),
        ("payout.after_hold", inside_a_transaction),
    ]:
        assert dies_at(point, make)

        assert not Payout.objects.exists()
        assert not AuditRecord.objects.filter(action__startswith="payout.").exists()
        assert balances(cast.merchant) == (200_000, 0, 0)

    pay_out(cast.merchant, 100_000, "OUT-1")
    assert balances(cast.merchant) == (99_410, 0, 100_590)
    assert_ledger_balances()


def test_a_payout_that_was_committed_is_there_whole(cast, fund, auto_approve, balances):
    fund(cast.merchant, 200_000)

    assert dies_at("payout.after_hold", lambda: pay_out(cast.merchant, 100_000, "OUT-1"))

    payout = Payout.objects.get()
    trail = AuditRecord.objects.filter(target=payout.public_id).order_by("id").values_list("action", flat=True)
    assert list(trail) == ["payout.created", "payout.approved"]
    assert balances(cast.merchant) == (99_410, 0, 100_590)
    work.drive_payouts()
    assert Payout.objects.get().status == "processed"
    assert balances(cast.merchant) == (99_410, 0, 0)
    assert_ledger_balances()
