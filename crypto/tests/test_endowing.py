"""What the house brings: the demo's coins exist in the books at once and on the chain once there is a hot wallet."""

from __future__ import annotations

import pytest

from crypto import sending
from crypto.chains.registry import chain_for
from crypto.chains.simulated import control
from crypto.models import Endowment, HotWallet, Token
from crypto.services.endowing import endow_merchant, give_gas, mint_what_is_due
from crypto.services.reconciling import reconcile
from crypto.tests.chain_house import ONE, assert_exact, open_house, own, receive, settle_down, withdraw
from gateway.lib.money import Money
from gateway.lib.racing import together


def endow(cast, network, reference="demo"):
    endow_merchant(merchant=cast.merchant, network=network, amount=Money(1000 * ONE, "USDT"), reference=reference)


def on_chain(bsc):
    token = Token.objects.get(network=bsc, mode="test", currency="USDT")
    return chain_for(bsc, "test").token_balance(HotWallet.objects.get(network=bsc, mode="test").address, token.contract)


def test_the_balance_is_there_before_the_signer_and_the_coins_after_it(cast, signer, network, db):
    bsc = network("BSC")
    endow(cast, bsc)
    endow(cast, bsc)  # once

    assert own(cast.merchant) == (1000 * ONE, 0)
    assert mint_what_is_due() == 0  # nobody knows the hot wallet
    open_house(bsc)
    assert [str(row) for row in reconcile(("test",)) if not row.is_exact] == []  # it says what is promised

    assert sending.drive_outgoing() == 0
    control.mine("BSC")
    assert (mint_what_is_due(), on_chain(bsc)) == (0, 1000 * 10**18)
    assert_exact("BSC")


def test_the_demo_s_money_can_be_withdrawn(cast, signer, network, db):
    bsc = network("BSC")
    endow(cast, bsc)
    open_house(bsc)

    withdrawal = withdraw(cast.merchant, 1000 * ONE)
    settle_down("BSC")

    withdrawal.refresh_from_db()
    assert (withdrawal.status, own(cast.merchant), on_chain(bsc)) == ("completed", (0, 0), 10**18)
    assert_exact("BSC")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_signers_mint_once(cast, signer, network):
    bsc = network("BSC")
    endow(cast, bsc)
    open_house(bsc)

    assert sorted(together(4, lambda _: mint_what_is_due())) == [0, 0, 0, 1]

    control.mine("BSC")
    assert on_chain(bsc) == 1000 * 10**18
    assert_exact("BSC")


def test_gas_is_given_on_demand_and_is_the_house_s(cast, signer, network, db):
    bsc = network("BSC")
    open_house(bsc)
    give_gas(network=bsc, mode="test", address=HotWallet.objects.get(network=bsc, mode="test").address)
    control.mine("BSC")

    assert Endowment.objects.get().amount_minor == 10**9
    assert_exact("BSC")


def test_a_difference_is_told_with_its_size(cast, signer, network, db, capsys):
    from django.core.management import CommandError, call_command

    bsc = network("BSC")
    open_house(bsc)
    address = receive(cast.merchant, bsc, 10 * ONE)
    assert_exact("BSC")
    control.pay("BSC", currency="USDT", recipient=HotWallet.objects.get(network=bsc, mode="test").address, units=5)
    control.mine("BSC")

    with pytest.raises(CommandError, match="1 of 3"):
        call_command("reconcile_chain", "--network", "BSC")

    said = capsys.readouterr().out
    assert "USDT on BSC (test): on chain 10.000000000000000005, in the books 10: DIFFERS by 0.000000000000000005" in said
    assert address.held_minor == 10 * ONE


def test_a_node_that_does_not_answer_is_no_proof(cast, signer, network, db):
    bsc = network("BSC")
    open_house(bsc)
    control.unreliable("BSC", rate=1.0, kinds=("timeout",))

    (row,) = reconcile(("test",))

    assert (row.is_exact, row.trouble) == (False, "no answer within 10 s")
