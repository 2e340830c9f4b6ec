"""What keeps an intent from being signed is said as it is, and is told to a person once it does not pass by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor, Viewer
from crypto import keys, sending
from crypto.chains.base import NodeDown, Refused, TooDear
from crypto.models import Attempt, HotWallet, Network, Outgoing
from crypto.queries.sending import odd_outgoing, wait_words
from crypto.services.withdrawals import reject_withdrawal
from crypto.tests import scripted_chain
from crypto.tests.chain_house import ONE, everything_is_due, own, withdraw
from ledger.testing import assert_ledger_balances, fund

pytestmark = pytest.mark.django_db
WALLET = "0x27b1fdb04752bbc536007a920d24acb045561c26"


@pytest.fixture
def chain(monkeypatch, settings, cast):
    settings.PROCESS = "signer"
    HotWallet.objects.create(network=Network.objects.get(code="BSC"), mode="test", address=WALLET)
    fund(cast.merchant, 1000 * ONE, currency="USDT", network="BSC")
    chain = scripted_chain.ScriptedChain()
    monkeypatch.setattr(keys, "sign", scripted_chain.sign)
    monkeypatch.setattr(sending, "chain_for", lambda network, mode: chain)
    return chain


def drive():
    from crypto.services import withdrawal_steps

    everything_is_due()
    withdrawal_steps.drive_withdrawals()
    sending.drive_outgoing(limit=5)


def raises(error):
    def ask(*_, **__):
        raise error

    return ask


@pytest.mark.parametrize(("error", "waits", "goes_on"), [
    (Refused("would fail: account is blocked"), "refused", False),
    (TooDear("asks 9 wei for a transaction, above this network's ceiling"), "fee", True),
    (keys.KeysMissing("Set CRYPTO_MNEMONIC"), "keys", False),
    (NodeDown("connection refused"), "node", True),
])
def test_each_obstacle_has_its_own_word(cast, chain, monkeypatch, error, waits, goes_on):
    monkeypatch.setattr(chain, "fee", raises(error))
    withdraw(cast.merchant, 100 * ONE)
    drive()

    row = Outgoing.objects.get()
    assert (row.status, row.waits_for, row.failure) == ("waiting", waits, str(error))
    assert wait_words(row).endswith("by itself.") is goes_on
    monkeypatch.undo()


def test_what_would_fail_can_be_rejected_and_leaves_no_nonce_behind(cast, chain, monkeypatch):
    withdrawal = withdraw(cast.merchant, 100 * ONE)
    with monkeypatch.context() as patched:
        patched.setattr(chain, "fee", raises(Refused("would fail: account is blocked")))
        drive()
        withdrawal.refresh_from_db()
        reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=withdrawal, reason="The wallet is blocked")
    assert (Outgoing.objects.get().status, own(cast.merchant)) == ("failed", (1000 * ONE, 0))

    later = withdraw(cast.merchant, 50 * ONE)
    drive()

    later.refresh_from_db()
    assert (later.outgoing.status, later.outgoing.nonce, later.outgoing.failure) == ("sent", 0, "")
    assert_ledger_balances()


def test_the_words_are_gone_once_it_is_signed(cast, chain, monkeypatch):
    withdraw(cast.merchant, 100 * ONE)
    with monkeypatch.context() as patched:
        patched.setattr(chain, "fee", raises(TooDear("asks 9 wei")))
        drive()

    drive()

    row = Outgoing.objects.get()
    assert (row.status, row.waits_for, row.failure, Attempt.objects.count()) == ("sent", "", "", 1)


def test_a_hot_wallet_without_coin_is_told_to_a_person_after_a_while(cast, chain):
    chain.coins = 0
    withdraw(cast.merchant, 100 * ONE)
    drive()
    house = Viewer(cast.super_admin, "test")
    assert (Outgoing.objects.get().waits_for, odd_outgoing(house).count()) == ("gas", 0)
    assert not odd_outgoing(Viewer(cast.merchant_user, "test"))

    Outgoing.objects.update(created_at=timezone.now() - timedelta(minutes=16))

    assert odd_outgoing(house).count() == 1
    Outgoing.objects.update(waits_for="turn")
    assert odd_outgoing(house).count() == 0
