"""One UTR entered in the same instant for two payouts: one of them has it, the other is as it was."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from gateway.lib.errors import InvalidFields
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payouts import work
from payouts.batches import apply_result
from payouts.batches.results import drive_results
from payouts.models import Payout
from payouts.services import resolve_payout, return_payout
from payouts.services.outcomes import take_up
from payouts.tests.test_results import answer  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROUNDS = 12


@pytest.fixture
def operators(cast):
    return Actor(cast.admin, "panel"), Actor(cast.super_admin, "panel")


def check_one(results):
    assert sorted(type(result).__name__ for result in results) == ["InvalidFields", "Payout"], results
    [refused] = [result for result in results if isinstance(result, InvalidFields)]
    assert refused.details == {"fields": {"utr": "is another payout's already"}}


def test_two_payouts_resolved_as_paid(cast, fund, make, auto_approve, operators, balances):
    fund(cast.merchant, 10_000_000)
    for number in range(ROUNDS):
        both = [make(1_000), make(1_000)]
        for row in both:
            take_up(actor=Actor.system("tests"), payout=row)
        Payout.objects.filter(pk__in=[row.pk for row in both]).update(flag="amount_differs")

        def act(index, both=both, number=number):
            utr = f"PAID{number:08}" if index else f"paid{number:08}"
            return resolve_payout(actor=operators[index], payout=both[index], paid=True, utr=utr, note="Asked")

        check_one(together(2, act))
        found = Payout.objects.filter(pk__in=[row.pk for row in both]).values_list("status", "utr", "flag")
        assert sorted(found) == [("processed", f"PAID{number:08}", ""), ("processing", "", "amount_differs")]

    assert Posting.objects.filter(kind="payout.settle").count() == ROUNDS
    assert_ledger_balances()


def test_two_payouts_returned(cast, fund, make, auto_approve, operators):
    fund(cast.merchant, 10_000_000)
    for number in range(ROUNDS):
        both = [make(1_000), make(1_000)]
        work.drive_payouts()

        def act(index, both=both, number=number):
            row = Payout.objects.get(pk=both[index].pk)
            return return_payout(actor=operators[index], payout=row, utr=f"rtn{number:08}", note="Closed")

        check_one(together(2, act))
        found = Payout.objects.filter(pk__in=[row.pk for row in both]).values_list("status", "return_utr")
        assert sorted(found) == [("failed", f"RTN{number:08}"), ("processed", "")]

    assert Posting.objects.filter(kind="payout.return").count() == ROUNDS
    assert_ledger_balances()


@pytest.mark.parametrize("same", [False, True])
def test_a_result_file_and_an_operator(cast, sent, send, answer, operators, same):  # noqa: F811
    """Of two payouts; or of one, whose two answers agree, and neither waits for the other for ever."""
    for number in range(ROUNDS // 2):
        mine, other = send(1), send(1)
        result = answer(f"{mine.references[0]},SUCCESS,UTR{number:07},", batch=mine.batch, apply=False)
        apply_result(actor=operators[0], result=result)
        typed = Payout.objects.get(pk=(mine if same else other).keys[0])
        Payout.objects.filter(pk=typed.pk).update(provider_state="unknown")

        def act(index, typed=typed, number=number):
            if index:
                return drive_results()
            return resolve_payout(actor=operators[1], payout=typed, paid=True, utr=f"utr{number:07}", note="Asked")

        resolved, driven = together(2, act)
        result.refresh_from_db()
        assert (driven, result.status) == (1, "applied")
        ends = sorted(Payout.objects.filter(pk__in=[*mine.keys, *other.keys]).values_list("status", "utr"))
        assert ends == [("processed", f"UTR{number:07}"), ("processing", "")]
        [[effect, _]] = result.report
        expected = {True: ("Payout", "same"), False: ("IllegalTransition", "processed")} if same else {
            True: ("Payout", "unclear"), False: ("InvalidFields", "processed")}
        assert (type(resolved).__name__, effect) == expected[isinstance(resolved, Payout)]

    assert Posting.objects.filter(kind="payout.settle").count() == ROUNDS // 2
    assert_ledger_balances()
