"""A session with several transfers that need a person: dealing with one, or its return, does not hide another."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.models import AuditRecord
from crypto import testing
from crypto.bsc_testing import DEPTH, fresh, look
from crypto.chains.simulated import control
from crypto.models import ChainTransaction, SimulatedFork, SimulatedTransaction
from crypto.services.attention import clear_flags
from ledger.models import Posting
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(cast):
    return testing.confirm(testing.open_session(cast.merchant, "100"), 1)


def _in_two_parts(session):
    parts = [testing.pay(session, "60"), testing.pay(session, "40")]
    testing.confirm(session, DEPTH)
    assert (session.status, Posting.objects.count()) == ("paid", 2)
    return parts


def _mine_again(transaction_hash):
    SimulatedTransaction.objects.filter(hash=transaction_hash).update(gone=False)
    control.mine("BSC")
    look(2)


def _notes(parts):
    rows = {row.transaction_hash: row for row in ChainTransaction.objects.all()}
    return [rows[part].note.startswith("It left the chain") for part in parts]


def test_one_part_that_comes_back_leaves_the_other_missed(session):
    first, second = _in_two_parts(session)
    control.reorganise("BSC", DEPTH, drop=[first, second])
    look(2)
    assert (fresh(session).flags, session.for_person, _notes([first, second])) == (["several", "vanished"], True, [True, True])

    _mine_again(first)

    assert (_notes([first, second]), fresh(session).for_person) == ([False, True], True)
    assert session.flags == ["several", "vanished", "reorganised"]
    _mine_again(second)
    assert (_notes([first, second]), fresh(session).for_person) == ([False, False], False)
    assert session.flags == ["several", "reorganised"]
    assert Posting.objects.count() == 2
    assert_ledger_balances()


def test_a_part_that_vanishes_after_another_was_dealt_with_opens_the_session_again(cast, session):
    first, second = _in_two_parts(session)
    control.reorganise("BSC", DEPTH, drop=[first])
    look(2)
    clear_flags(actor=Actor(cast.admin, "panel"), session=session, note="The payer sends it again.")
    assert fresh(session).for_person is False

    control.reorganise("BSC", DEPTH, drop=[second])
    look(2)

    assert (_notes([first, second]), fresh(session).for_person, session.flag_cleared_at) == ([True, True], True, None)
    assert AuditRecord.objects.filter(action="session.payment_vanished").count() == 2


def test_a_second_payment_in_another_token_opens_the_session_again(cast, session):
    testing.pay(session, currency="USDC")
    testing.confirm(session, DEPTH)
    clear_flags(actor=Actor(cast.admin, "panel"), session=session, note="Sent back by hand.")

    testing.pay(session, currency="USDC")
    testing.confirm(session, 1)

    assert (fresh(session).flags, session.for_person, session.flag_cleared_at) == (["wrong_token"], True, None)


def test_a_credited_transfer_that_is_in_its_old_block_again_is_no_longer_missed(session):
    paid = testing.pay(session)
    testing.confirm(session, DEPTH)
    control.reorganise("BSC", DEPTH, drop=[paid])
    look(2)
    assert (fresh(session).flags, session.for_person) == (["vanished"], True)

    row = ChainTransaction.objects.get()
    SimulatedFork.objects.all().delete()
    SimulatedTransaction.objects.filter(hash=paid).update(gone=False, height=row.height, succeeded=True)
    look(2)

    row.refresh_from_db()
    assert (row.status, row.note, fresh(session).flags) == ("confirmed", "", ["reorganised"])
    assert session.for_person is False
    assert Posting.objects.count() == 1
    assert_ledger_balances()
