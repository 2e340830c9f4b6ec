"""An address behind which another chain's node appears, and a chain that is dear: neither is taken for something else."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto import testing, watcher
from crypto.bsc_testing import fresh, look, state
from crypto.chains import nodes
from crypto.chains.base import NodeDown, NodeWrong, TooDear
from crypto.chains.simulated.chain import SimulatedChain
from crypto.models import BlockMark, ChainTransaction, RpcNode
from crypto.tests.test_evm import ME, Payment, chain_on, evm, world  # noqa: F401

pytestmark = pytest.mark.django_db


def switch(world, chain_id):
    world.hook = lambda method, _: [hex(chain_id)] if method == "eth_chainId" else None


def test_which_chain_it_is_is_asked_again_after_a_minute(world, evm, monkeypatch):
    evm.height()
    evm.height()
    assert world.server.calls.count("eth_chainId") == 1
    switch(world, 1)
    evm.height()

    now = nodes.time.monotonic()
    monkeypatch.setattr(nodes.time, "monotonic", lambda: now + 61)
    with pytest.raises(NodeWrong, match="is of chain 1"):
        evm.height()

    assert world.server.calls.count("eth_chainId") == 2
    assert world.server.calls[-1] == "eth_chainId"  # and nothing else is asked
    switch(world, world.chain_id)
    assert evm.height() == world.w3.eth.block_number


def test_it_is_asked_at_once_when_something_is_about_to_be_believed_gone(world, evm):
    evm.height()
    switch(world, 1)

    evm.check_again()

    with pytest.raises(NodeWrong, match="is of chain 1"):
        evm.block(0)


def test_a_height_that_leaps_is_not_kept_until_the_chain_is_proven(world, evm):
    true = evm.height()
    world.hook = lambda method, _: {"eth_chainId": ["0x1"], "eth_blockNumber": [hex(60_000_000)]}.get(method)

    with pytest.raises(NodeWrong, match=f"leapt from {true} to 60000000"):
        evm.height()
    with pytest.raises(NodeWrong, match="is of chain 1"):
        evm.height()

    world.hook, evm.nodes._nodes[0].rests_until = None, 0
    assert evm.height() == true
    world.hook = lambda method, _: [hex(true + 5000)] if method == "eth_blockNumber" else None
    evm.check_again()  # as after hours without a question
    assert evm.height() == true + 5000


def test_another_chains_blocks_are_no_reorganisation(cast, monkeypatch):
    """What lies above stays as it is: pending is not orphaned, confirmed is not flagged."""
    session = testing.confirm(testing.open_session(cast.merchant, "100"), 1)
    testing.pay(session)
    testing.confirm(session, 3)
    before = (state().scanned_height, list(BlockMark.objects.order_by("height").values_list("height", "hash")))
    true_block = SimulatedChain.block

    def other_block(chain, height):
        return replace(true_block(chain, height), hash=f"0xother{height}")

    def refuse(chain):
        raise NodeWrong("is of chain 1, not 56")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedChain, "block", other_block)
        patched.setattr(SimulatedChain, "receipt", lambda *_: None)
        patched.setattr(SimulatedChain, "check_again", refuse)
        watcher.watch_network("BSC", "test")
    marks = list(BlockMark.objects.order_by("height").values_list("height", "hash"))
    assert (state().scanned_height, marks) == before
    assert ChainTransaction.objects.get().status == "pending"

    testing.confirm(session)
    look()
    assert (fresh(session).status, session.flags) == ("paid", [])


def test_an_address_that_was_switched_for_a_moment_is_no_reorganisation(cast, monkeypatch):
    session = testing.confirm(testing.open_session(cast.merchant, "100"), 1)
    testing.pay(session)
    testing.confirm(session, 3)
    before = state().scanned_height
    true_block, switched = SimulatedChain.block, [True]

    def block(chain, height):
        found = true_block(chain, height)
        return replace(found, hash=f"0xother{height}") if switched[0] else found

    monkeypatch.setattr(SimulatedChain, "block", block)
    monkeypatch.setattr(SimulatedChain, "check_again", lambda chain: switched.__setitem__(0, False))
    watcher.watch_network("BSC", "test")

    assert (state().scanned_height, ChainTransaction.objects.get().status) == (before, "pending")


def test_a_price_above_the_ceiling_is_not_the_nodes_failure(world, network):
    chain = chain_on(network, world, "ETH", world.server.url, "http://127.0.0.1:9")
    world.fund(ME)
    world.pay(world.usdt, ME, 1)
    payment = Payment(ME, world.friend, world.usdt.address, 1)
    chain.fee(payment)
    world.hook = lambda method, _: [hex(10**15)] if method == "eth_maxPriorityFeePerGas" else None

    for _ in range(4):
        with pytest.raises((TooDear, NodeDown), match="ceiling"):
            chain.fee(payment)

    label = nodes.label_of(world.server.url)
    row = RpcNode.objects.get(label=label)
    assert (row.failures, row.resting_until, row.last_error) == (0, None, "")
    assert chain.height() == world.w3.eth.block_number  # it is still the first to be asked
    world.hook = None
    assert chain.fee(payment).terms["gas"] > 0
