"""A sweep that cannot go says why, and holds up no other token of its address."""

from __future__ import annotations

import pytest

from crypto import sending, sweeping
from crypto.chains.base import NodeBusy, Refused
from crypto.chains.simulated.chain import SimulatedChain
from crypto.models import ChainTransaction, Outgoing, Sweep, Token
from crypto.tests.chain_house import ONE, assert_exact, everything_is_due, open_house, receive, settle_down, step

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(cast, signer, network):
    """10 USDT and 20 USDC on one address."""
    open_house(network("BSC"))
    address = receive(cast.merchant, network("BSC"), 10 * ONE)
    return receive(cast.merchant, network("BSC"), 20 * ONE, currency="USDC", address=address)


@pytest.fixture
def blocked(monkeypatch):
    """The issuer of USDT has blocked the address: whatever it sends would fail."""
    usdt = Token.objects.get(network="BSC", mode="test", currency="USDT").contract
    ask = SimulatedChain.fee

    def fee(chain, payment, **more):
        if payment.contract == usdt:
            raise Refused("would fail: blocked")
        return ask(chain, payment, **more)

    monkeypatch.setattr(SimulatedChain, "fee", fee)


def swept():
    return list(Sweep.objects.order_by("pk").values_list("token__currency", "status", "failure"))


def test_what_would_fail_is_given_up_and_the_other_token_goes(address, blocked, settings):
    step("BSC")
    assert swept() == [("USDT", "failed", "would fail: blocked")]
    assert not Outgoing.objects.exists()  # nor was gas spent on it

    settings.SWEEP_RETRY_SECONDS = 0
    step("BSC")
    assert swept()[1][:2] == ("USDC", "funding")
    settings.SWEEP_RETRY_SECONDS = 600
    settle_down("BSC")

    address.refresh_from_db()
    assert (address.swept_minor, swept()[1]) == (20 * ONE, ("USDC", "swept", ""))
    assert_exact("BSC")


def test_one_that_is_blocked_when_it_is_to_be_signed_ends_as_well(address, monkeypatch):
    while not Outgoing.objects.filter(purpose="sweep").exists():
        everything_is_due()
        sweeping.sweep_what_is_due()
        if not Outgoing.objects.filter(purpose="sweep").exists():
            sending.drive_outgoing()
            from crypto.chains.simulated import control

            control.mine("BSC", 40)
    with monkeypatch.context() as patched:
        patched.setattr(SimulatedChain, "fee", lambda *_, **__: (_ for _ in ()).throw(Refused("would fail: blocked")))
        everything_is_due()
        sending.drive_outgoing()

    row = Outgoing.objects.get(purpose="sweep")
    assert (row.status, row.nonce, row.failure) == ("failed", None, "would fail: blocked")
    assert swept() == [("USDT", "failed", "would fail: blocked")]
    assert_exact("BSC")


def test_less_on_the_chain_than_in_the_books_holds_up_the_other_token_for_minutes_only(address, settings):
    ChainTransaction.objects.filter(currency="USDT").update(raw_units=str(11 * 10**18))
    for _ in range(10):
        step("BSC")
    assert [row[:2] for row in swept()] == [("USDT", "failed")]
    assert "are expected" in swept()[0][2]

    settings.SWEEP_RETRY_SECONDS = 0
    step("BSC")

    assert [row[:2] for row in swept()] == [("USDT", "failed"), ("USDC", "funding")]


def test_a_node_that_does_not_answer_is_named(address, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(SimulatedChain, "fee", lambda *_, **__: (_ for _ in ()).throw(NodeBusy("rate limit reached")))
        step("BSC")

    assert swept() == [("USDT", "pending", "rate limit reached")]
