"""Signers that die at every step, and several at once: one nonce each, one transaction each, chain and books exact."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from crypto import sending, sweeping
from crypto.chains.registry import chain_for
from crypto.chains.simulated import control
from crypto.models import Attempt, ChainTransaction, Outgoing, Sweep, Token, Withdrawal
from crypto.models.simulated import SimulatedTransaction
from crypto.services import withdrawal_steps
from crypto.services.withdrawals import approve_withdrawal, reject_withdrawal
from crypto.tests.chain_house import (
    ONE,
    OUTSIDE,
    assert_exact,
    everything_is_due,
    is_busy,
    open_house,
    own,
    receive,
    settle_down,
    step,
    withdraw,
)
from gateway.lib.errors import GatewayError
from gateway.lib.racing import dies_at, together
from ledger.errors import InsufficientBalance
from ledger.models import Posting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race, pytest.mark.long]

SENDING = [
    "withdrawal.claimed", "withdrawal.ordered", "withdrawal.after_commit", "outgoing.claimed", "outgoing.nonce_taken",
    "sign.before", "sign.after", "broadcast.before", "broadcast.after", "outgoing.before_booking",
    "withdrawal.before_settlement", "outgoing.after_booking",
]


def ours():
    """Transactions of ours that the chain has, waiting or mined."""
    return SimulatedTransaction.objects.filter(outside=False, gone=False)


def arrived(code):
    token = Token.objects.get(network=code, mode="test", currency="USDT")
    from crypto.models import Network

    return chain_for(Network.objects.get(code=code), "test").token_balance(OUTSIDE[code], token.contract)


@pytest.mark.parametrize("code", ["BSC", "TRX"])
def test_a_withdrawal_survives_its_signer_at_every_step(cast, signer, network, code):
    open_house(network(code))
    receive(cast.merchant, network(code), 1000 * ONE)
    settle_down(code)
    before = ours().count()
    for number, point in enumerate(SENDING, start=1):
        withdrawal = withdraw(cast.merchant, 10 * ONE, code)

        died = False
        for _ in range(8):
            everything_is_due()
            if died := dies_at(point, lambda: (withdrawal_steps.drive_withdrawals(), sending.drive_outgoing(5))):
                break
            control.mine(code, 40)
        assert died, point
        settle_down(code)

        withdrawal.refresh_from_db()
        assert withdrawal.status == "completed", point
        assert Posting.objects.filter(reference__startswith=f"crypto:withdrawal:{withdrawal.pk}:").count() == 2, point
        assert ours().count() - before == number, point
        assert own(cast.merchant, code) == ((1000 - 10 * number) * ONE, 0), point
    unit = 10 ** Token.objects.get(network=code, mode="test", currency="USDT").decimals
    assert arrived(code) == len(SENDING) * 999 * unit // 100
    assert_exact(code)


def test_a_sweep_survives_whoever_dies(cast, signer, network):
    bsc = network("BSC")
    open_house(bsc)
    address = receive(cast.merchant, bsc, 10 * ONE)
    for point in ("sweep.claimed", "sweep.funded", "sweep.sent"):
        for _ in range(6):
            everything_is_due()
            if dies_at(point, sweeping.sweep_what_is_due):
                break
            sending.drive_outgoing(5)
            control.mine("BSC", 40)
        else:
            raise AssertionError(point)
    settle_down("BSC")

    address.refresh_from_db()
    assert (address.swept_minor, Sweep.objects.get().status) == (10 * ONE, "swept")
    assert list(Outgoing.objects.values_list("purpose", "status").order_by("pk")) == [
        ("gas", "confirmed"), ("sweep", "confirmed"),
    ]
    assert ChainTransaction.objects.filter(type="sweep").count() == 1
    assert_exact("BSC")


def test_what_was_not_committed_never_was(cast, signer, network):
    open_house(network("BSC"))
    receive(cast.merchant, network("BSC"), 100 * ONE)
    for point in ("withdrawal.before_hold", "withdrawal.after_hold"):
        assert dies_at(point, lambda: withdraw(cast.merchant, 10 * ONE))

        assert not Withdrawal.objects.exists()
        assert own(cast.merchant) == (100 * ONE, 0)


@pytest.mark.parametrize("code", ["BSC", "TRX"])
def test_four_signers_and_twenty_withdrawals(cast, signer, network, code):
    open_house(network(code))
    receive(cast.merchant, network(code), 1000 * ONE)
    settle_down(code)
    before = ours().count()
    rows = [withdraw(cast.merchant, 10 * ONE, code) for _ in range(20)]
    withdrawal_steps.drive_withdrawals()

    for _ in range(40):
        everything_is_due()  # leases too, so that signers overtake each other
        results = together(4, lambda _: sending.drive_outgoing(10))
        assert [result for result in results if not isinstance(result, int)] == []
        control.mine(code, 10)
        if not is_busy():
            break
    settle_down(code)

    assert {row.status for row in Withdrawal.objects.filter(pk__in=[row.pk for row in rows])} == {"completed"}
    assert ours().filter(height__isnull=False).count() - before == 20
    assert Attempt.objects.count() == 22
    unit = 10 ** Token.objects.get(network=code, mode="test", currency="USDT").decimals
    assert arrived(code) == 20 * 999 * unit // 100
    assert_exact(code)


def test_two_signers_race_for_one_nonce(cast, signer, network):
    open_house(network("BSC"))
    receive(cast.merchant, network("BSC"), 1000 * ONE)
    settle_down("BSC")
    for _ in range(5):
        withdraw(cast.merchant, 1 * ONE)
        withdraw(cast.merchant, 1 * ONE)
        withdrawal_steps.drive_withdrawals()
        together(2, lambda _: sending.drive_outgoing(2))
        together(2, lambda _: sending.drive_outgoing(2))

    settle_down("BSC")
    nonces = list(Outgoing.objects.filter(sender_index=-1).order_by("nonce").values_list("nonce", flat=True))
    assert nonces == list(range(11))
    assert_exact("BSC")


def test_mixed_withdrawals_from_one_balance_are_conserved(cast, signer, network):
    open_house(network("BSC"))
    receive(cast.merchant, network("BSC"), 200 * ONE)

    def spend(thread):
        results = []
        for _ in range(5):
            try:
                results.append(withdraw(cast.merchant, 5 * ONE))
            except InsufficientBalance as refusal:
                results.append(refusal)
        return results

    results = [result for batch in together(12, spend) for result in batch]

    assert sum(isinstance(result, Withdrawal) for result in results) == 40
    assert sum(isinstance(result, InsufficientBalance) for result in results) == 20
    assert own(cast.merchant) == (0, 200 * ONE)
    for _ in range(6):
        step("BSC", blocks=40)
    settle_down("BSC", rounds=30)
    assert arrived("BSC") == 40 * 4995 * 10**15
    assert_exact("BSC")


def test_approve_against_reject_has_one_winner(cast, signer, network, settings):
    settings.WITHDRAWAL_APPROVE_ABOVE = 0
    open_house(network("BSC"))
    receive(cast.merchant, network("BSC"), 100 * ONE)
    rows = [withdraw(cast.merchant, 1 * ONE, created_by=cast.merchant_user) for _ in range(10)]

    for row in rows:
        def decide(index, pk=row.pk):
            withdrawal = Withdrawal.objects.get(pk=pk)
            if index:
                return approve_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=withdrawal)
            return reject_withdrawal(actor=Actor(cast.super_admin, "panel"), withdrawal=withdrawal, reason="No")

        outcomes = together(2, decide)
        # A rejection may follow an approval while nothing is signed; an approval never follows a rejection.
        assert any(isinstance(outcome, Withdrawal) for outcome in outcomes)
        assert all(isinstance(outcome, (Withdrawal, GatewayError)) for outcome in outcomes), outcomes

    settle_down("BSC")
    completed = Withdrawal.objects.filter(status="completed").count()
    assert Withdrawal.objects.filter(status="failed").count() == 10 - completed
    assert own(cast.merchant) == ((100 - completed) * ONE, 0)
    assert_exact("BSC")


def test_rejecting_against_signing_has_one_winner(cast, signer, network):
    open_house(network("BSC"))
    receive(cast.merchant, network("BSC"), 100 * ONE)
    settle_down("BSC")
    for _ in range(6):
        withdrawal = withdraw(cast.merchant, 1 * ONE)
        withdrawal_steps.drive_withdrawals()

        def act(index, pk=withdrawal.pk):
            if index:
                return sending.drive_outgoing(2)
            row = Withdrawal.objects.get(pk=pk)
            return reject_withdrawal(actor=Actor(cast.super_admin, "panel"), withdrawal=row, reason="No")

        together(2, act)

    settle_down("BSC")
    completed = Withdrawal.objects.filter(status="completed").count()
    assert Withdrawal.objects.filter(status="failed").count() == 6 - completed
    assert arrived("BSC") == completed * 999 * 10**15
    assert own(cast.merchant) == ((100 - completed) * ONE, 0)
    assert_exact("BSC")
