"""Money on its way out, whole stories: paid in, swept, withdrawn, and chain and books agree to the unit at the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.actors import Actor
from crypto.chains.registry import chain_for
from crypto.chains.simulated import control
from crypto.chains.simulated.chain import SimulatedChain
from crypto.models import (
    Attempt,
    ChainTransaction,
    DepositAddress,
    GasFunding,
    HotWallet,
    Outgoing,
    Sweep,
    Token,
    Withdrawal,
)
from crypto.services.outgoing_ends import give_up_outgoing
from crypto.services.reconciling import reconcile
from crypto.tests.chain_house import ONE, OUTSIDE, assert_exact, open_house, own, receive, settle_down, step, withdraw
from ledger.models import Posting
from ledger.testing import assert_ledger_balances

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("code", ["BSC", "ETH", "TRX", "SOL"])
def test_paid_in_swept_and_withdrawn(cast, signer, network, code):
    chain_network = network(code)
    open_house(chain_network)
    address = receive(cast.merchant, chain_network, 100 * ONE)

    settle_down(code)
    sweep = Sweep.objects.get()
    withdrawal = withdraw(cast.merchant, 40 * ONE, code)
    assert own(cast.merchant, code) == (60 * ONE, 40 * ONE)
    settle_down(code)

    withdrawal.refresh_from_db()
    address.refresh_from_db()
    assert (sweep.status, sweep.amount_minor, sweep.funding is not None) == ("swept", 100 * ONE, True)
    assert (address.received_minor, address.swept_minor, address.sweep_status) == (100 * ONE, 100 * ONE, "swept")
    assert (withdrawal.status, withdrawal.fee_minor) == ("completed", 4_000_000)
    token = Token.objects.get(network=code, mode="test", currency="USDT")
    chain = chain_for(chain_network, "test")
    wallet = HotWallet.objects.get(network=code, mode="test").address
    unit = 10**token.decimals
    assert chain.token_balance(OUTSIDE[code], token.contract) == 3996 * unit // 100
    assert chain.token_balance(wallet, token.contract) == 6004 * unit // 100
    assert own(cast.merchant, code) == (60 * ONE, 0)
    assert sorted(ChainTransaction.objects.values_list("type", "status", "merchant")) == [
        ("incoming", "confirmed", cast.merchant.pk), ("outgoing", "confirmed", cast.merchant.pk),
        ("sweep", "confirmed", cast.merchant.pk),
    ]
    assert Attempt.objects.count() == 3  # gas, sweep, withdrawal
    assert_exact(code)


def test_an_address_below_the_minimum_is_left_until_a_withdrawal_needs_it(cast, signer, network):
    bsc = network("BSC")
    open_house(bsc)
    receive(cast.merchant, bsc, 3 * ONE)
    settle_down("BSC")
    assert not Sweep.objects.exists()

    withdrawal = withdraw(cast.merchant, 2 * ONE)
    step("BSC")
    outgoing = Outgoing.objects.get()
    assert (outgoing.status, outgoing.waits_for, outgoing.nonce) == ("waiting", "tokens", None)
    settle_down("BSC")

    withdrawal.refresh_from_db()
    assert (withdrawal.status, Sweep.objects.get().amount_minor) == ("completed", 3 * ONE)
    assert_exact("BSC")


def test_both_tokens_of_an_address_are_swept_one_after_the_other_with_their_dust(cast, signer, network):
    bsc = network("BSC")
    open_house(bsc)
    address = receive(cast.merchant, bsc, 10 * ONE, dust=7)
    address = receive(cast.merchant, bsc, 20 * ONE, currency="USDC", address=address)

    settle_down("BSC")
    settle_down("BSC")

    address.refresh_from_db()
    assert list(Sweep.objects.order_by("pk").values_list("token__currency", "status", "raw_units")) == [
        ("USDT", "swept", str(10 * 10**18 + 7)), ("USDC", "swept", str(20 * 10**18)),
    ]
    assert address.held_minor == 0
    assert_exact("BSC")


def test_less_on_the_chain_than_in_the_books_is_not_swept_and_says_so(cast, signer, network):
    bsc = network("BSC")
    open_house(bsc)
    address = receive(cast.merchant, bsc, 10 * ONE)
    ChainTransaction.objects.filter(address=address).update(raw_units=str(11 * 10**18))

    step("BSC")
    step("BSC")

    sweep = Sweep.objects.get()
    assert (sweep.status, sweep.outgoing) == ("pending", None)
    assert "are expected" in sweep.failure
    assert not Outgoing.objects.exists()


def test_a_sweep_that_fails_on_chain_is_tried_again_later_and_its_gas_is_booked(cast, signer, network, settings):
    bsc = network("BSC")
    open_house(bsc)
    address = receive(cast.merchant, bsc, 10 * ONE)
    while not Outgoing.objects.filter(purpose="gas", status="confirmed").exists():
        step("BSC", blocks=40)
    control.fail_ours("BSC")
    settle_down("BSC")
    address.refresh_from_db()
    assert (Sweep.objects.get().status, address.sweep_status, address.swept_minor) == ("failed", "failed", 0)
    assert ChainTransaction.objects.get(type="sweep").status == "failed"
    assert_exact("BSC")

    control.reliable("BSC")
    step("BSC")
    assert Sweep.objects.count() == 1  # it rests
    settings.SWEEP_RETRY_SECONDS = 0
    step("BSC")
    settle_down("BSC")

    address.refresh_from_db()
    assert (address.swept_minor, GasFunding.objects.count() >= 1) == (10 * ONE, True)
    assert_exact("BSC")


def test_a_withdrawal_that_fails_on_chain_is_released(cast, signer, network):
    bsc = network("BSC")
    open_house(bsc)
    receive(cast.merchant, bsc, 100 * ONE)
    settle_down("BSC")
    withdrawal = withdraw(cast.merchant, 40 * ONE)
    control.fail_ours("BSC")

    settle_down("BSC")

    withdrawal.refresh_from_db()
    assert (withdrawal.status, withdrawal.failure_code) == ("failed", "not_sent")
    assert own(cast.merchant) == (100 * ONE, 0)
    kinds = Posting.objects.filter(reference__startswith=f"crypto:withdrawal:{withdrawal.pk}").values_list("kind", flat=True)
    assert sorted(kinds) == ["withdrawal.hold", "withdrawal.release"]
    assert ChainTransaction.objects.get(type="outgoing").status == "failed"
    assert_exact("BSC")


def test_many_withdrawals_leave_in_the_order_of_their_nonces(cast, signer, network):
    bsc = network("BSC")
    open_house(bsc)
    receive(cast.merchant, bsc, 1000 * ONE)
    settle_down("BSC")
    rows = [withdraw(cast.merchant, 10 * ONE) for _ in range(12)]

    settle_down("BSC")

    assert set(Withdrawal.objects.values_list("status", flat=True)) == {"completed"}
    sent = Outgoing.objects.filter(purpose="withdrawal").order_by("nonce").values_list("nonce", "withdrawal")
    first = sent[0][0]
    assert list(sent) == [(first + index, row.pk) for index, row in enumerate(rows)]
    assert own(cast.merchant) == (880 * ONE, 0)
    assert DepositAddress.objects.filter(swept_minor__gt=0).count() == 1
    assert_exact("BSC")


def test_what_moved_something_else_has_cost_its_fee_when_it_is_given_up(cast, signer, network, monkeypatch):
    """Else the network's coin differs by it for ever."""
    bsc = network("BSC")
    open_house(bsc)
    receive(cast.merchant, bsc, 100 * ONE)
    settle_down("BSC")
    withdrawal = withdraw(cast.merchant, 40 * ONE)
    true_receipt = SimulatedChain.receipt

    def other(chain, name):
        found = true_receipt(chain, name)
        return found and replace(found, transfers=tuple(replace(one, units=5) for one in found.transfers))

    monkeypatch.setattr(SimulatedChain, "receipt", other)
    for _ in range(4):
        step("BSC", blocks=40)
    withdrawal.refresh_from_db()
    outgoing = withdrawal.outgoing
    assert (outgoing.flag, outgoing.fee_raw, int(outgoing.taken_raw) > 0) == ("otherwise", "", True)
    assert not Posting.objects.filter(reference=f"crypto:gas:{outgoing.pk}").exists()
    give_up_outgoing(actor=Actor(cast.super_admin, "panel"), outgoing=outgoing, note="Looked at the chain")

    outgoing.refresh_from_db()
    withdrawal.refresh_from_db()
    assert (outgoing.status, outgoing.fee_raw, withdrawal.status) == ("failed", outgoing.taken_raw, "failed")
    assert Posting.objects.filter(reference=f"crypto:gas:{outgoing.pk}").count() == 1
    assert own(cast.merchant) == (100 * ONE, 0)
    (coin,) = (row for row in reconcile(("test",), ("BSC",)) if row.currency == "BNB")
    assert (coin.is_exact, coin.difference) == (True, 0), str(coin)
    assert_ledger_balances()
