"""A wrong book of a credit that was taken back is found; of two who confirm at once, one books it."""

from __future__ import annotations

import collections

import pytest
from django.db import IntegrityError, transaction

from accounts.actors import Actor
from accounts.models import AuditRecord
from accounts.operators import OwnRecord
from crypto import testing
from crypto.bsc_testing import DEPTH, fresh, look
from crypto.models import ChainTransaction, CreditReversal
from crypto.services import credit_reversals
from crypto.services.credit_reversals import confirm_credit_reversal, propose_credit_reversal, reject_credit_reversal
from crypto.tests.chain_house import ONE, own
from crypto.tests.test_credit_reversals import admin, house, mine_again, session, spend, take_back, vanish  # noqa: F401
from gateway.lib.racing import dies_at, together
from ledger.models import Posting
from ledger.services import Line, house_account, post
from ledger.testing import assert_ledger_balances
from ledger.verify import verify_books


# A wrong book ------------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [
    {"amount_minor": 101 * ONE}, {"fee_minor": 2 * ONE, "tax_minor": 0}, {"tax_minor": 1}, {"shortfall_minor": ONE},
    {"status": "rejected"}, {"round": 1},
])
def test_a_reversal_that_says_something_else_than_its_posting_is_found(cast, session, admin, wrong):  # noqa: F811
    take_back(admin, vanish(session))
    assert verify_books() == []

    CreditReversal.objects.update(**wrong)

    assert any("its posting says otherwise" in problem for problem in verify_books())


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [
    {"status": "confirmed", "credited_minor": 100 * ONE, "fee_minor": ONE}, {"credited_minor": 5}, {"fee_minor": 5},
])
def test_a_transfer_that_says_something_else_is_found(cast, session, admin, wrong):  # noqa: F811
    row = vanish(session)
    take_back(admin, row)

    ChainTransaction.objects.filter(pk=row.pk).update(**wrong)

    assert f"transfer {row} is {wrong.get('status', 'reversed')} after its credit was taken back; its postings say otherwise" in verify_books()


@pytest.mark.django_db
def test_a_credit_again_that_is_not_as_it_says_is_found(cast, session, admin):  # noqa: F811
    row = vanish(session)
    spend(cast, 70 * ONE)
    take_back(admin, row)
    mine_again(row)
    testing.confirm(session, DEPTH)
    assert verify_books() == []

    CreditReversal.objects.update(recovered_minor=69 * ONE)

    assert len([problem for problem in verify_books() if "its postings say otherwise" in problem]) == 1


@pytest.mark.django_db
def test_a_reversed_transfer_without_a_reversal_and_a_posting_without_one_are_found(cast, session):  # noqa: F811
    row = vanish(session)
    ChainTransaction.objects.filter(pk=row.pk).update(status="reversed")
    house_ = [house_account("test", "USDT", kind, network="BSC") for kind in ("losses", "fees")]
    post(kind="crypto.uncredit", reference="crypto:uncredit:999", mode="test", lines=[Line(house_[0], -5), Line(house_[1], 5)])

    problems = verify_books()

    assert f"transfer {row} is reversed, and nobody took its credit back" in problems
    assert "posting crypto:uncredit:999 is about no credit reversal that there is" in problems


@pytest.mark.django_db
def test_one_that_nobody_wrote_down_is_found(cast, session, admin, monkeypatch):  # noqa: F811
    row = vanish(session)
    monkeypatch.setattr(credit_reversals, "_write_down", lambda *_, **__: None)

    made = take_back(admin, row)

    assert verify_books() == [f"{made} became confirmed without an audit record"]


# Real money --------------------------------------------------------------------------------------------------
@pytest.fixture
def real(cast, session, monkeypatch):  # noqa: F811
    """A live credit that both nodes deny."""
    row = vanish(session)
    monkeypatch.setattr(credit_reversals, "_ask", lambda _: None)
    ChainTransaction.objects.filter(pk=row.pk).update(mode="live")
    return fresh(row)


@pytest.mark.django_db
def test_with_real_money_it_takes_a_second_person(cast, real, admin):  # noqa: F811
    made = propose_credit_reversal(actor=admin, transfer=real, reason="Gone")

    with pytest.raises(OwnRecord):
        confirm_credit_reversal(actor=admin, reversal=made)
    with pytest.raises(OwnRecord):
        reject_credit_reversal(actor=admin, reversal=made, note="No")
    with pytest.raises(IntegrityError, match="credit_reversal_four_eyes"), transaction.atomic():
        CreditReversal.objects.filter(pk=made.pk).update(status="confirmed", decided_by=cast.admin)

    assert (fresh(made).status, fresh(real).status, Posting.objects.count()) == ("open", "confirmed", 1)
    assert own(cast.merchant)[0] == 99 * ONE


# At once -----------------------------------------------------------------------------------------------------
@pytest.fixture
def waiting(cast, transactional_db):
    session_ = testing.confirm(testing.open_session(cast.merchant, "100"), 1)
    row = vanish(session_)
    return propose_credit_reversal(actor=Actor(cast.admin, "panel"), transfer=row, reason="Gone")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_who_confirm_at_once_one_books_it(cast, waiting):
    actor = Actor(cast.super_admin, "panel")

    results = together(8, lambda _: confirm_credit_reversal(actor=actor, reversal=waiting))

    kinds = collections.Counter(type(result).__name__ for result in results)
    assert kinds == {"CreditReversal": 1, "IllegalTransition": 7}
    assert (Posting.objects.filter(kind="crypto.uncredit").count(), own(cast.merchant)[0]) == (1, 0)
    assert AuditRecord.objects.filter(action="credit_reversal.confirmed").count() == 1
    assert_ledger_balances()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_a_confirmation_and_a_rejection_one_wins(cast, waiting):
    chief = Actor(cast.super_admin, "panel")

    def act(index):
        if index % 2:
            return confirm_credit_reversal(actor=chief, reversal=waiting)
        return reject_credit_reversal(actor=chief, reversal=waiting, note="No")

    results = together(8, act)

    assert sum(isinstance(result, CreditReversal) for result in results) == 1
    booked = Posting.objects.filter(kind="crypto.uncredit").count()
    assert (fresh(waiting).status, booked) in (("confirmed", 1), ("rejected", 0))
    assert_ledger_balances()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_what_is_spent_meanwhile_is_borne_to_the_unit(cast, waiting):
    """Whoever is first: what left and what was taken are what there was, and the house bears the rest."""
    def act(index):
        if index:
            return spend(cast, 10 * ONE + index)
        return confirm_credit_reversal(actor=Actor(cast.super_admin, "panel"), reversal=waiting)

    results = together(8, act)

    spent = sum(10 * ONE + index for index in range(1, 8) if results[index] is None)
    made = fresh(waiting)
    assert (made.status, own(cast.merchant)[0]) == ("confirmed", 99 * ONE - spent - made.taken_minor)
    assert (made.taken_minor + made.shortfall_minor, house("losses")) == (99 * ONE, -made.shortfall_minor)
    assert_ledger_balances()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["before_posting", "after_posting", "before_commit"])
def test_a_process_that_dies_in_it_leaves_nothing_or_all(cast, waiting, point):
    actor = Actor(cast.super_admin, "panel")

    assert dies_at(f"uncredit.{point}", lambda: confirm_credit_reversal(actor=actor, reversal=waiting))

    assert (fresh(waiting).status, own(cast.merchant)[0], Posting.objects.count()) == ("open", 99 * ONE, 1)
    confirm_credit_reversal(actor=actor, reversal=waiting)
    assert (fresh(waiting).status, own(cast.merchant)[0], Posting.objects.count()) == ("confirmed", 0, 2)
    look(2)
    assert_ledger_balances()
