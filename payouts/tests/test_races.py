"""Many at once, on a real database with real threads: never more out than there was, one winner, one call."""

from __future__ import annotations

import collections

import pytest

from accounts.actors import Actor
from gateway.lib.errors import IllegalTransition
from gateway.lib.providers import Outcome
from gateway.lib.racing import together
from ledger.errors import InsufficientBalance
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts import work
from payouts.errors import DuplicateReference
from payouts.models import Payout, SandboxTransfer
from payouts.services import apply_outcome, approve_payout, reject_payout
from payouts.tests.conftest import pay_out
from webhooks.models import Event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROUNDS = 20


def kinds(results):
    return dict(collections.Counter(type(result).__name__ for result in results))


def test_400_payouts_of_one_rupee_from_a_wallet_of_200(cast, free, fund, balances):
    fund(cast.merchant, 20_000)

    def spend(thread):
        results = []
        for number in range(25):
            try:
                results.append(pay_out(cast.merchant, 100, f"OUT-{thread}-{number}"))
            except InsufficientBalance as refusal:
                results.append(refusal)
        return results

    results = [result for batch in together(16, spend) for result in batch]

    assert kinds(results) == {"Payout": 200, "InsufficientBalance": 200}
    assert Payout.objects.count() == 200
    assert balances(cast.merchant) == (0, 0, 20_000)
    assert_ledger_balances()


def test_with_a_charge_the_wallet_affords_exactly_as_many_as_it_can_pay_for(cast, fund, balances):
    fund(cast.merchant, 10 * 690 + 689)

    results = together(16, lambda index: pay_out(cast.merchant, 100, f"OUT-{index}"))

    assert kinds(results) == {"Payout": 10, "InsufficientBalance": 6}
    assert balances(cast.merchant) == (689, 0, 6_900)
    assert_ledger_balances()


def test_one_reference_at_the_same_moment_is_one_payout(cast, fund, balances):
    fund(cast.merchant, 1_000_000)

    results = together(16, lambda _: pay_out(cast.merchant, 1_000, "OUT-1"))

    assert kinds(results) == {"Payout": 1, "DuplicateReference": 15}
    assert all(isinstance(result, (Payout, DuplicateReference)) for result in results)
    assert balances(cast.merchant) == (1_000_000 - 1_590, 0, 1_590)
    assert_ledger_balances()


def test_approve_against_reject_has_one_winner(cast, fund, make, balances):
    fund(cast.merchant, 10_000_000)
    admin, root = Actor(cast.admin, "panel"), Actor(cast.super_admin, "panel")
    payouts = [make(1_000) for _ in range(ROUNDS)]

    for payout in payouts:
        def decide(index, pk=payout.pk):
            row = Payout.objects.get(pk=pk)
            if index:
                return approve_payout(actor=admin, payout=row)
            return reject_payout(actor=root, payout=row, reason="No")

        assert kinds(together(2, decide)) == {"Payout": 1, "IllegalTransition": 1}

    approved = Payout.objects.filter(status="approved").count()
    rejected = Payout.objects.filter(status="rejected").count()
    assert approved + rejected == ROUNDS
    assert balances(cast.merchant) == (10_000_000 - approved * 1_590, 0, approved * 1_590)
    assert Posting.objects.filter(kind="payout.release").count() == Event.objects.count() == rejected
    assert_ledger_balances()


def test_a_rejection_against_the_worker_pays_or_gives_back(cast, fund, make, auto_approve, balances):
    fund(cast.merchant, 10_000_000)
    root, given_back = Actor(cast.super_admin, "panel"), 0
    payouts = [make(1_000) for _ in range(ROUNDS)]
    Payout.objects.update(due_at=None)

    for payout in payouts:
        copies = [Payout.objects.select_related("merchant").get(pk=payout.pk) for _ in range(2)]

        def decide(index, copies=copies):
            if index:
                return work._drive_payout(copies[1])  # as it was claimed
            return reject_payout(actor=root, payout=copies[0], reason="Fraud", approved=True)

        rejected, driven = together(2, decide)
        payout.refresh_from_db()
        asked = SandboxTransfer.objects.filter(reference=payout.public_id).count()
        if isinstance(rejected, Payout):
            assert isinstance(driven, IllegalTransition)
            assert (payout.status, asked) == ("rejected", 0)
        else:
            assert isinstance(rejected, IllegalTransition)
            assert (payout.status, asked) == ("processed", 1)
        given_back += payout.status == "rejected"

    assert balances(cast.merchant) == (10_000_000 - (ROUNDS - given_back) * 1_590, 0, 0)
    assert Posting.objects.filter(kind="payout.release").count() == given_back
    assert_ledger_balances()


def test_of_two_approvers_one_wins(cast, fund, make):
    fund(cast.merchant, 10_000_000)
    approvers = [Actor(cast.admin, "panel"), Actor(cast.super_admin, "panel")]
    payouts = [make(1_000) for _ in range(ROUNDS)]

    for payout in payouts:
        def approve(index, pk=payout.pk):
            return approve_payout(actor=approvers[index], payout=Payout.objects.get(pk=pk))

        results = together(2, approve)
        assert kinds(results) == {"Payout": 1, "IllegalTransition": 1}
        [loser] = [result for result in results if isinstance(result, IllegalTransition)]
        assert "no longer pending" in loser.message

    assert_ledger_balances()


def test_drivers_at_once_ask_the_bank_to_pay_once(cast, fund, make, auto_approve, balances):
    fund(cast.merchant, 10_000_000)
    for _ in range(ROUNDS):
        make(1_000)

    together(4, lambda _: work.drive_payouts())

    assert set(SandboxTransfer.objects.values_list("times_asked", flat=True)) == {1}
    assert SandboxTransfer.objects.count() == Payout.objects.filter(status="processed").count() == ROUNDS
    assert balances(cast.merchant) == (10_000_000 - ROUNDS * 1_590, 0, 0)
    assert_ledger_balances()


def test_two_contrary_reports_at_the_same_moment(cast, fund, make, auto_approve, balances):
    fund(cast.merchant, 10_000_000)
    told = [Outcome("succeeded", utr="UTR0000001", amount_minor=1_000), Outcome("failed", code="account_closed")]
    payouts = [make(1_000) for _ in range(ROUNDS)]
    Payout.objects.update(status="processing", due_at=None)
    paid = 0

    for payout in payouts:
        def report(index, payout=payout):
            return apply_outcome(actor=Actor.system("bank"), payout=payout, outcome=told[index])

        effects = together(2, report)
        assert sorted(effects) in (["failed", "flagged"], ["flagged", "processed"])
        paid += "processed" in effects

    assert balances(cast.merchant) == (10_000_000 - paid * 1_590, 0, 0)
    assert Payout.objects.filter(flag="contradicted").count() == ROUNDS
    assert Posting.objects.filter(kind="payout.settle").count() == paid
    assert Posting.objects.filter(kind="payout.release").count() == ROUNDS - paid


def test_two_drivers_on_one_payout_whose_lease_ran_out(cast, fund, make, auto_approve, due_again):
    """Both hold the row as claimed: the compare-and-set on status and state lets one of them call."""
    fund(cast.merchant, 10_000_000)
    for _ in range(ROUNDS):
        payout = make(1_000)
        copies = [Payout.objects.select_related("merchant").get(pk=payout.pk) for _ in range(2)]

        together(2, lambda index, copies=copies: work._drive_payout(copies[index]))

        assert SandboxTransfer.objects.get(reference=payout.public_id).times_asked == 1

    assert Payout.objects.filter(status="processed").count() == ROUNDS
    assert_ledger_balances()


def test_of_two_operators_at_once_one_is_the_first_and_the_other_the_second_approver(cast, fund, free, make):
    fund(cast.merchant, 1_000_000_000)
    approvers = [Actor(cast.admin, "panel"), Actor(cast.super_admin, "panel")]
    payouts = [make(10_000_001) for _ in range(ROUNDS)]

    for payout in payouts:
        def approve(index, pk=payout.pk):
            return approve_payout(actor=approvers[index], payout=Payout.objects.get(pk=pk))

        assert kinds(together(2, approve)) == {"Payout": 2}
        payout.refresh_from_db()
        assert payout.status == "approved"
        assert {payout.first_approved_by, payout.approved_by} == {cast.admin, cast.super_admin}

    assert_ledger_balances()


def test_one_operator_in_many_windows_is_one_approver(cast, fund, free, make):
    fund(cast.merchant, 1_000_000_000)
    payouts = [make(10_000_001) for _ in range(5)]

    for payout in payouts:
        def approve(_, pk=payout.pk):
            return approve_payout(actor=Actor(cast.admin, "panel"), payout=Payout.objects.get(pk=pk))

        assert kinds(together(6, approve)) == {"Payout": 1, "SecondApproverNeeded": 5}
        payout.refresh_from_db()
        assert (payout.status, payout.first_approved_by, payout.approved_by) == ("pending", cast.admin, None)


def test_a_new_beneficiary_met_by_many_payouts_at_once_is_one(cast, fund, free):
    fund(cast.merchant, 1_000_000)

    results = together(12, lambda index: pay_out(cast.merchant, 1_000, f"OUT-{index}"))

    assert kinds(results) == {"Payout": 12}
    assert len({payout.beneficiary_id for payout in results}) == 1
    assert_ledger_balances()
