"""From the payer's transfer to the merchant's own wallet and bank, with everybody at work: the watcher, the sweeper,
the signer, the bank. Chain and books agree to the unit at every stop.
"""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.settlement import set_settlement_account
from crypto import testing, watcher
from crypto.chains.simulated import control
from crypto.models import DepositAddress, SessionEvent, Sweep, Withdrawal
from crypto.services import withdrawal_steps
from crypto.services.withdrawals import create_withdrawal
from crypto.tests.chain_house import ONE, assert_exact, open_house, own, settle_down, step, withdraw
from gateway.lib.money import Money
from gateway.lib.racing import together
from ledger.errors import InsufficientBalance
from ledger.models import FeePlan
from ledger.testing import assert_ledger_balances, fund
from payments.services import create_payment, create_refund, mark_succeeded
from payouts import work
from payouts.services import create_payout


def pay_session(cast, amount, network="BSC", **more):
    session = testing.open_session(cast.merchant, amount, network=network, fresh=False)
    testing.pay(session, **more)
    return testing.confirm(session)


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["BSC", "SOL"])
def test_paid_by_a_payer_credited_swept_and_withdrawn(cast, signer, network, code):
    open_house(network(code))
    first = pay_session(cast, "100", code)
    assert (first.status, own(cast.merchant, code)) == ("paid", (99 * ONE, 0))
    assert_exact(code)

    settle_down(code)
    assert list(SessionEvent.objects.filter(session=first, event="funds_swept").values_list("details", flat=True)) == [
        "Swept to the hot wallet, in 100.00000000 USDT"
    ]
    second = pay_session(cast, "20", code)
    withdrawal = withdraw(cast.merchant, 110 * ONE, code)  # more than the hot wallet has, before the second sweep
    assert_exact(code)
    settle_down(code)

    withdrawal.refresh_from_db()
    assert (second.status, withdrawal.status) == ("paid", "completed")
    assert own(cast.merchant, code) == (99 * ONE + 1980 * ONE // 100 - 110 * ONE, 0)
    assert DepositAddress.objects.get(pk=first.address_id).sweep_status == "swept"
    assert_exact(code)


@pytest.mark.django_db
def test_two_tokens_dust_and_an_unconfirmed_payment_are_told_apart(cast, signer, network):
    open_house(network("BSC"))
    session = testing.open_session(cast.merchant, "10", network="BSC", fresh=False)
    testing.pay(session, units=10 * 10**18 + 3)
    testing.pay(session, "7", currency="USDC")
    assert_exact("BSC")  # in a block, seen by nobody yet
    control.mine("BSC", 2)
    watcher.watch_network("BSC", "test")
    assert_exact("BSC")  # seen, not credited
    testing.confirm(session)
    assert_exact("BSC")

    settle_down("BSC")
    settle_down("BSC")

    assert sorted(Sweep.objects.values_list("token__currency", "raw_units")) == [
        ("USDC", str(7 * 10**18)), ("USDT", str(10 * 10**18 + 3)),
    ]
    assert_exact("BSC")


@pytest.mark.django_db
def test_a_withdrawal_that_leaves_the_chain_again_arrives_once(cast, signer, network):
    open_house(network("BSC"))
    pay_session(cast, "100")
    settle_down("BSC")
    withdrawal = withdraw(cast.merchant, 50 * ONE)
    step("BSC", blocks=5)
    withdrawal.refresh_from_db()
    gone = withdrawal.outgoing.attempts.get().transaction_hash

    step("BSC", blocks=2)  # seen in its block
    control.reorganise("BSC", 8, drop=[gone])
    settle_down("BSC")

    withdrawal.refresh_from_db()
    assert (withdrawal.status, withdrawal.outgoing.transaction_hash) == ("completed", gone)
    assert withdrawal.outgoing.attempts.count() == 1
    assert_exact("BSC")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_payouts_refunds_and_withdrawals_of_one_merchant_at_once(cast, signer, network, settings, balances):
    """₹1,000.00 and 100 USDT, wanted many times over by everything that can take money out."""
    settings.SANDBOX_BANK_DELAY_SECONDS = 0
    settings.CRYPTO_INR_RATES = {"USDT": 80_00}
    root = Actor(cast.super_admin, "tests")
    for product in ("payout", "crypto_withdrawal", "payin_upi"):
        FeePlan.objects.create(merchant=cast.merchant, product=product)  # free
    cast.merchant.payout_auto_approve_minor = 10**9
    cast.merchant.save()
    set_settlement_account(
        actor=root, merchant=cast.merchant, mode="test", holder="Chai Point", account_number="50100012345678",
        ifsc="HDFC0000001",
    )
    payment = create_payment(
        actor=root, merchant=cast.merchant, mode="test", contract="portal", amount=Money(100_000, "INR"),
        reference="ORDER-1", method="upi",
    )
    mark_succeeded(actor=root, payment=payment, utr="UTR0000001")
    fund(cast.merchant, 100 * ONE, currency="USDT", network="BSC")
    words = {"actor": root, "merchant": cast.merchant, "mode": "test"}

    def take(thread):
        done = []
        for number in range(3):
            name = f"{thread}-{number}"
            try:
                if thread % 4 == 0:
                    create_payout(
                        **words, contract="portal", amount=Money(10_000, "INR"), reference=name, beneficiary_name="Asha",
                        account_number="501000123456", ifsc="HDFC0000001",
                    )
                elif thread % 4 == 1:
                    create_refund(actor=root, payment=payment, amount=Money(10_000, "INR"))
                elif thread % 4 == 2:
                    create_withdrawal(**words, amount=Money(10 * ONE, "USDT"), method="fiat")
                else:
                    withdraw(cast.merchant, 10 * ONE)
                done.append(thread % 4)
            except InsufficientBalance:
                done.append("refused")
            withdrawal_steps.drive_withdrawals()
            work.drive_payouts()
        return done

    results = together(12, take)

    taken = [kind for batch in results for kind in batch]
    assert len(taken) == 36, results
    in_rupees, in_tokens = taken.count(0) + taken.count(1), taken.count(2) + taken.count(3)
    assert (in_rupees, in_tokens) == (10, 10)
    for _ in range(3):
        withdrawal_steps.drive_withdrawals()
        work.drive_payouts()
    assert Withdrawal.objects.filter(method="fiat", status="completed").count() == taken.count(2)
    assert own(cast.merchant)[0] == 0
    assert balances(cast.merchant)[0] == 0
    assert_ledger_balances()
