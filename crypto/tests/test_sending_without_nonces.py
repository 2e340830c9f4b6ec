"""The engine on a chain without nonces: a form is dead only when its time has passed and it was never mined."""

from __future__ import annotations

import pytest

from crypto.chains.base import NodeTimeout, Refused
from crypto.models import Attempt, HotWallet, Network
from crypto.tests import scripted_chain
from crypto.tests.chain_house import ONE, OUTSIDE, own, withdraw
from crypto.tests.test_sending import drive, finish, the, use
from ledger.testing import assert_ledger_balances, fund

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain_without_nonces(monkeypatch, settings, cast):
    wallet = "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf"
    HotWallet.objects.create(network=Network.objects.get(code="TRX"), mode="test", address=wallet)
    fund(cast.merchant, 1000 * ONE, currency="USDT", network="TRX")
    return use(monkeypatch, settings, scripted_chain.ScriptedChain(uses_nonces=False))



def test_without_nonces_a_new_form_only_when_the_old_one_is_dead_and_was_never_mined(cast, chain_without_nonces):
    chain = chain_without_nonces
    chain.answers = [NodeTimeout("lost")]
    withdrawal = withdraw(cast.merchant, 100 * ONE, "TRX", address=OUTSIDE["TRX"])
    drive(3)
    assert (Attempt.objects.count(), len(set(chain.asked))) == (1, 1)
    dead = Attempt.objects.get().dead_after_height
    chain.known.clear()
    chain.head = dead + 19  # dead, not deep enough
    drive(3)
    assert Attempt.objects.count() == 1
    chain.head += 1
    drive()
    assert Attempt.objects.count() == 1  # one look is not enough
    drive()

    assert Attempt.objects.count() == 2
    finish(chain, the(withdrawal))
    withdrawal.refresh_from_db()
    assert (withdrawal.status, own(cast.merchant, "TRX")) == ("completed", (900 * ONE, 0))
    assert_ledger_balances()


def test_without_nonces_what_was_mined_at_the_last_moment_is_found(cast, chain_without_nonces):
    chain = chain_without_nonces
    chain.answers = [(NodeTimeout("lost"),)]
    withdrawal = withdraw(cast.merchant, 100 * ONE, "TRX", address=OUTSIDE["TRX"])
    drive()
    chain.mine(chain.asked[0], blocks=100)

    drive()

    withdrawal.refresh_from_db()
    assert (withdrawal.status, Attempt.objects.count()) == ("completed", 1)


def test_without_nonces_what_is_always_refused_ends_released_after_its_end(cast, chain_without_nonces):
    chain = chain_without_nonces
    chain.answers = [Refused("bad", "other")] * 50
    withdrawal = withdraw(cast.merchant, 100 * ONE, "TRX", address=OUTSIDE["TRX"])
    drive(8)
    assert own(cast.merchant, "TRX") == (900 * ONE, 100 * ONE)
    chain.head += 100

    drive(3)

    withdrawal.refresh_from_db()
    assert (withdrawal.status, own(cast.merchant, "TRX")) == ("failed", (1000 * ONE, 0))
    assert_ledger_balances()
