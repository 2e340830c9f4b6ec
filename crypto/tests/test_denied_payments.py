"""A payment that a node denies, or that a reorganisation puts back into the mempool, ends nobody's session."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from crypto import testing
from crypto.bsc_testing import DEPTH, fresh, look, transaction
from crypto.chains.simulated import control
from crypto.chains.simulated.chain import SimulatedChain
from crypto.errors import ChainUnavailable
from crypto.models import ChainTransaction, Session
from crypto.watcher import scanning
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from webhooks.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(cast, settings):
    settings.SESSION_COOL_DOWN_MINUTES = 0
    return testing.confirm(testing.open_session(cast.merchant, "100"), 1)


@pytest.fixture
def denied(monkeypatch):
    """Looks once while the node answers null for every receipt."""
    def denied():
        with monkeypatch.context() as patched:
            patched.setattr(SimulatedChain, "receipt", lambda self, name: None)
            look()

    return denied


def time_is_over(session):
    Session.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(seconds=5))


def ask_again():
    ChainTransaction.objects.update(checked_at=timezone.now() - timedelta(minutes=2))
    look(2)


def orphaned_for(minutes):
    ChainTransaction.objects.update(updated_at=timezone.now() - timedelta(minutes=minutes))


def assert_paid(session):
    assert (transaction().status, fresh(session).status) == ("confirmed", "paid")
    assert list(Event.objects.values_list("type", flat=True)) == ["session.paid"]
    assert Posting.objects.count() == 1
    assert_ledger_balances()


def test_one_null_receipt_at_depth_changes_nothing_while_its_block_stands(session, denied):
    testing.pay(session)
    testing.confirm(session, 1)
    time_is_over(session)
    control.mine("BSC", DEPTH - 1)

    denied()

    assert (transaction().status, fresh(session).status, session.flags) == ("pending", "pending", [])
    assert transaction().note == "Its block stands, but the node has no receipt of it: asked for again."
    ask_again()
    assert_paid(session)
    assert transaction().note == ""


def test_a_null_receipt_beneath_another_block_is_an_orphan(session, denied, monkeypatch):
    testing.pay(session)
    testing.confirm(session, 1)
    control.mine("BSC", DEPTH - 1)
    ChainTransaction.objects.update(block_hash="0x" + "ab" * 32)
    monkeypatch.setattr(scanning, "read", lambda *_: [])

    denied()

    assert (transaction().status, fresh(session).flags) == ("orphaned", ["reorganised"])


def test_a_reorganisation_that_returns_the_payment_to_the_mempool_expires_nobody(session, denied):
    testing.pay(session)
    testing.confirm(session, 4)
    time_is_over(session)
    control.reorganise("BSC", 4)

    denied()

    assert (transaction().status, fresh(session).status) == ("orphaned", "pending")
    control.mine("BSC", DEPTH)
    look()
    ask_again()
    assert_paid(session)


def test_after_a_quarter_of_an_hour_it_is_not_waited_for_any_more(session):
    paid = testing.pay(session)
    testing.confirm(session, 2)
    time_is_over(session)
    control.reorganise("BSC", 2, drop=[paid])

    testing.confirm(session, 1)
    assert (transaction().status, session.status) == ("orphaned", "pending")
    orphaned_for(minutes=14)
    testing.confirm(session, 1)
    assert session.status == "pending"
    orphaned_for(minutes=16)

    testing.confirm(session, 1)

    assert session.status == "expired"


def test_an_address_is_not_given_out_while_its_payment_may_come_back(cast, session):
    paid = testing.pay(session)
    testing.confirm(session, 2)
    control.reorganise("BSC", 2, drop=[paid])
    look()
    orphaned_for(minutes=16)
    time_is_over(session)
    testing.confirm(session, 1)
    assert session.status == "expired"
    orphaned_for(minutes=14)

    with pytest.raises(ChainUnavailable):
        testing.open_session(cast.other, fresh=False)

    orphaned_for(minutes=16)
    assert testing.open_session(cast.other, fresh=False).address_id == session.address_id
