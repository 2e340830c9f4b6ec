"""The watcher against nodes that fail, lag and lie, and over ten thousand blocks: nothing missed, nothing twice."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditRecord
from crypto import testing, watcher
from crypto.bsc_testing import DEPTH, bsc, fresh, head, look, state, transaction
from crypto.chains.simulated import control
from crypto.chains.simulated.chain import SimulatedChain
from crypto.errors import ChainUnavailable
from crypto.models import ChainState, ChainTransaction, Network, ScanGap, Session
from crypto.openness import why_closed
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from webhooks.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(cast):
    return testing.confirm(testing.open_session(cast.merchant, "100"), 1)


# Nodes that fail ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("trouble", [
    lambda: control.lie("BSC", 1000), lambda: control.unreliable("BSC", 1.0, kinds=["ahead"]),
    lambda: control.unreliable("BSC", 1.0, kinds=["null"]), lambda: control.unreliable("BSC", 1.0, kinds=["html"]),
    lambda: control.unreliable("BSC", 1.0, kinds=["busy"]), lambda: control.unreliable("BSC", 1.0, kinds=["down"]),
    lambda: control.unreliable("BSC", 1.0, kinds=["timeout"]),
], ids=["lie", "ahead", "null", "html", "busy", "down", "timeout"])
def test_no_believable_head_moves_nothing(session, trouble):
    testing.pay(session)
    before = state()
    trouble()

    testing.confirm(session, DEPTH)

    assert (state().scanned_height, state().head_height) == (before.scanned_height, before.head_height)
    assert (ChainTransaction.objects.count(), ScanGap.objects.count()) == (0, 0)
    control.reliable("BSC")
    look()
    assert fresh(session).status == "paid"


@pytest.mark.parametrize("trouble", [
    lambda: control.lag("BSC", 6), lambda: control.unreliable("BSC", 1.0, kinds=["backwards"]), lambda: control.freeze("BSC"),
], ids=["lags", "backwards", "frozen"])
def test_a_node_that_is_behind_confirms_later_and_misses_nothing(session, trouble):
    trouble()
    testing.pay(session)

    testing.confirm(session, DEPTH)

    assert (fresh(session).status, Posting.objects.count()) == ("pending", 0)
    control.reliable("BSC")
    look()
    assert fresh(session).status == "paid"


def test_a_range_that_no_node_answers_becomes_a_gap_and_the_head_goes_on(session):
    testing.pay(session)
    control.unreliable("BSC", 1.0, kinds=["busy"], calls=["transfers"])
    control.mine("BSC", 3)

    look()

    gap = ScanGap.objects.get()
    assert (gap.last_height, gap.last_error, gap.closed_at) == (head(), "rate limit reached", None)
    assert gap.first_height < head() - 2
    assert (state().scanned_height, ChainTransaction.objects.count()) == (head(), 0)
    look()
    assert ScanGap.objects.get(pk=gap.pk).tries == 1
    control.reliable("BSC")
    ScanGap.objects.update(due_at=timezone.now())
    testing.confirm(session, DEPTH)
    assert (ScanGap.objects.get(pk=gap.pk).closed_at is not None, session.status) == (True, "paid")


def test_a_gap_is_read_in_ever_smaller_pieces(session, monkeypatch):
    Network.objects.filter(code="BSC").update(scan_span=64)
    gap = ScanGap.objects.create(state=state(), first_height=900, last_height=999, tries=4)
    asked, transfers = [], SimulatedChain.transfers

    def only_four(chain, first, last, **more):
        asked.append(last - first + 1)
        return transfers(chain, first, last, **more)

    monkeypatch.setattr(SimulatedChain, "transfers", only_four)
    look()

    assert set(asked) <= {4, 1 + 3, 1}
    assert fresh(gap).closed_at is not None


def test_nobody_expires_while_a_gap_is_open(session):
    gap = ScanGap.objects.create(state=state(), first_height=900, last_height=999, due_at=timezone.now() + timedelta(hours=1))
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    testing.confirm(session, 1)
    assert session.status == "pending"
    ScanGap.objects.filter(pk=gap.pk).update(closed_at=timezone.now())
    testing.confirm(session, 1)

    assert session.status == "expired"


@pytest.mark.parametrize("change", [{"units": 5}, {"contract": "0x" + "11" * 20}, {"recipient": "0x" + "22" * 20}])
def test_a_scan_that_its_receipt_contradicts_is_not_credited(session, monkeypatch, change):
    from dataclasses import replace

    testing.pay(session)
    receipt = SimulatedChain.receipt

    def other(chain, transaction_hash):
        true = receipt(chain, transaction_hash)
        return true and replace(true, transfers=tuple(replace(one, **change) for one in true.transfers))

    monkeypatch.setattr(SimulatedChain, "receipt", other)
    testing.confirm(session, DEPTH)

    assert (session.status, transaction().status, Posting.objects.count()) == ("pending", "pending", 0)
    assert transaction().note == "The transaction's receipt shows another transfer than the scan: not credited."
    monkeypatch.undo()
    ChainTransaction.objects.update(checked_at=timezone.now() - timedelta(minutes=2))
    look()
    assert fresh(session).status == "paid"


def test_a_receipt_that_failed_credits_nothing(session, monkeypatch):
    from dataclasses import replace

    testing.pay(session)
    receipt = SimulatedChain.receipt
    monkeypatch.setattr(
        SimulatedChain, "receipt", lambda chain, name: (true := receipt(chain, name)) and replace(true, succeeded=False)
    )

    testing.confirm(session, DEPTH)

    assert (session.status, transaction().status, Posting.objects.count()) == ("pending", "failed", 0)


def test_a_node_that_answers_what_was_not_asked_for_is_not_believed(session, monkeypatch):
    from dataclasses import replace

    testing.pay(session)
    control.mine("BSC", 1)
    transfers = SimulatedChain.transfers
    monkeypatch.setattr(SimulatedChain, "transfers", lambda *args, **more: [
        replace(one, contract="0x" + "11" * 20) for one in transfers(*args, **more)
    ])

    look()

    assert (ChainTransaction.objects.count(), ScanGap.objects.count()) == (0, 1)


# Health -------------------------------------------------------------------------------------------------------
def test_a_network_that_stands_still_closes_and_gives_the_time_back(cast, session):
    old_end = session.expires_at
    testing.add_addresses("BSC")
    ChainState.objects.update(head_moved_at=timezone.now() - timedelta(seconds=600), checked_at=timezone.now())
    control.freeze("BSC")

    look()

    assert state().closed_since is not None
    with pytest.raises(ChainUnavailable):
        testing.open_session(cast.merchant, fresh=False)
    assert AuditRecord.objects.filter(action="network.closed", target="BSC").count() == 1
    # It was made within the outage: all of its time was lost.
    made = timezone.now() - timedelta(seconds=300)
    Session.objects.filter(pk=session.pk).update(created_at=made)
    control.reliable("BSC")
    testing.confirm(session, 1)

    assert (state().closed_since, why_closed(bsc(), "test")) == (None, "")
    assert timedelta(seconds=300) <= session.expires_at - old_end < timedelta(seconds=310)
    assert session.timeline.last().event == "session_extended"
    assert testing.open_session(cast.merchant, fresh=False).status == "pending"


def test_a_watcher_that_was_away_closes_by_itself_and_extends_when_it_is_back(cast, session):
    old_end = session.expires_at
    long_ago = timezone.now() - timedelta(hours=2)
    ChainState.objects.update(head_moved_at=long_ago, checked_at=long_ago)
    Session.objects.update(created_at=long_ago - timedelta(minutes=5))

    assert why_closed(bsc(), "test") == "No node has answered for too long."
    testing.confirm(session, 1)

    assert why_closed(bsc(), "test") == ""
    assert timedelta(hours=2) <= session.expires_at - old_end < timedelta(hours=2, seconds=10)


def test_a_gap_that_stays_open_closes_the_network(session):
    ScanGap.objects.create(
        state=state(), first_height=900, last_height=905, opened_at=timezone.now() - timedelta(seconds=301),
        due_at=timezone.now() + timedelta(hours=1),
    )

    testing.confirm(session, 1)

    assert state().closed_reason == "Blocks 900–905 could not be read for too long."


# Ten thousand blocks ------------------------------------------------------------------------------------------
def test_ten_thousand_blocks_with_one_call_in_twenty_failing(cast):
    """100 payments over them, with reorganisations, and none is missed or counted twice."""
    Network.objects.filter(code="BSC").update(scan_span=50)
    addresses = testing.add_addresses("BSC", 100)
    sessions = [
        testing.open_session(cast.merchant, "1", fresh=False, expires_in=86_400) for _ in addresses
    ]
    look()
    control.unreliable("BSC", 0.05, seed=int(os.environ.get("CHAIN_SEED", "20261121")))

    for number, session in enumerate(sessions):
        testing.pay(session)
        control.mine("BSC", 100)
        if number % 20 == 19:
            control.reorganise("BSC", 5)
        if number % 4 == 3:
            watcher.watch_network("BSC", "test")
    ScanGap.objects.update(due_at=timezone.now())
    control.mine("BSC", DEPTH)
    for _ in range(60):
        watcher.watch_network("BSC", "test")
        ScanGap.objects.update(due_at=timezone.now())
        if not Session.objects.filter(status="pending").exists():
            break

    assert Session.objects.filter(status="paid", received_minor=10**8).count() == 100
    assert ChainTransaction.objects.filter(status="confirmed").count() == 100
    assert Posting.objects.count() == 100
    assert Event.objects.filter(type="session.paid").count() == 100
    assert not ScanGap.objects.filter(closed_at__isnull=True).exists()
    assert_ledger_balances()


def test_blocks_that_come_by_the_clock(cast, settings):
    """As it runs: nobody mines, the watcher looks as often as it may."""
    settings.SIMULATED_BLOCK_SECONDS = settings.WATCH_SECONDS = 0.02
    session = testing.open_session(cast.merchant, "100")
    testing.pay(session)

    deadline = time.monotonic() + 60
    while fresh(session).status == "pending" and time.monotonic() < deadline:
        watcher.watch()
        time.sleep(0.02)

    assert (session.status, session.flags, Posting.objects.count()) == ("paid", [], 1)
    assert_ledger_balances()
