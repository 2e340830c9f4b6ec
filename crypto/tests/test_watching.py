"""The watcher against chains that are reorganised, and against other watchers: nothing missed, nothing counted twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditRecord
from crypto import testing, watcher
from crypto.bsc_testing import DEPTH, fresh, head, look, state, transaction
from crypto.chains.simulated import control
from crypto.models import ChainState, ChainTransaction
from crypto.watcher import leases, scanning
from ledger.models import Posting
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(cast):
    return testing.confirm(testing.open_session(cast.merchant, "100"), 1)


# Reorganisations ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", [1, 3, DEPTH - 1])
def test_a_transfer_that_leaves_the_chain_before_it_is_confirmed_is_not_credited(session, depth):
    paid = testing.pay(session)
    testing.confirm(session, depth)
    assert transaction().status == "pending"

    control.reorganise("BSC", depth, drop=[paid])
    look()

    assert transaction().status == "orphaned"
    testing.confirm(session, 2 * DEPTH)
    assert (transaction().status, session.status, session.received_minor) == ("orphaned", "pending", 0)
    assert session.flags == ["reorganised"]
    assert [row.event for row in session.timeline.all()][-2:] == ["payment_received", "payment_reverted"]
    assert Posting.objects.count() == 0
    assert_ledger_balances()


@pytest.mark.parametrize("depth", [1, 3, DEPTH - 1])
def test_a_transfer_mined_again_in_another_block_is_credited_once_at_its_new_depth(session, depth):
    testing.pay(session)
    testing.confirm(session, depth)
    old = transaction()

    control.reorganise("BSC", depth)
    look()
    moved = transaction()

    assert (moved.pk, moved.status) == (old.pk, "pending")
    assert moved.block_hash != old.block_hash
    testing.confirm(session, DEPTH - depth - 1 + (moved.height - old.height))
    assert (session.status, transaction().status) == ("pending", "pending")
    testing.confirm(session, 1)
    assert (session.status, session.received_minor, session.flags) == ("paid", 100 * 10**8, ["reorganised"])
    assert Posting.objects.count() == 1
    assert_ledger_balances()


@pytest.mark.parametrize("depth", [DEPTH, DEPTH + 1])
def test_a_confirmed_transfer_that_vanishes_is_told_loudly_and_not_taken_back(session, depth):
    paid = testing.pay(session)
    testing.confirm(session, depth)
    assert session.status == "paid"

    control.reorganise("BSC", depth, drop=[paid])
    look(2)

    fresh(session)
    assert (session.status, session.received_minor, session.flags) == ("paid", 100 * 10**8, ["vanished"])
    assert (transaction().status, transaction().note.startswith("It left the chain after it was confirmed")) == ("confirmed", True)
    assert AuditRecord.objects.filter(action="session.payment_vanished").count() == 1
    assert Posting.objects.count() == 1
    assert_ledger_balances()


def test_a_confirmed_transfer_that_comes_back_is_no_longer_missed(session):
    testing.pay(session)
    testing.confirm(session, DEPTH)

    control.reorganise("BSC", DEPTH)
    look()

    assert (transaction().status, fresh(session).flags) == ("confirmed", ["reorganised"])
    assert Posting.objects.count() == 1


def test_a_confirmed_transfer_that_vanishes_a_second_time_is_told_again(session):
    paid = testing.pay(session)
    testing.confirm(session, DEPTH)
    control.reorganise("BSC", DEPTH, drop=[paid])
    look()
    assert (fresh(session).flags, session.for_person) == (["vanished"], True)
    control.SimulatedTransaction.objects.filter(hash=paid).update(gone=False)
    control.mine("BSC")
    look(2)
    assert (fresh(session).flags, session.for_person, transaction().note) == (["reorganised"], False, "")

    control.reorganise("BSC", 3, drop=[paid])
    look()

    assert (fresh(session).flags, session.for_person) == (["reorganised", "vanished"], True)
    assert (transaction().status, Posting.objects.count()) == ("confirmed", 1)
    assert_ledger_balances()


def test_an_orphan_that_is_mined_again_much_later_is_found_by_asking(session, monkeypatch):
    testing.pay(session)
    testing.confirm(session, 3)
    row = transaction()
    ChainTransaction.objects.update(status="orphaned", checked_at=timezone.now() - timedelta(minutes=2))
    control.mine("BSC", 20)
    monkeypatch.setattr(scanning, "read", lambda *_: [])

    look(2)

    assert (transaction().status, transaction().pk) == ("confirmed", row.pk)
    assert Posting.objects.count() == 1


def test_a_reorganisation_between_two_looks_at_the_same_height_is_seen(session):
    paid = testing.pay(session)
    testing.confirm(session, 2)
    before = head()
    control.reorganise("BSC", 2, drop=[paid])
    assert head() == before

    look()

    assert transaction().status == "orphaned"


def test_a_reorganisation_while_a_range_is_read_is_seen_by_the_next(session, monkeypatch):
    """The old chain's transfers are read under the new chain's hash, and the other way round."""
    control.mine("BSC", 2)
    read = scanning.read

    def read_then_change(chain, state, first, last):
        found = read(chain, state, first, last)
        if not ChainTransaction.objects.exists():
            testing.pay(session)
            control.mine("BSC", 3)
            control.reorganise("BSC", 5)
        return found

    monkeypatch.setattr(scanning, "read", read_then_change)
    look()
    monkeypatch.undo()

    testing.confirm(session, DEPTH)
    assert session.status == "paid"


def test_deeper_than_the_watcher_remembers(session, monkeypatch):
    monkeypatch.setattr(scanning, "KEPT_MARKS", 2)
    testing.pay(session)
    for _ in range(6):
        testing.confirm(session, 1)
    control.reorganise("BSC", 6)

    testing.confirm(session, DEPTH)

    assert (session.status, Posting.objects.count()) == ("paid", 1)


# One watcher a network ----------------------------------------------------------------------------------------
def test_a_network_that_is_leased_is_left_alone(session):
    ChainState.objects.update(lease="another", leased_until=timezone.now() + timedelta(seconds=30))

    assert not watcher.watch_network("BSC", "test")
    ChainState.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert watcher.watch_network("BSC", "test")


def test_who_lost_its_lease_writes_nothing(session, monkeypatch):
    testing.pay(session)
    control.mine("BSC", 1)
    before, read = state().scanned_height, scanning.read

    def slow(chain, watched, first, last):
        ChainState.objects.filter(pk=watched.pk).update(lease="another")
        return read(chain, watched, first, last)

    monkeypatch.setattr(scanning, "read", slow)
    look()

    assert (state().scanned_height, ChainTransaction.objects.count()) == (before, 0)


def test_networks_take_turns_and_idle_ones_wait_longer(session, settings):
    settings.WATCH_SECONDS, settings.WATCH_IDLE_SECONDS = 60, 3600
    ChainState.objects.all().delete()

    assert (watcher.watch(), watcher.watch()) == (5, 0)
    ChainState.objects.update(looked_at=timezone.now() - timedelta(seconds=61))
    busy = leases.claim_next()

    assert (busy.network_id, busy.mode) == ("BSC", "test")
