"""An approved payout that nothing was sent for can be ended; one in a batch or with the bank cannot."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.operators import OwnRecord
from gateway.lib.errors import IllegalTransition, NotFound
from gateway.lib.providers import Outcome
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts import work
from payouts.batches import cancel_batch, open_batch, take_out
from payouts.models import Payout
from payouts.services import apply_outcome, approve_payout, block_beneficiary, reject_payout
from webhooks.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def reject(cast):
    def reject(payout, *, by=None, approved=True):
        row = Payout.objects.get(pk=payout.pk)
        return reject_payout(actor=Actor(by or cast.admin, "panel"), payout=row, reason="Fraud", approved=approved)

    return reject


@pytest.fixture
def unchanged(cast, balances):
    """`unchanged(payout, status)`: it is so still, its money held, and nobody was told."""

    def unchanged(payout, status):
        payout.refresh_from_db()
        assert (payout.status, payout.failure_reason) == (status, "")
        assert balances(cast.merchant, payout.mode)[2] == payout.held.minor
        assert not Posting.objects.filter(kind="payout.release").exists()
        assert not Event.objects.filter(type="payout.rejected").exists()

    return unchanged


def test_an_approved_one_to_a_blocked_account_gives_its_money_back(by_file, cast, reject, balances):
    [payout] = by_file(1)
    block_beneficiary(actor=Actor(cast.admin, "panel"), beneficiary=payout.beneficiary, reason="Fraud")

    assert reject(payout).status == "rejected"

    payout.refresh_from_db()
    assert (payout.failure_code, payout.failure_reason, payout.due_at) == ("rejected", "Fraud", None)
    assert balances(cast.merchant, "live") == (100_000, 0, 0)
    assert Event.objects.filter(type="payout.rejected").count() == 1
    assert_ledger_balances()


def test_the_worker_sends_nothing_for_one_that_was_rejected_after_its_approval(cast, make, fund, reject, bank, free):
    fund(cast.merchant, 100_000, mode="live")
    payout = make(mode="live")
    approve_payout(actor=Actor(cast.admin, "panel"), payout=payout)
    reject(payout)

    assert work.drive_payouts() == 0

    assert bank.asked == []
    assert_ledger_balances()


def test_whoever_means_one_that_waits_overturns_no_approval(by_file, reject, unchanged):
    [payout] = by_file(1)

    with pytest.raises(IllegalTransition, match="no longer pending"):
        reject(payout, approved=False)

    unchanged(payout, "approved")


def test_one_in_a_batch_is_free_again_once_it_is_taken_out(by_file, cast, reject, unchanged, balances):
    one, two = by_file(2)
    actor = Actor(cast.admin, "panel")
    batch = open_batch(actor=actor, mode="live", payout_ids=[one.public_id, two.public_id])

    for payout in (one, two):
        with pytest.raises(IllegalTransition, match="in a batch"):
            reject(payout)
    assert balances(cast.merchant, "live") == (0, 0, 200_000)
    take_out(actor=actor, batch=batch, number=1)
    assert reject(one).status == "rejected"
    cancel_batch(actor=actor, batch=batch, reason="No")
    assert reject(two).status == "rejected"

    assert balances(cast.merchant, "live") == (200_000, 0, 0)
    assert_ledger_balances()


def test_one_with_the_bank_stays_there(cast, make, fund, reject, unchanged, bank, free):
    fund(cast.merchant, 100_000, mode="live")
    payout = make(mode="live")
    approve_payout(actor=Actor(cast.admin, "panel"), payout=payout)
    bank.answers = [Outcome("pending")]
    work.drive_payouts()

    with pytest.raises(IllegalTransition):
        reject(payout)

    unchanged(payout, "processing")


def test_one_that_the_bank_reports_about_is_not_given_back(by_file, reject, unchanged):
    """It was never sent by us, and still the bank says it paid: the money may be gone."""
    [payout] = by_file(1)
    apply_outcome(actor=Actor.system("bank"), payout=payout, outcome=Outcome("succeeded", utr="UTR000001"))

    with pytest.raises(IllegalTransition, match="with the bank"):
        reject(payout)

    unchanged(payout, "approved")


def test_neither_by_its_maker_nor_by_another_team(by_file, cast, reject, unchanged):
    [payout] = by_file(1, created_by=cast.super_admin)

    for user, refusal in ((cast.super_admin, OwnRecord), (cast.other_admin, NotFound)):
        with pytest.raises(refusal):
            reject(payout, by=user)

    unchanged(payout, "approved")
