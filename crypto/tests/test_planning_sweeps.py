"""Which addresses a look at them plans sweeps for: those that hold enough of a token, however many hold too little."""

from __future__ import annotations

import pytest

from crypto import testing
from crypto.models import DepositAddress, Outgoing, Sweep, Token
from crypto.services.sweeps import plan_sweeps
from crypto.tests.chain_house import ONE, open_house, receive

pytestmark = pytest.mark.django_db


def address(index):
    return DepositAddress.objects.get(network="BSC", index=index)


@pytest.fixture
def crowded(cast, signer, network):
    """Two addresses with 4 USDT and 4 USDC, each below its token's minimum of 5; behind them one with 6 USDT, one with
    3 USDC."""
    bsc = network("BSC")
    open_house(bsc)
    testing.add_addresses("BSC", 3)
    for index in (0, 1):
        receive(cast.merchant, bsc, 4 * ONE, address=address(index))
        receive(cast.merchant, bsc, 4 * ONE, currency="USDC", address=address(index))
    receive(cast.merchant, bsc, 6 * ONE, address=address(2))
    return bsc


def planned():
    return sorted(Sweep.objects.values_list("address__index", "token__currency", "amount_minor"))


def test_those_that_hold_too_little_of_each_token_hide_nobody(crowded):
    assert plan_sweeps(limit=2) == 1

    assert planned() == [(2, "USDT", 6 * ONE)]


def test_nor_those_without_the_token_that_a_withdrawal_waits_for(cast, signer, network):
    bsc = network("BSC")
    open_house(bsc)
    for index in (0, 1):
        receive(cast.merchant, bsc, 4 * ONE, address=address(index))
    receive(cast.merchant, bsc, 3 * ONE, currency="USDC", address=address(2))
    Outgoing.objects.create(
        purpose="withdrawal", network=bsc, mode="test", sender="0x1", sender_index=-1, recipient="0x2",
        token=Token.objects.get(network=bsc, mode="test", currency="USDC"), raw_units="1", waits_for="tokens",
    )

    assert plan_sweeps(limit=2) == 1

    assert planned() == [(2, "USDC", 3 * ONE)]


def test_what_was_swept_of_one_token_is_not_counted_for_the_other(cast, crowded):
    usdt = Token.objects.get(network=crowded, mode="test", currency="USDT")
    Sweep.objects.create(
        address=address(2), token=usdt, mode="test", status="swept", amount_minor=6 * ONE, raw_units=str(6 * 10**18)
    )
    DepositAddress.objects.filter(pk=address(2).pk).update(swept_minor=6 * ONE)
    receive(cast.merchant, crowded, 5 * ONE, currency="USDC", address=address(2))

    assert plan_sweeps(limit=2) == 1

    assert planned() == [(2, "USDC", 5 * ONE), (2, "USDT", 6 * ONE)]


def wait_for(minor, currency="USDT"):
    token = Token.objects.get(network="BSC", mode="test", currency=currency)
    Outgoing.objects.create(
        purpose="withdrawal", network_id="BSC", mode="test", sender="0x1", sender_index=-1, recipient="0x2",
        token=token, raw_units=str(minor * 10**10), waits_for="tokens",
    )


@pytest.fixture
def small(cast, signer, network):
    """Four addresses below the minimum of 5 USDT: 1, 4, 2 and 3."""
    bsc = network("BSC")
    open_house(bsc)
    testing.add_addresses("BSC", 1)
    for index, whole in enumerate((1, 4, 2, 3)):
        receive(cast.merchant, bsc, whole * ONE, address=address(index))


def test_below_the_minimum_only_as_many_are_swept_as_a_withdrawal_waits_for(small):
    wait_for(5 * ONE)

    assert plan_sweeps() == 2
    assert planned() == [(1, "USDT", 4 * ONE), (3, "USDT", 3 * ONE)]
    assert plan_sweeps() == 0  # they are on their way

    wait_for(3 * ONE)
    assert plan_sweeps() == 1
    assert planned() == [(1, "USDT", 4 * ONE), (2, "USDT", 2 * ONE), (3, "USDT", 3 * ONE)]


def test_a_sweep_that_cannot_go_brings_nothing(small):
    wait_for(4 * ONE)
    assert plan_sweeps() == 1
    Sweep.objects.update(failure="The chain shows 0 units, 4 are expected")

    assert plan_sweeps() == 2

    assert planned() == [(1, "USDT", 4 * ONE), (2, "USDT", 2 * ONE), (3, "USDT", 3 * ONE)]
