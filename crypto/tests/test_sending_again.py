"""A node that forgot a form of which there can be no dearer one gets the same bytes again: its nonce never blocks the
wallet."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from crypto.chains.base import NodeWrong, Refused
from crypto.models import Attempt, Sender
from crypto.services.outgoing_ends import give_up_outgoing
from crypto.tests.chain_house import ONE, own, withdraw
from crypto.tests.test_sending import chain, drive, finish, the  # noqa: F401
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db


def grow_old(chain):
    """As after hours, at a node that keeps nothing so long."""
    Attempt.objects.update(signed_at=timezone.now() - timedelta(hours=2))
    chain.known.clear()
    return len(chain.asked)


def assert_sent_again_and_ends_well(cast, chain, withdrawal, asked):
    newest = the(withdrawal).attempts.order_by("-number")[0].transaction_hash
    assert chain.asked[asked:] == [newest]  # once, since the node knows it from then on
    later = withdraw(cast.merchant, 50 * ONE)
    drive()
    assert (the(later).status, the(later).nonce) == ("sent", 1)
    finish(chain, the(withdrawal))
    finish(chain, the(later))
    withdrawal.refresh_from_db()
    later.refresh_from_db()
    assert (withdrawal.status, later.status, own(cast.merchant)) == ("completed", "completed", (850 * ONE, 0))
    assert_ledger_balances()


def test_the_last_of_twelve_forms(cast, chain, settings):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    settings.OUTGOING_REPLACE_SECONDS = 0
    drive(14)
    settings.OUTGOING_REPLACE_SECONDS = 300
    assert (Attempt.objects.count(), the(withdrawal).flag) == (12, "stuck")

    asked = grow_old(chain)
    drive(5)

    assert (Attempt.objects.count(), the(withdrawal).flag) == (12, "stuck")
    assert_sent_again_and_ends_well(cast, chain, withdrawal, asked)


def test_a_form_whose_sender_cannot_pay_a_dearer_one(cast, chain):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive(2)
    chain.coins = 999  # a form costs 1000 at most

    asked = grow_old(chain)
    drive(5)

    assert (Attempt.objects.count(), the(withdrawal).status, the(withdrawal).waits_for) == (1, "sent", "gas")
    chain.coins = 10**30
    Attempt.objects.update(signed_at=timezone.now())
    assert_sent_again_and_ends_well(cast, chain, withdrawal, asked)


@pytest.mark.parametrize("trouble", [
    Refused("would fail: execution reverted"), NodeWrong("asks more than this network's ceiling")
])
def test_a_form_that_has_no_dearer_one(cast, chain, monkeypatch, trouble):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()

    def fee(payment, *, beyond=None):
        raise trouble

    with monkeypatch.context() as patched:
        patched.setattr(chain, "fee", fee)
        asked = grow_old(chain)
        drive(5)

    assert (Attempt.objects.count(), the(withdrawal).status) == (1, "sent")
    Attempt.objects.update(signed_at=timezone.now())
    assert_sent_again_and_ends_well(cast, chain, withdrawal, asked)


def test_a_stuck_one_whose_nonce_an_operators_own_wallet_used_can_be_given_up(cast, chain, settings):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    drive()
    settings.OUTGOING_REPLACE_SECONDS = 0
    drive(14)
    assert the(withdrawal).flag == "stuck"
    chain.foreign_nonces = 1  # a cancellation that offered more than our ceiling

    drive(5)

    assert (the(withdrawal).flag, Sender.objects.get().stopped_at is not None) == ("foreign", True)
    assert own(cast.merchant) == (900 * ONE, 100 * ONE)
    root = Actor(cast.super_admin, "panel")
    give_up_outgoing(actor=root, outgoing=the(withdrawal), note="Cancelled by hand")
    withdrawal.refresh_from_db()
    assert (withdrawal.status, own(cast.merchant)) == ("failed", (1000 * ONE, 0))
    assert_ledger_balances()
