"""Many at once, and processes that die: one address each, one credit each."""

from __future__ import annotations

import collections
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from crypto import testing, watcher
from crypto.chains.simulated import control
from crypto.models import ChainState, ChainTransaction, DepositAddress, Session
from crypto.watcher import scanning
from gateway.lib.racing import dies_at, together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from webhooks.models import Event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_thirty_two_times_a_hundred_sessions_get_as_many_addresses(cast):
    """On SQLite, where one writes at a time, eight times twenty-five."""
    threads, each = (32, 100) if connection.vendor == "postgresql" else (8, 25)
    testing.add_addresses("BSC", threads * each)

    def open_some(index):
        return [
            testing.open_session(cast.merchant, "1", fresh=False, reference=f"R-{index}-{number}").address_id
            for number in range(each)
        ]

    results = together(threads, open_some)

    assert [result for result in results if not isinstance(result, list)] == []
    given = [address for result in results for address in result]
    assert (len(given), len(set(given))) == (threads * each, threads * each)
    assert DepositAddress.objects.filter(session__isnull=False).count() == threads * each


def test_of_sixteen_with_one_reference_one_is_made(cast):
    testing.add_addresses("BSC", 16)

    results = together(16, lambda _: testing.open_session(cast.merchant, "1", fresh=False, reference="SAME"))

    kinds = collections.Counter(type(result).__name__ for result in results)
    assert kinds == {"Session": 1, "DuplicateReference": 15}
    assert DepositAddress.objects.filter(session__isnull=False).count() == 1


def test_many_watchers_of_one_network_credit_once(cast):
    sessions = [testing.open_session(cast.merchant, "10") for _ in range(5)]
    for session in sessions:
        testing.pay(session)
    control.mine("BSC", 12)

    for _ in range(3):
        together(8, lambda _: watcher.watch_network("BSC", "test"))

    assert Session.objects.filter(status="paid").count() == 5
    assert (Posting.objects.count(), Event.objects.filter(type="session.paid").count()) == (5, 5)
    assert_ledger_balances()


def test_a_node_that_hangs_holds_up_its_own_network_alone(cast, monkeypatch, settings):
    """The watcher's threads each take the next network that is due."""
    settings.WATCH_SECONDS = settings.WATCH_IDLE_SECONDS = 600  # none is due twice, however slow the machine
    session = testing.open_session(cast.merchant, "10", network="ETH")
    testing.pay(session)
    control.mine("ETH", 12)
    asked, answered, head = threading.Event(), threading.Event(), scanning.believable_head

    def hangs(chain):
        if chain.network.code == "BSC":
            asked.set()
            assert answered.wait(30)
        return head(chain)

    def watch(index):
        if index == 0:
            return watcher.watch_network("BSC", "test")
        assert asked.wait(30)
        try:
            return watcher.watch()
        finally:
            answered.set()

    monkeypatch.setattr(scanning, "believable_head", hangs)
    results = together(2, watch)

    session.refresh_from_db()
    assert (results, session.status) == ([True, 4], "paid")


def test_two_payments_of_one_session_credited_at_once_pay_the_fee_of_their_sum(cast):
    """Two watchers at it, as if one had lost its lease within a step."""
    from crypto.chains.registry import chain_for
    from crypto.services.crediting import credit

    session = testing.open_session(cast.merchant, "1")
    testing.pay(session, "0.33333333")
    testing.pay(session, "0.66666667")
    testing.confirm(session, 3)
    rows = list(ChainTransaction.objects.order_by("id")) * 4
    receipts = {row.pk: chain_for(session.network, "test").receipt(row.transaction_hash) for row in rows}

    results = together(8, lambda index: credit(row=rows[index], receipt=receipts[rows[index].pk]))

    session.refresh_from_db()
    assert sorted(results) == [False] * 6 + [True] * 2
    assert (session.status, session.received_minor, session.fee_minor) == ("paid", 10**8, 10**6)
    assert Posting.objects.count() == 2
    assert_ledger_balances()


def test_expiry_against_a_payment_has_one_winner(cast):
    """Whoever is first, the money is credited, and the session ends as one thing."""
    from crypto.chains.registry import chain_for
    from crypto.services.crediting import credit
    from crypto.services.sessions import expire_due

    for _ in range(10):
        session = testing.open_session(cast.merchant, "5")
        testing.pay(session)
        testing.confirm(session, 3)
        row = ChainTransaction.objects.get(session=session)
        receipt = chain_for(session.network, "test").receipt(row.transaction_hash)
        Session.objects.filter(pk=session.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        control.mine("BSC", 1)
        state = ChainState.objects.select_related("network").get(network="BSC", mode="test")

        together(2, lambda index: expire_due(state) if index else credit(row=row, receipt=receipt))  # noqa: B023

        session.refresh_from_db()
        assert (session.status, session.received_minor) == ("paid", 5 * 10**8)
    assert_ledger_balances()


# Where the watcher dies, and what is known of the transfer then.
POINTS = [
    ("scan.before_commit", None), ("credit.before", "pending"), ("credit.before_posting", "pending"),
    ("credit.after_posting", "pending"), ("credit.before_commit", "pending"), ("credit.after_commit", "confirmed"),
]


@pytest.mark.parametrize(("point", "left"), POINTS, ids=[point for point, _ in POINTS])
def test_a_payment_survives_its_watcher(cast, settings, point, left):
    session = testing.open_session(cast.merchant, "100")
    testing.pay(session)
    control.mine("BSC", 12)

    assert dies_at(point, lambda: watcher.watch_network("BSC", "test")), point

    assert ChainTransaction.objects.values_list("status", flat=True).first() == left
    assert Posting.objects.count() == (1 if left == "confirmed" else 0)
    assert_ledger_balances()
    assert not watcher.watch_network("BSC", "test")  # its lease is still there
    ChainState.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    watcher.watch_network("BSC", "test")
    watcher.watch_network("BSC", "test")
    session.refresh_from_db()
    assert (session.status, session.received_minor) == ("paid", 100 * 10**8)
    assert (Posting.objects.count(), Event.objects.filter(type="session.paid").count()) == (1, 1)
    assert_ledger_balances()
