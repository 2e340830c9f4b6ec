"""Tokens into rupees at the bank: converted once, paid out, and undone whole if the bank will not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import SettlementAccount
from accounts.settlement import set_settlement_account, settlement_account
from crypto.errors import NoSettlementAccount, RateMissing
from crypto.models import Token, Withdrawal
from crypto.services import withdrawal_fiat, withdrawal_notices, withdrawal_steps
from crypto.services.withdrawal_ends import fail_withdrawal
from crypto.services.withdrawals import create_withdrawal, reject_withdrawal
from crypto.tests.chain_house import ONE, everything_is_due, own
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound, ProviderUnavailable
from gateway.lib.money import Money
from ledger.errors import InsufficientBalance
from ledger.models import FeePlan, LedgerAccount, Posting
from ledger.queries import balance
from ledger.testing import assert_ledger_balances, fund
from ledger.verify import verify_books
from payouts import work
from payouts.models import Beneficiary, Payout
from payouts.services import approve_payout, reject_payout, return_payout
from webhooks.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick_bank(settings):
    settings.SANDBOX_BANK_DELAY_SECONDS = 0
    settings.CRYPTO_INR_RATES = {"USDT": 88_00}


@pytest.fixture
def rich(cast):
    for network, minor in (("BSC", 30 * ONE), ("TRX", 80 * ONE), ("POL", 5 * ONE)):
        fund(cast.merchant, minor, currency="USDT", network=network)
    cast.merchant.payout_auto_approve_minor = 100_000_000
    cast.merchant.save()


def account(cast, number="50100012345678", actor=None, mode="test"):
    return set_settlement_account(
        actor=Actor(actor or cast.merchant_user, "panel"), merchant=cast.merchant, mode=mode,
        holder="Chai Point Traders", account_number=number, ifsc="HDFC0000001", bank_name="HDFC Bank",
    )


def ask(cast, minor=100 * ONE, **changes):
    words = {
        "actor": Actor(cast.merchant_user, "tests"), "merchant": cast.merchant, "mode": "test",
        "amount": Money(minor, "USDT"), "method": "fiat", "created_by": cast.merchant_user,
    }
    return create_withdrawal(**words | changes)


def house(currency, kind, network=""):
    row = LedgerAccount.objects.filter(mode="test", merchant=None, currency=currency, kind=kind, network=network).first()
    return balance(row) if row else 0


def test_drawn_from_the_fullest_networks_converted_and_paid(cast, rich, balances):
    account(cast)
    row = ask(cast)
    assert row.held == {"TRX": 80 * ONE, "BSC": 20 * ONE}
    assert (row.rate, row.inr_minor, row.fee_minor) == ("88.00", 8_791_20 // 1, 10_000_000)
    assert [own(cast.merchant, code) for code in ("TRX", "BSC", "POL")] == [
        (0, 80 * ONE), (10 * ONE, 20 * ONE), (5 * ONE, 0),
    ]

    withdrawal_steps.drive_withdrawals()
    row.refresh_from_db()
    payout = row.payout
    assert (row.status, payout.status, payout.amount_minor, payout.charge_minor) == ("processing", "approved", 878_530, 590)
    assert balances(cast.merchant) == (0, 0, 879_120)
    work.drive_payouts()
    work.drive_payouts()

    row.refresh_from_db()
    assert (row.status, Payout.objects.get().status, balances(cast.merchant)) == ("completed", "processed", (0, 0, 0))
    assert (house("USDT", "exchange", "TRX"), house("USDT", "exchange", "BSC")) == (80 * ONE - 10_000_000, 20 * ONE)
    assert (house("USDT", "fees", "TRX"), house("INR", "exchange")) == (10_000_000, -879_120)
    assert_ledger_balances()


@pytest.mark.parametrize("how", ["bank", "operator"])
def test_a_payout_that_fails_gives_the_tokens_back_where_they_came_from(cast, rich, balances, how):
    account(cast, number="501000120000" if how == "bank" else "50100012345678")
    if how == "operator":
        cast.merchant.payout_auto_approve_minor = None
        cast.merchant.save()
    fund(cast.merchant, 100)
    row = ask(cast)
    withdrawal_steps.drive_withdrawals()

    if how == "bank":
        work.drive_payouts()
        work.drive_payouts()
    else:
        reject_payout(actor=Actor(cast.admin, "panel"), payout=Payout.objects.get(), reason="Unknown account")

    row.refresh_from_db()
    assert (row.status, row.failure_code) == ("failed", "payout_failed")
    assert balances(cast.merchant) == (100, 0, 0)
    assert [own(cast.merchant, code) for code in ("TRX", "BSC", "POL")] == [(80 * ONE, 0), (30 * ONE, 0), (5 * ONE, 0)]
    assert [house("USDT", "exchange", "TRX"), house("USDT", "fees", "TRX"), house("INR", "exchange")] == [0, 0, 0]
    assert_ledger_balances()


def test_a_payout_that_the_bank_returns_gives_the_tokens_back_too(cast, rich, balances):
    account(cast)
    row = ask(cast)
    withdrawal_steps.drive_withdrawals()
    work.drive_payouts()
    work.drive_payouts()
    row.refresh_from_db()
    assert (row.status, balances(cast.merchant)) == ("completed", (0, 0, 0))

    returned = {"utr": "RTN0000001", "note": "The account is closed."}
    return_payout(actor=Actor(cast.admin, "panel"), payout=Payout.objects.get(), **returned)

    row.refresh_from_db()
    assert (row.status, row.failure_code) == ("failed", "payout_failed")
    assert row.failure_reason == "The payout failed: Returned by the bank: The account is closed."
    assert balances(cast.merchant) == (0, 0, 0)
    assert [own(cast.merchant, code) for code in ("TRX", "BSC", "POL")] == [(80 * ONE, 0), (30 * ONE, 0), (5 * ONE, 0)]
    assert [house("USDT", "exchange", "TRX"), house("USDT", "fees", "TRX"), house("INR", "exchange")] == [0, 0, 0]
    told = Event.objects.filter(subject=row.public_id).order_by("pk").values_list("type", flat=True)
    assert list(told) == ["withdrawal.completed", "withdrawal.failed"]
    assert verify_books() == []
    assert_ledger_balances()


def test_a_completed_withdrawal_is_failed_by_nothing_else(cast, rich, balances):
    account(cast)
    row = ask(cast)
    withdrawal_steps.drive_withdrawals()
    work.drive_payouts()
    work.drive_payouts()
    before = Posting.objects.count()

    with pytest.raises(IllegalTransition):
        fail_withdrawal(withdrawal=row, code="not_sent", reason="Not sent")

    row.refresh_from_db()
    assert (row.status, Posting.objects.count(), balances(cast.merchant)) == ("completed", before, (0, 0, 0))


def test_refusals_change_nothing(cast, rich, settings):
    for refusal, changes in [
        (NoSettlementAccount, {}), (RateMissing, {"amount": Money(ONE, "USDC")}), (InvalidFields, {"network": "BTC"}),
    ]:
        with pytest.raises(refusal):
            ask(cast, **changes)
    account(cast)
    for refusal, minor, changes in [
        (InsufficientBalance, 115 * ONE + 1, {}), (InsufficientBalance, 31 * ONE, {"network": "BSC"}),
        (InvalidFields, ONE // 20, {}), (InvalidFields, ONE, {"address": "0xabc"}),
    ]:
        with pytest.raises(refusal):
            ask(cast, minor, **changes)
    with pytest.raises(ProviderUnavailable):
        ask(cast, mode="live")

    assert not Withdrawal.objects.exists()
    assert own(cast.merchant, "TRX") == (80 * ONE, 0)
    assert ask(cast, 30 * ONE, network="BSC").held == {"BSC": 30 * ONE}


def test_a_changed_account_waits_and_the_owner_is_told(cast, rich, settings):
    first = account(cast)
    settings.WITHDRAWAL_DELAY_HOURS = {"test": 24.0, "live": 24.0}
    second = account(cast, number="999900001111")

    with pytest.raises(NoSettlementAccount, match="can be used from"):
        ask(cast)

    first.refresh_from_db()
    assert first.replaced_at is not None
    assert settlement_account(cast.merchant, "test") == second
    assert second.usable_from > timezone.now() + timedelta(hours=23)
    assert withdrawal_notices.tell_owners() == 2
    assert "account ··1111" in mail.outbox[1].body
    assert "999900001111" not in mail.outbox[1].body


@pytest.mark.parametrize(("who", "refusal"), [("api_user", NotAllowed), ("other_user", NotFound), ("other_admin", NotFound)])
def test_who_may_not_set_the_account(cast, who, refusal):
    with pytest.raises(refusal):
        account(cast, actor=getattr(cast, who))
    with pytest.raises(InvalidFields):
        account(cast, number="12")

    assert not SettlementAccount.objects.exists()


def test_what_cannot_start_waits_with_its_reason_and_nothing_converted(cast, rich, balances):
    account(cast)
    row = ask(cast)
    withdrawal_steps.drive_withdrawals()
    approve = Payout.objects.get()
    assert approve.status == "approved"
    blocked = ask(cast, 10 * ONE)
    Beneficiary.objects.update(status="blocked")

    everything_is_due()
    withdrawal_steps.drive_withdrawals()

    blocked.refresh_from_db()
    assert (blocked.status, "blocked" in blocked.trouble, blocked.payout) == ("pending", True, None)
    assert Posting.objects.filter(kind="withdrawal.convert").count() == 1
    with pytest.raises(IllegalTransition):
        row.refresh_from_db()
        reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row, reason="x")
    reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=blocked, reason="Blocked account")
    assert own(cast.merchant, "BSC") == (10 * ONE, 0)
    assert_ledger_balances()


def test_a_percentage_for_the_payout_is_taken_from_the_rupees_exactly(cast, rich, balances):
    account(cast)
    FeePlan.objects.create(merchant=cast.merchant, product="payout", fixed_minor=100, basis_points=137, gst_basis_points=1800)
    cast.merchant.payout_auto_approve_minor = None
    cast.merchant.save()
    row = ask(cast, 77 * ONE)
    withdrawal_steps.drive_withdrawals()

    row.refresh_from_db()
    payout = row.payout
    assert payout.amount_minor + payout.charge_minor == row.inr_minor
    assert 0 <= 76_92300000 * 88_00 // ONE - row.inr_minor <= 1
    approve_payout(actor=Actor(cast.admin, "panel"), payout=payout)
    work.drive_payouts()
    work.drive_payouts()
    row.refresh_from_db()
    assert (row.status, balances(cast.merchant)) == ("completed", (0, 0, 0))
    assert_ledger_balances()


@pytest.mark.parametrize("changes", [
    {"amount_minor": 99 * ONE}, {"fee_minor": 0, "tax_minor": 0}, {"inr_minor": 1}, {"currency": "USDC"},
])
def test_a_withdrawal_that_is_changed_by_hand_is_found(cast, rich, changes):
    account(cast)
    row = ask(cast)
    withdrawal_steps.drive_withdrawals()
    work.drive_payouts()
    row.refresh_from_db()
    assert row.status == "completed"
    assert_ledger_balances()

    Withdrawal.objects.filter(pk=row.pk).update(**changes)

    row.refresh_from_db()
    says = f"{row} says {row.amount_minor}, {row.fee_minor} of it fee, its postings say otherwise"
    assert says in verify_books()


def test_nothing_is_drawn_on_a_token_that_is_switched_off(cast, rich):
    """The house would take what it has switched off, at the full rate; asked for by name, it is refused as well."""
    account(cast)
    Token.objects.filter(network="TRX", mode="test", currency="USDT").update(active=False)

    with pytest.raises(InsufficientBalance):
        ask(cast)
    assert [own(cast.merchant, code) for code in ("TRX", "BSC", "POL")] == [(80 * ONE, 0), (30 * ONE, 0), (5 * ONE, 0)]
    assert Withdrawal.objects.count() == 0

    assert ask(cast, 32 * ONE).held == {"BSC": 30 * ONE, "POL": 2 * ONE}
    assert own(cast.merchant, "TRX") == (80 * ONE, 0)


def test_nothing_is_drawn_on_a_network_that_is_off_in_live_mode(cast, settings):
    settings.CRYPTO_RPC = {"BSC": ["https://node.example"]}
    for network in ("BSC", "TRX"):
        fund(cast.merchant, 30 * ONE, currency="USDT", network=network, mode="live")
    row = Withdrawal(merchant=cast.merchant, mode="live", currency="USDT", amount_minor=20 * ONE)
    assert withdrawal_fiat._draw(row) == {"BSC": 20 * ONE}

    row.amount_minor = 31 * ONE
    with pytest.raises(InsufficientBalance):
        withdrawal_fiat._draw(row)
