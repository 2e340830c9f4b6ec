"""Asking for a withdrawal: what is refused changes nothing; who approves; limits, the list of addresses, the owner's mail."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord, Merchant
from accounts.operators import OwnRecord
from crypto.errors import DailyLimitReached
from crypto.models import DepositAddress, HotWallet, Network, Outgoing, Withdrawal, WithdrawalAddress
from crypto.services import withdrawal_notices, withdrawal_steps
from crypto.services.allow_list import add_address, remove_address
from crypto.services.withdrawal_limits import set_daily_limit
from crypto.services.withdrawals import approve_withdrawal, create_withdrawal, reject_withdrawal
from crypto.tests.chain_house import ONE, OUTSIDE, own, withdraw
from gateway.lib import mail as letters
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound, ProviderUnavailable
from gateway.lib.money import Money
from gateway.lib.racing import together
from ledger.errors import InsufficientBalance
from ledger.models import Posting
from ledger.testing import assert_ledger_balances, fund

pytestmark = pytest.mark.django_db
THERE = OUTSIDE["BSC"]


@pytest.fixture
def rich(cast):
    fund(cast.merchant, 5000 * ONE, currency="USDT", network="BSC")
    fund(cast.merchant, 5000 * ONE, currency="USDT", network="ETH")


def ask(cast, **changes):
    words = {
        "actor": Actor(cast.merchant_user, "tests"), "merchant": cast.merchant, "mode": "test",
        "amount": Money(10 * ONE, "USDT"), "method": "crypto", "network": "BSC", "address": THERE,
        "created_by": cast.merchant_user,
    }
    return create_withdrawal(**words | changes)


@pytest.mark.parametrize(("changes", "field"), [
    ({"method": "cash"}, "method"),
    ({"network": "BTC"}, "network"),
    ({"network": ""}, "network"),
    ({"amount": Money(100, "INR")}, "currency"),
    ({"amount": Money(0, "USDT")}, "amount"),
    ({"amount": Money(ONE + 1, "USDT"), "network": "ETH"}, "amount"),  # six places there
    ({"amount": Money(1, "USDT")}, None),  # on BSC one smallest unit may go: the fee rounds to nothing
    ({"address": ""}, "address"),
    ({"address": "0x52908400098527886E0F7030069857D2E4169Ee7"}, "address"),  # checksum
    ({"address": OUTSIDE["TRX"]}, "address"),
    ({"address": THERE + "\0"}, "address"),
    ({"note": "x" * 201}, "note"),
    ({"note": "\0"}, "note"),
    ({"method": "fiat", "network": ""}, "address"),
])
def test_what_is_refused_names_its_field_and_changes_nothing(cast, rich, changes, field):
    if field is None:
        assert ask(cast, **changes).fee_minor == 0
        return

    with pytest.raises(InvalidFields) as refusal:
        ask(cast, **changes)

    assert list(refusal.value.details["fields"]) == [field]
    assert not Withdrawal.objects.exists()
    assert own(cast.merchant) == (5000 * ONE, 0)


def test_never_to_one_of_our_own_addresses(cast, rich):
    network = Network.objects.get(code="BSC")
    deposit, hot = "0x8617E340B3D01FA5F11F306F4090FD50E238070D", "0xde709f2102306220921060314715629080e2fb77"
    DepositAddress.objects.create(network=network, mode="live", address=deposit, lookup=deposit.lower(), index=0)
    HotWallet.objects.create(network_id="ETH", mode="test", address=hot)

    for address in (deposit, deposit.lower(), hot):
        with pytest.raises(InvalidFields, match="belongs to this gateway"):
            ask(cast, address=address)

    assert own(cast.merchant) == (5000 * ONE, 0)


@pytest.mark.parametrize(("network", "contract"), [
    ("BSC", "0x55d398326f99059fF775485246999027B3197955"), ("BSC", "0xdac17f958d2ee523a2206206994597c13d831ec7"),
    ("TRX", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"), ("SOL", "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"),
])
def test_never_to_a_tokens_own_contract(cast, rich, network, contract):
    fund(cast.merchant, 5000 * ONE, currency="USDT", network=network)
    held = own(cast.merchant, network=network)

    with pytest.raises(InvalidFields, match="token's own contract"):
        ask(cast, network=network, address=contract)
    with pytest.raises(InvalidFields, match="token's own contract"):
        add_address(
            actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="live",
            network=Network.objects.get(code=network), address=contract,
        )

    assert not Withdrawal.objects.exists()
    assert not WithdrawalAddress.objects.exists()
    assert own(cast.merchant, network=network) == held


def test_the_balance_of_that_very_network_and_currency_counts(cast, rich):
    fund(cast.merchant, 10 * ONE, currency="USDC", network="BSC")

    with pytest.raises(InsufficientBalance):
        ask(cast, amount=Money(11 * ONE, "USDC"))
    with pytest.raises(InsufficientBalance):
        ask(cast, network="TRX", address=OUTSIDE["TRX"])

    assert not Withdrawal.objects.exists()
    assert own(cast.merchant, currency="USDC") == (10 * ONE, 0)


def test_what_is_sent_always_fits_the_chain_s_places(cast, rich):
    row = ask(cast, network="ETH", amount=Money(1_234_567_00, "USDT"))

    assert (row.fee_minor, row.net.minor) == (123_500, 123_333_200)  # 0.00123457 rounded up to six places


def test_within_the_limit_it_goes_by_itself_above_it_waits_for_a_second_person(cast, rich):
    HotWallet.objects.create(network_id="BSC", mode="test", address="0xde709f2102306220921060314715629080e2fb77")
    small, large = ask(cast, amount=Money(1000 * ONE, "USDT")), ask(cast, amount=Money(1000 * ONE + 1, "USDT"))
    withdrawal_steps.drive_withdrawals()
    small.refresh_from_db()
    large.refresh_from_db()
    assert (small.status, large.status, large.needs_approval) == ("processing", "pending", True)
    assert own(cast.merchant) == (2999 * ONE + ONE - 1, 2000 * ONE + 1)

    for actor, refusal in [
        (Actor(cast.merchant_user, "panel"), NotAllowed), (Actor(cast.other_admin, "panel"), NotFound),
        (Actor.system("x"), NotAllowed),
    ]:
        with pytest.raises(refusal):
            approve_withdrawal(actor=actor, withdrawal=large)
    approve_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=large)
    with pytest.raises(IllegalTransition):
        approve_withdrawal(actor=Actor(cast.super_admin, "panel"), withdrawal=large)
    withdrawal_steps.drive_withdrawals()

    large.refresh_from_db()
    assert (large.status, large.approved_by, Outgoing.objects.count()) == ("processing", cast.admin, 2)
    assert Outgoing.objects.get(withdrawal=large).raw_units == str(large.net.minor * 10**10)
    assert_ledger_balances()


def test_nobody_approves_what_they_asked_for(cast, rich):
    row = ask(cast, amount=Money(2000 * ONE, "USDT"), actor=Actor(cast.admin, "panel"), created_by=cast.admin)

    with pytest.raises(OwnRecord):
        approve_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row)
    with pytest.raises(OwnRecord):
        reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row, reason="x")

    row.refresh_from_db()
    assert (row.status, row.approved_at) == ("pending", None)


def test_a_rejection_gives_everything_back_and_says_why(cast, rich):
    row = ask(cast, amount=Money(2000 * ONE, "USDT"))
    with pytest.raises(InvalidFields):
        reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row, reason=" ")
    assert own(cast.merchant) == (3000 * ONE, 2000 * ONE)

    reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row, reason="Not now")
    with pytest.raises(IllegalTransition):
        reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row, reason="Again")
    with pytest.raises(IllegalTransition):
        approve_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=row)

    assert (row.status, row.failure_reason, own(cast.merchant)) == ("failed", "Not now", (5000 * ONE, 0))
    assert Posting.objects.filter(reference__startswith=f"crypto:withdrawal:{row.pk}:").count() == 2
    assert_ledger_balances()


def test_without_a_hot_wallet_it_waits_and_says_so(cast, rich):
    row = ask(cast)

    withdrawal_steps.drive_withdrawals()

    row.refresh_from_db()
    assert (row.status, row.trouble) == ("pending", "No hot wallet yet: the signer has not started")
    assert row.due_at > timezone.now()
    assert own(cast.merchant) == (4990 * ONE, 10 * ONE)


# Limits -------------------------------------------------------------------------------------------------
def test_a_day_s_limit_counts_what_did_not_fail(cast, rich, settings):
    settings.WITHDRAWAL_DAILY_LIMIT = 100 * ONE
    first = ask(cast, amount=Money(60 * ONE, "USDT"))
    with pytest.raises(DailyLimitReached, match=r"40\.00000000 of 100\.00000000"):
        ask(cast, amount=Money(40 * ONE + 1, "USDT"))
    assert Withdrawal.objects.count() == 1
    ask(cast, amount=Money(40 * ONE, "USDT"), network="ETH", address=OUTSIDE["ETH"])
    with pytest.raises(DailyLimitReached):
        ask(cast, amount=Money(1, "USDT"))

    reject_withdrawal(actor=Actor(cast.admin, "panel"), withdrawal=first, reason="x")
    ask(cast, amount=Money(60 * ONE, "USDT"))
    Withdrawal.objects.update(created_at=timezone.now() - timedelta(days=1))
    ask(cast, amount=Money(100 * ONE, "USDT"))

    assert Withdrawal.objects.count() == 4


def test_one_that_waited_over_midnight_counts_for_the_day_that_was_asked_about(cast, rich, settings, monkeypatch):
    settings.WITHDRAWAL_DAILY_LIMIT = 100 * ONE
    tomorrow = timezone.now() + timedelta(days=1)
    # A row's usual moment is that of its making, before the wait for the merchant's other withdrawals; the clock that
    # the limit looks at has moved on since.
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)

    row = ask(cast, amount=Money(100 * ONE, "USDT"))
    with pytest.raises(DailyLimitReached):
        ask(cast, amount=Money(1, "USDT"))

    assert (row.created_at, Withdrawal.objects.count()) == (tomorrow, 1)
    assert own(cast.merchant) == (4900 * ONE, 100 * ONE)


def test_a_merchant_s_own_limit_is_set_by_operators(cast, rich):
    with pytest.raises(NotAllowed):
        set_daily_limit(actor=Actor(cast.merchant_user, "panel"), merchant=cast.merchant, minor=None)
    with pytest.raises(NotFound):
        set_daily_limit(actor=Actor(cast.other_admin, "panel"), merchant=cast.merchant, minor=0)
    with pytest.raises(InvalidFields):
        set_daily_limit(actor=Actor(cast.admin, "panel"), merchant=cast.merchant, minor=-1)
    assert Merchant.objects.get(pk=cast.merchant.pk).withdrawal_daily_limit_minor is None

    set_daily_limit(actor=Actor(cast.admin, "panel"), merchant=cast.merchant, minor=5 * ONE)

    with pytest.raises(DailyLimitReached):
        ask(cast)
    assert AuditRecord.objects.get(action="withdrawal_limit.set").data == {"changed": {"limit": [None, 5 * ONE]}}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_at_once_stay_within_the_day_s_limit(cast, rich, settings):
    settings.WITHDRAWAL_DAILY_LIMIT = 100 * ONE

    def spend(index):
        network = ("BSC", "ETH")[index % 2]
        return withdraw(cast.merchant, 30 * ONE, network)

    results = together(10, spend)

    assert sum(isinstance(result, Withdrawal) for result in results) == 3
    assert sum(isinstance(result, DailyLimitReached) for result in results) == 7


# The list of addresses ----------------------------------------------------------------------------------
def listed(cast, *, mode="test", address=THERE, network="BSC", actor=None):
    return add_address(
        actor=Actor(actor or cast.merchant_user, "panel"), merchant=cast.merchant, mode=mode,
        network=Network.objects.get(code=network), address=address, label="Cold wallet",
    )


def test_once_there_is_a_list_only_what_is_on_it_counts(cast, rich, settings):
    ask(cast, address=OUTSIDE["ETH"])
    settings.WITHDRAWAL_DELAY_HOURS = {"test": 2.0, "live": 24.0}
    row = listed(cast, address=THERE.lower())

    with pytest.raises(InvalidFields, match="is not on your list"):
        ask(cast, address=OUTSIDE["ETH"])
    with pytest.raises(InvalidFields, match="can be used from"):
        ask(cast)
    with pytest.raises(InvalidFields, match="is not on your list"):
        ask(cast, network="ETH", address=THERE)  # listed for the other network
    assert Withdrawal.objects.count() == 1
    WithdrawalAddress.objects.filter(pk=row.pk).update(usable_from=timezone.now())
    assert ask(cast).address == THERE

    remove_address(actor=Actor(cast.merchant_user, "panel"), address=row)
    with pytest.raises(IllegalTransition):
        remove_address(actor=Actor(cast.merchant_user, "panel"), address=row)
    ask(cast, address=OUTSIDE["ETH"])  # test mode without a list


def test_live_mode_knows_listed_addresses_only(cast, settings):
    settings.CRYPTO_RPC = {"BSC": ["https://node.example"]}
    fund(cast.merchant, 100 * ONE, currency="USDT", network="BSC", mode="live")
    with pytest.raises(InvalidFields, match="is not on your list"):
        ask(cast, mode="live")
    row = listed(cast, mode="live")
    assert timedelta(hours=23) < row.usable_from - timezone.now() < timedelta(hours=25)
    with pytest.raises(InvalidFields, match="can be used from"):
        ask(cast, mode="live")
    WithdrawalAddress.objects.update(usable_from=timezone.now())

    assert ask(cast, mode="live").status == "pending"
    settings.CRYPTO_RPC = {}
    with pytest.raises(ProviderUnavailable):
        ask(cast, mode="live")
    assert Withdrawal.objects.count() == 1


@pytest.mark.parametrize("who", ["api_user", "other_user", "other_admin"])
def test_who_may_not_change_the_list(cast, who):
    with pytest.raises((NotAllowed, NotFound)):
        listed(cast, actor=getattr(cast, who))

    assert not WithdrawalAddress.objects.exists()


def test_the_list_takes_each_address_once_and_no_bad_one(cast):
    listed(cast)
    for address in (THERE, THERE.lower(), "0x123", "", "\0"):
        with pytest.raises(InvalidFields):
            listed(cast, address=address)

    assert WithdrawalAddress.objects.count() == 1


def test_the_owner_is_told_of_every_change_once(cast):
    row = listed(cast)
    assert withdrawal_notices.tell_owners() == 1
    assert withdrawal_notices.tell_owners() == 0
    remove_address(actor=Actor(cast.admin, "panel"), address=row)
    withdrawal_notices.tell_owners()

    assert [message.to for message in mail.outbox] == [["merchant@example.com"]] * 2
    assert "was added to the withdrawal addresses of Chai Point" in mail.outbox[0].body
    assert "was removed from" in mail.outbox[1].body
    assert THERE in mail.outbox[0].body


def test_a_mail_server_that_is_down_is_tried_again(cast, monkeypatch):
    listed(cast)

    def no_server(*_):
        raise OSError("connection refused")

    monkeypatch.setattr(letters, "send_mail", no_server)

    assert withdrawal_notices.tell_owners() == 0
    assert WithdrawalAddress.objects.get().notice_due


def test_an_owner_who_is_put_off_is_told_later_and_holds_up_nobody(cast, monkeypatch):
    listed(cast)
    told = []
    put_off = smtplib.SMTPRecipientsRefused({"merchant@example.com": (450, b"4.2.0 try again")})
    says = [put_off]

    def relay(subject, text, sender, to):
        if says:
            raise says.pop()
        told.extend(to)

    monkeypatch.setattr(letters, "send_mail", relay)

    assert (withdrawal_notices.tell_owners(), withdrawal_notices.tell_owners()) == (0, 1)
    assert told == ["merchant@example.com"]
