"""An address that had two merchants, with money of the first that came late: each is shown its own, and no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Viewer
from crypto import testing
from crypto.bsc_testing import look, transaction
from crypto.chains.simulated import control
from crypto.models import ChainTransaction, DepositAddress, Session, Sweep
from crypto.queries.addresses import address_totals, records_of, visible_addresses
from crypto.services.sweeps import end_sweep, plan_sweeps
from gateway.contracts.dashboard.answers.addresses import address as address_answer
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db
ONE = 10**8


@pytest.fixture
def reused(cast, settings):
    """(address, the second merchant's session): 100 of the first one's came back to it afterwards."""
    settings.SESSION_COOL_DOWN_MINUTES = 0
    first = testing.open_session(cast.merchant, "100")
    look()
    paid = testing.pay(first)
    control.mine("BSC", 2)
    look()
    control.reorganise("BSC", 2, drop=[paid])
    look()
    long_ago = timezone.now() - timedelta(hours=1)
    ChainTransaction.objects.update(updated_at=long_ago)  # it is not waited for any more
    Session.objects.filter(pk=first.pk).update(expires_at=long_ago, created_at=long_ago)
    testing.confirm(first, 1)
    second = testing.open_session(cast.other, "50", fresh=False)
    assert (first.status, second.address_id) == ("expired", first.address_id)
    control.SimulatedTransaction.objects.filter(hash=paid).update(gone=False)
    control.mine("BSC", 14)
    look(2)
    ChainTransaction.objects.update(checked_at=timezone.now() - timedelta(minutes=2))
    look(2)
    assert (transaction().status, transaction().merchant) == ("confirmed", cast.merchant)
    return DepositAddress.objects.get(), second


def shown(user):
    viewer = Viewer(user, "test")
    record, = records_of(viewer, list(visible_addresses(viewer)))
    totals = address_totals(visible_addresses(viewer))
    assert (totals.held_minor, totals.with_balance) == (record.held_minor, int(record.held_minor > 0))
    answer = address_answer(record)["balance"]
    assert float(answer["total_swept"]) == record.swept_minor / ONE
    return record.received_minor // ONE, record.held_minor // ONE, record.swept_minor // ONE


def test_nobody_is_shown_anothers_money_and_nothing_is_less_than_nothing(cast, reused):
    assert shown(cast.other_user) == (0, 0, 0)
    assert shown(cast.merchant_user) == (100, 0, 100)  # what lies where another one is now is not counted as held
    assert shown(cast.super_admin) == (100, 100, 0)

    testing.pay(reused[1])
    testing.confirm(reused[1])

    assert shown(cast.other_user) == (50, 50, 0)
    assert shown(cast.super_admin) == (150, 150, 0)


def test_a_sweep_is_of_the_merchant_whose_transfers_it_takes(cast, reused):
    plan_sweeps()
    sweep = Sweep.objects.get()
    assert (sweep.merchant, sweep.amount_minor) == (cast.merchant, 100 * ONE)
    Sweep.objects.update(status="sending")
    sweep.refresh_from_db()
    end_sweep(sweep=sweep, swept=True)
    testing.pay(reused[1])
    testing.confirm(reused[1])

    plan_sweeps()

    later = Sweep.objects.exclude(pk=sweep.pk).get()
    assert (later.merchant, later.amount_minor) == (cast.other, 50 * ONE)
    assert_ledger_balances()


def test_a_sweep_of_two_merchants_money_is_shown_to_neither(cast, reused):
    testing.pay(reused[1])
    testing.confirm(reused[1])

    plan_sweeps()

    assert (Sweep.objects.get().merchant, Sweep.objects.get().amount_minor) == (None, 150 * ONE)
