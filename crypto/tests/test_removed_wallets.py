"""A wallet taken off the list of withdrawal addresses: what has not begun is not sent there, and its money is free again."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord
from crypto.errors import AddressRemoved
from crypto.models import HotWallet, Outgoing, WithdrawalAddress
from crypto.services import withdrawal_steps
from crypto.services.allow_list import remove_address
from crypto.services.withdrawals import approve_withdrawal, reject_withdrawal
from crypto.tests.chain_house import ONE, own
from crypto.tests.test_withdrawals import THERE, ask, listed, rich  # noqa: F401
from gateway.lib.errors import InvalidFields
from gateway.lib.money import Money
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db


@pytest.fixture
def hot():
    """What withdrawals are sent from: without it none would begin."""
    HotWallet.objects.create(network_id="BSC", mode="test", address="0xde709f2102306220921060314715629080e2fb77")


def take_off(cast, row):
    remove_address(actor=Actor(cast.merchant_user, "panel"), address=row)


def assert_refused_and_released(cast, row):
    withdrawal_steps.drive_withdrawals()
    row.refresh_from_db()
    assert (row.status, row.failure_code) == ("failed", "address_removed")
    assert row.failure_reason.startswith("The wallet was taken off the list")
    assert (row.outgoing, Outgoing.objects.count(), own(cast.merchant)) == (None, 0, (5000 * ONE, 0))
    assert_ledger_balances()


def test_what_has_not_begun_is_not_sent_to_a_wallet_that_was_taken_off_the_list(cast, rich, hot):
    wallet = listed(cast)
    row = ask(cast)
    take_off(cast, wallet)

    assert_refused_and_released(cast, row)
    with pytest.raises(InvalidFields, match="is not on your list"):
        ask(cast)  # in test mode either, though the list is empty again
    listed(cast)
    row = ask(cast)
    withdrawal_steps.drive_withdrawals()
    row.refresh_from_db()
    assert row.status == "processing"


def test_a_wallet_that_was_taken_off_the_list_is_not_approved(cast, rich):
    wallet = listed(cast)
    row = ask(cast, amount=Money(2000 * ONE, "USDT"))
    take_off(cast, wallet)

    with pytest.raises(AddressRemoved, match="nothing is sent there any more"):
        approve_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row)

    row.refresh_from_db()
    assert (row.status, row.approved_at, row.due_at) == ("pending", None, None)
    assert own(cast.merchant) == (3000 * ONE, 2000 * ONE)
    assert not AuditRecord.objects.filter(action="withdrawal.approved").exists()
    reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row, reason="Taken off the list")
    assert own(cast.merchant) == (5000 * ONE, 0)


def test_a_wallet_that_is_taken_off_after_the_approval_gets_nothing(cast, rich, hot):
    wallet = listed(cast)
    row = ask(cast, amount=Money(2000 * ONE, "USDT"))
    approve_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row)
    take_off(cast, wallet)

    assert_refused_and_released(cast, row)


def test_a_wallet_listed_anew_waits_anew_for_what_was_asked_before_too(cast, rich, hot):
    wallet = listed(cast)
    row = ask(cast)
    take_off(cast, wallet)
    listed(cast)
    WithdrawalAddress.objects.filter(removed_at=None).update(usable_from=timezone.now() + timedelta(hours=1))

    assert_refused_and_released(cast, row)


def test_what_has_begun_goes_on_when_its_wallet_is_taken_off(cast, rich, hot):
    wallet = listed(cast)
    row = ask(cast)
    withdrawal_steps.drive_withdrawals()
    take_off(cast, wallet)

    withdrawal_steps.drive_withdrawals()

    row.refresh_from_db()
    assert (row.status, Outgoing.objects.get().recipient, own(cast.merchant)) == (
        "processing", THERE, (4990 * ONE, 10 * ONE)
    )
