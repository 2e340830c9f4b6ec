"""The house takes its own coins out: never merchants', never twice, never by one person alone where money is real."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.models import AuditRecord, Notice, User
from accounts.operators import OwnRecord
from accounts.services import create_user
from crypto import accounts
from crypto.chains.registry import chain_for
from crypto.models import DepositAddress, Endowment, HotWallet, HouseWithdrawal, Outgoing, Token, Withdrawal
from crypto.services.capital import correct_capital, record_capital
from crypto.services.endowing import give_gas
from crypto.services.house_money import own_minor
from crypto.services.house_withdrawals import (
    confirm_house_withdrawal,
    propose_house_withdrawal,
    reject_house_withdrawal,
)
from crypto.services.outgoing_ends import give_up_outgoing
from crypto.tests.chain_house import ONE, OUTSIDE, assert_exact, open_house, own, receive, settle_down, step, withdraw
from gateway.lib.errors import GatewayError, IllegalTransition, InvalidFields, NotAllowed, ProviderUnavailable
from gateway.lib.money import Money
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.services import Line, post
from ledger.verify import verify_books

BNB = 10**9


@pytest.fixture
def chief(cast):
    return Actor(cast.super_admin, "panel")


@pytest.fixture
def second(cast):
    return Actor(User.objects.create(email="second@example.com", name="Second", role="super_admin"), "panel")


def earn(cast, bsc, minor=6 * ONE):
    """A merchant has 100 tokens; `minor` of fees lie beside them on the chain."""
    receive(cast.merchant, bsc, 100 * ONE + minor)
    post(kind="test.fee", reference="fee", mode="test", lines=[
        Line(accounts.available(cast.merchant.pk, "test", "USDT", "BSC"), -minor),
        Line(accounts.fees("test", "USDT", "BSC"), minor - ONE),
        Line(accounts.tax("test", "USDT", "BSC"), ONE),
    ])


@pytest.fixture
def bsc(cast, signer, network, db):
    open_house(network("BSC"))
    earn(cast, network("BSC"))
    return network("BSC")


def propose(actor, bsc, minor=5 * ONE, currency="USDT", address=OUTSIDE["BSC"], note="To the exchange", **more):
    words = {"network": bsc, "mode": "test"} | more
    return propose_house_withdrawal(actor=actor, amount=Money(minor, currency), address=address, note=note, **words)


def left(bsc, currency="USDT"):
    return own_minor(bsc, "test", currency)


def there(bsc, currency="USDT", address=OUTSIDE["BSC"]):
    token = Token.objects.filter(network=bsc, mode="test", currency=currency).first()
    chain = chain_for(bsc, "test")
    return chain.native_balance(address) if token is None else chain.token_balance(address, token.contract)


def trail():
    rows = AuditRecord.objects.filter(action__startswith="house_withdrawal.").order_by("pk")
    return [action.partition(".")[2] for action in rows.values_list("action", flat=True)]


def test_earned_fees_leave_the_hot_wallet_and_the_books_stay_exact(cast, chief, bsc):
    assert left(bsc) == 5 * ONE  # of six: one is tax, a hundred are the merchant's
    row = propose(chief, bsc)
    assert (left(bsc), Outgoing.objects.count(), row.status) == (0, 0, "pending")

    confirm_house_withdrawal(actor=chief, withdrawal=row)
    settle_down("BSC")

    row.refresh_from_db()
    assert (row.status, there(bsc), left(bsc), own(cast.merchant)) == ("completed", 5 * 10**18, 0, (100 * ONE, 0))
    booked = Posting.objects.get(kind="crypto.house_withdrawal").entries.values_list("account__kind", "amount")
    assert dict(booked) == {"clearing": 5 * ONE, "capital": -5 * ONE}
    assert trail() == ["created", "confirmed", "completed"]
    assert_exact("BSC")
    with pytest.raises(IllegalTransition):
        confirm_house_withdrawal(actor=chief, withdrawal=row)
    withdraw(cast.merchant, 100 * ONE)  # and all of the merchant's is still there
    settle_down("BSC")
    assert own(cast.merchant) == (0, 0)
    assert_exact("BSC")


def test_the_network_s_coin_leaves_and_is_named_while_it_is_not_booked(cast, chief, bsc):
    give_gas(network=bsc, mode="test", address=HotWallet.objects.get(network=bsc, mode="test").address)
    row = propose(chief, bsc, BNB // 2, "BNB")
    confirm_house_withdrawal(actor=chief, withdrawal=row)
    while there(bsc, "BNB") == 0:
        step("BSC")
    assert not Posting.objects.filter(kind="crypto.house_withdrawal").exists()
    assert_exact("BSC")  # mined, and not deep enough to be booked

    settle_down("BSC")

    row.refresh_from_db()
    assert (row.status, there(bsc, "BNB")) == ("completed", 5 * 10**17)
    given = sum(Endowment.objects.filter(currency="BNB").values_list("amount_minor", flat=True))
    assert 0 < given - BNB // 2 - left(bsc, "BNB") < BNB // 100  # less the network's fees, which are the house's
    assert_exact("BSC")


@pytest.mark.parametrize(("words", "field"), [
    ({"minor": 5 * ONE + 1}, "amount"), ({"minor": 0}, "amount"), ({"minor": -ONE}, "amount"),
    ({"currency": "SOL"}, "currency"), ({"note": " "}, "note"),
    ({"address": "0x" + "0" * 40}, "address"), ({"address": "nobody"}, "address"), ({"address": ""}, "address"),
])
def test_what_is_refused_changes_nothing(chief, bsc, words, field):
    with pytest.raises(InvalidFields) as refused:
        propose(chief, bsc, **words)

    assert list(refused.value.details["fields"]) == [field]
    assert (HouseWithdrawal.objects.count(), trail(), left(bsc)) == (0, [], 5 * ONE)


def test_nothing_goes_to_an_address_of_ours_or_a_token_s_contract(chief, bsc):
    ours = [
        HotWallet.objects.get(network=bsc, mode="test").address, DepositAddress.objects.first().address,
        Token.objects.filter(network__family="evm").first().contract,
    ]
    for address in ours:
        with pytest.raises(InvalidFields, match="address"):
            propose(chief, bsc, address=address)
    assert not HouseWithdrawal.objects.exists()


def test_super_admins_alone_and_only_where_the_network_is_on(cast, chief, bsc, settings):
    row = propose(chief, bsc)
    for actor in (Actor(cast.admin, "panel"), Actor(cast.merchant_user, "panel"), Actor.system("tests")):
        with pytest.raises(NotAllowed):
            propose(actor, bsc)
        with pytest.raises(NotAllowed):
            confirm_house_withdrawal(actor=actor, withdrawal=row)
        with pytest.raises(NotAllowed):
            reject_house_withdrawal(actor=actor, withdrawal=row, reason="No")
    settings.CRYPTO_RPC = {}
    with pytest.raises(ProviderUnavailable):
        propose(chief, bsc, mode="live")
    row.refresh_from_db()
    assert (row.status, HouseWithdrawal.objects.count(), trail()) == ("pending", 1, ["created"])


def test_in_live_mode_a_second_person_confirms(chief, second, bsc, settings):
    settings.CRYPTO_RPC = {"BSC": ["http://node.example"]}
    HotWallet.objects.create(network=bsc, mode="live", address="0x8617E340B3D01FA5F11F306F4090FD50E238070D")
    words = {"network": bsc, "mode": "live", "amount": Money(BNB, "BNB"), "transaction_hash": "0xabc"}
    record_capital(actor=chief, **words)
    row = propose(chief, bsc, BNB, "BNB", mode="live")
    puppet, _ = create_user(
        actor=chief, email="puppet@example.com", name="Puppet", role="super_admin", password="a long enough passphrase"
    )
    for actor in (chief, Actor(puppet, "panel")):
        with pytest.raises(OwnRecord):
            confirm_house_withdrawal(actor=actor, withdrawal=row)
    assert not Outgoing.objects.exists()
    assert list(Notice.objects.order_by("pk").values_list("about", flat=True)) == [row.public_id, puppet.public_id]

    confirm_house_withdrawal(actor=second, withdrawal=row)

    sent = Outgoing.objects.get()
    assert (sent.purpose, sent.mode, sent.raw_units, sent.token) == ("house", "live", str(10**18), None)
    HouseWithdrawal.objects.update(confirmed_by=chief.user)
    assert any("without a second person" in problem for problem in verify_books())


def test_one_that_fails_or_is_rejected_gives_back(cast, chief, bsc):
    row = propose(chief, bsc)
    with pytest.raises(InvalidFields):
        reject_house_withdrawal(actor=chief, withdrawal=row, reason=" ")
    reject_house_withdrawal(actor=chief, withdrawal=row, reason="Wrong exchange")
    assert left(bsc) == 5 * ONE

    row = propose(chief, bsc)
    confirm_house_withdrawal(actor=chief, withdrawal=row)
    reject_house_withdrawal(actor=chief, withdrawal=row, reason="After all")
    row.refresh_from_db()
    assert (row.status, row.outgoing.status, left(bsc)) == ("rejected", "failed", 5 * ONE)

    row = propose(chief, bsc)
    confirm_house_withdrawal(actor=chief, withdrawal=row)
    Outgoing.objects.filter(house_withdrawal=row).update(flag="foreign")
    give_up_outgoing(actor=chief, outgoing=Outgoing.objects.get(house_withdrawal=row), note="Looked")
    row.refresh_from_db()
    assert (row.status, left(bsc), there(bsc)) == ("failed", 5 * ONE, 0)
    assert not Posting.objects.filter(kind="crypto.house_withdrawal").exists()
    assert_exact("BSC")


def test_what_is_signed_is_not_rejected_any_more(chief, bsc):
    row = propose(chief, bsc)
    confirm_house_withdrawal(actor=chief, withdrawal=row)
    while Outgoing.objects.get(purpose="house").status == "waiting":
        step("BSC", blocks=40)

    with pytest.raises(IllegalTransition, match="on its way already"):
        reject_house_withdrawal(actor=chief, withdrawal=row, reason="Too late")

    settle_down("BSC")
    row.refresh_from_db()
    assert (row.status, there(bsc)) == ("completed", 5 * 10**18)


def test_tokens_bought_with_rupees_are_the_house_s_once_the_payout_is_paid(cast, chief, bsc):
    """What a merchant gives for rupees comes back to it if the payout fails: until then nobody takes it out."""
    Withdrawal.objects.create(
        merchant=cast.merchant, mode="test", status="processing", method="fiat", currency="USDT",
        amount_minor=40 * ONE, held={"BSC": 40 * ONE},
    )
    post(kind="test", reference="bought", mode="test", lines=[
        Line(accounts.available(cast.merchant.pk, "test", "USDT", "BSC"), -40 * ONE),
        Line(accounts.house_account("test", "USDT", "exchange", network="BSC"), 40 * ONE),
    ])
    assert left(bsc) == 5 * ONE

    Withdrawal.objects.update(status="completed")

    assert left(bsc) == 45 * ONE


def test_a_record_that_was_taken_out_already_is_not_taken_back(chief, bsc):
    words = {"network": bsc, "mode": "test", "amount": Money(10 * ONE, "USDT"), "transaction_hash": "0xabc"}
    record_capital(actor=chief, **words)
    row = propose(chief, bsc, 12 * ONE)
    record = Posting.objects.get(kind="crypto.capital")

    with pytest.raises(IllegalTransition, match="than merchants own"):
        correct_capital(actor=chief, record=record, reason="Mistyped", amount=None)

    reject_house_withdrawal(actor=chief, withdrawal=row, reason="First that")
    correct_capital(actor=chief, record=record, reason="Mistyped", amount=None)
    assert left(bsc) == 5 * ONE


def test_what_is_no_longer_there_is_not_confirmed(cast, chief, bsc):
    row = propose(chief, bsc)
    post(kind="test", reference="gone", mode="test", lines=[
        Line(accounts.fees("test", "USDT", "BSC"), -1),
        Line(accounts.available(cast.merchant.pk, "test", "USDT", "BSC"), 1),
    ])

    with pytest.raises(IllegalTransition, match="more than the house's own"):
        confirm_house_withdrawal(actor=chief, withdrawal=row)

    row.refresh_from_db()
    assert (row.status, Outgoing.objects.count(), trail()) == ("pending", 0, ["created"])
    assert any("takes out 0.00000001 USDT on BSC (test) more than is its own" in said for said in verify_books())


@pytest.mark.parametrize("change", [{"status": "completed"}, {"status": "processing"}, {"status": "failed"}])
def test_a_state_that_the_books_deny_is_found(chief, bsc, change):
    propose(chief, bsc)
    assert list(verify_books()) == []

    HouseWithdrawal.objects.update(**change)

    assert any("its posting or its transaction says otherwise" in problem for problem in verify_books())


def attempt(act):
    try:
        return str(act() and "done")
    except GatewayError as error:
        return type(error).__name__


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_the_house_s_own_is_taken_once(cast, chief, second, signer, network):
    bsc = network("BSC")
    open_house(bsc)
    earn(cast, bsc)

    said = together(4, lambda _: attempt(lambda: propose(chief, bsc, 3 * ONE)))
    assert sorted(said) == ["InvalidFields"] * 3 + ["done"]
    row = HouseWithdrawal.objects.get()
    both = (chief, second)
    said = together(4, lambda each: attempt(lambda: confirm_house_withdrawal(actor=both[each % 2], withdrawal=row)))

    assert sorted(said) == ["IllegalTransition"] * 3 + ["done"]
    assert (Outgoing.objects.filter(purpose="house").count(), left(bsc)) == (1, 2 * ONE)
    settle_down("BSC")
    assert (there(bsc), left(bsc)) == (3 * 10**18, 2 * ONE)
    assert_exact("BSC")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_confirmed_and_rejected_at_once_it_is_one_of_both(cast, chief, second, signer, network):
    bsc = network("BSC")
    open_house(bsc)
    earn(cast, bsc)
    row = propose(chief, bsc, 3 * ONE)
    pk = row.pk

    def act(each):
        mine = HouseWithdrawal.objects.get(pk=pk)
        if each % 2:
            return attempt(lambda: reject_house_withdrawal(actor=chief, withdrawal=mine, reason="No"))
        return attempt(lambda: confirm_house_withdrawal(actor=second, withdrawal=mine))

    together(4, act)

    row.refresh_from_db()
    waiting = Outgoing.objects.filter(purpose="house", status="waiting").count()
    assert (row.status, waiting) in (("processing", 1), ("rejected", 0))
    assert list(verify_books()) == []
