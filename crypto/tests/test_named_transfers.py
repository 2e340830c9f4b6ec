"""The transaction that a session names, in its answers and its events, is the one that paid it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from crypto import testing, watcher
from crypto.bsc_testing import DEPTH, fresh, look
from crypto.chains.simulated import control
from crypto.models import Session
from crypto.services.claims import claim_transaction
from gateway.contracts.dashboard import events
from gateway.contracts.dashboard.testing import Dashboard
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(cast):
    return testing.confirm(testing.open_session(cast.merchant, "100"), 1)


def named(session):
    """As the API and the event of a paid session tell it."""
    details = Dashboard(session.merchant).get(f"/sessions/{session.pk}")["payment_details"]
    _, told = events.render("session.paid", fresh(session))
    assert told["blockchain_tx_hash"] == details["blockchain_tx_hash"]
    assert told["confirmations"] == details["confirmations"]
    return details["blockchain_tx_hash"], details["confirmations"]


def test_a_payment_that_replaced_one_that_left_the_chain(session):
    first = testing.pay(session)
    testing.confirm(session, 3)
    assert named(session) == (first, 3)

    control.reorganise("BSC", 3, drop=[first])
    look()
    assert named(session) == (None, 0)
    second = testing.pay(session)
    testing.confirm(session, DEPTH)

    assert (session.status, session.received_minor) == ("paid", 100 * 10**8)
    assert named(session) == (second, DEPTH)


def test_one_that_left_the_chain_and_came_back(session):
    paid = testing.pay(session)
    testing.confirm(session, 3)
    control.reorganise("BSC", 3, drop=[paid])
    look()
    assert named(session) == (None, 0)

    control.SimulatedTransaction.objects.filter(hash=paid).update(gone=False)
    testing.confirm(session, DEPTH)

    assert (session.status, named(session)) == ("paid", (paid, DEPTH))


def test_another_token_that_came_first(session):
    other = testing.pay(session, "1", currency="USDC")
    testing.confirm(session, 2)
    assert named(session) == (other, 2)

    paid = testing.pay(session)
    testing.confirm(session, DEPTH)

    assert (session.status, named(session)) == ("paid", (paid, DEPTH))


def test_one_that_an_operator_gave_to_an_earlier_session(cast, settings):
    settings.SESSION_COOL_DOWN_MINUTES = 0
    early = testing.open_session(cast.merchant, "100")
    long_ago = timezone.now() - timedelta(hours=1)
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1), created_at=long_ago)
    testing.confirm(early, 1)
    later = testing.open_session(cast.merchant, "70", fresh=False)
    paid = testing.pay(early)
    testing.confirm(later, 2)
    assert (named(early), named(later)) == ((None, 0), (paid, 2))

    claim_transaction(
        actor=Actor(cast.super_admin, "panel"), session=early, transaction_hash=paid, claimed_by=cast.super_admin
    )
    watcher.watch_network("BSC", "test")
    testing.confirm(later)

    assert (fresh(early).status, named(early)) == ("paid", (paid, 2 + DEPTH))
    assert (later.status, named(later)) == ("pending", (None, 0))
    assert_ledger_balances()
