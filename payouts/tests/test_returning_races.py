"""Two who say at once that the bank returned a payout, and a file that says it meanwhile: it comes back once."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from gateway.lib.errors import IllegalTransition
from gateway.lib.providers import Outcome
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from ledger.verify import verify_books
from payouts import work
from payouts.models import Beneficiary, Payout
from payouts.services import apply_outcome, clear_flag, return_payout
from payouts.tests.conftest import pay_out
from webhooks.models import Event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROUNDS = 12


@pytest.fixture
def paid(cast, fund, make, auto_approve):
    fund(cast.merchant, 10_000_000)
    payouts = [make(1_000) for _ in range(ROUNDS)]
    work.drive_payouts()
    assert Payout.objects.filter(status="processed").count() == ROUNDS
    return payouts


def come_back(user, payout, utr="RTN0000001"):
    row = Payout.objects.get(pk=payout.pk)
    return return_payout(actor=Actor(user, "panel"), payout=row, utr=f"{utr}-{payout.pk}", note="Closed")


def check_all_came_back(cast, balances):
    assert balances(cast.merchant) == (10_000_000, 0, 0)
    assert Posting.objects.filter(kind="payout.return").count() == ROUNDS
    assert Event.objects.filter(type="payout.rejected").count() == ROUNDS
    assert set(Payout.objects.values_list("status", flat=True)) == {"failed"}
    assert verify_books() == []
    assert_ledger_balances()


def test_two_operators_at_once_return_it_once(cast, paid, balances):
    for payout in paid:
        results = together(2, lambda index, payout=payout: come_back((cast.admin, cast.super_admin)[index], payout))
        assert sorted(type(result).__name__ for result in results) == ["IllegalTransition", "Payout"]
        [loser] = [result for result in results if isinstance(result, IllegalTransition)]
        assert "only once" in loser.message

    check_all_came_back(cast, balances)


def test_against_a_report_of_the_bank(cast, paid, balances):
    for payout in paid:
        def act(index, payout=payout):
            if index:
                return come_back(cast.admin, payout)
            outcome = Outcome("failed", code="returned", message="Returned")
            return apply_outcome(actor=Actor.system("bank"), payout=payout, outcome=outcome)

        said, returned = together(2, act)
        assert said in ("none", "flagged")
        assert isinstance(returned, Payout)
        payout.refresh_from_db()
        assert (payout.status, payout.flag) == ("failed", "")

    check_all_came_back(cast, balances)


def test_against_somebody_who_clears_the_flag(cast, paid, balances):
    Payout.objects.update(flag="contradicted")
    for payout in paid:
        def act(index, payout=payout):
            if index:
                return come_back(cast.admin, payout)
            return clear_flag(actor=Actor(cast.super_admin, "panel"), payout=payout, note="Seen")

        _, returned = together(2, act)
        assert isinstance(returned, Payout)
        payout.refresh_from_db()
        assert (payout.status, payout.flag) == ("failed", "")

    check_all_came_back(cast, balances)


def test_what_is_paid_at_that_moment_keeps_the_account_known(cast, paid, balances):
    """All came back but the last, which the bank pays while the one before it comes back."""
    for payout in paid[:-1]:
        come_back(cast.admin, payout)
    last = paid[-1]
    for number in range(ROUNDS):
        fresh = pay_out(cast.merchant, 1_000, f"FRESH-{number}")

        def act(index, fresh=fresh, last=last):
            return work.drive_payouts() if index else come_back(cast.admin, last)

        together(2, act)
        fresh.refresh_from_db()
        assert fresh.status == "processed"
        assert not Beneficiary.objects.get().is_new
        last = fresh

    assert verify_books() == []
    assert_ledger_balances()
