"""Coins that the house has sent: recorded once, corrected once, and never so that merchants' tokens are not there."""

from __future__ import annotations

import pytest

from accounts.actors import Actor, Viewer
from accounts.models import AuditRecord
from crypto.chains.simulated import control
from crypto.models import HotWallet, Network
from crypto.queries.house import record_view, visible_records
from crypto.services import capital
from crypto.services.capital import correct_capital, record_capital
from crypto.services.endowing import give_gas
from crypto.services.reconciling import reconcile
from crypto.tests.chain_house import ONE, assert_exact, open_house, receive, settle_down, withdraw
from gateway.lib.errors import GatewayError, IllegalTransition, InvalidFields, NotAllowed
from gateway.lib.money import Money
from gateway.lib.racing import together
from ledger.balances import balance
from ledger.models import LedgerAccount, Posting
from ledger.services import Line, house_account, post

BNB = 10**9
HASH = "0x" + "ab" * 32


@pytest.fixture
def chief(cast):
    return Actor(cast.super_admin, "panel")


@pytest.fixture
def bsc(cast, signer, network, db):
    open_house(network("BSC"))
    return network("BSC")


def record(chief, bsc, minor=BNB, currency="BNB", hash_=HASH):
    record_capital(actor=chief, network=bsc, mode="test", amount=Money(minor, currency), transaction_hash=hash_)
    return Posting.objects.filter(kind="crypto.capital").latest("pk")


def correct(chief, row, minor=None, reason="Mistyped"):
    amount = Money(minor, record_view(row).amount.currency) if minor is not None else None
    correct_capital(actor=chief, record=row, reason=reason, amount=amount)


def in_capital(currency="BNB"):
    rows = LedgerAccount.objects.filter(kind="capital", currency=currency, mode="test", network="BSC")
    return sum(balance(row) for row in rows)


def trail():
    rows = AuditRecord.objects.filter(action__startswith="capital.").order_by("pk")
    return list(rows.values_list("action", "target", "data__detail"))


def test_what_the_house_sends_is_booked_by_a_super_admin_once(cast, chief, bsc):
    wallet = HotWallet.objects.get(network=bsc, mode="test").address
    sent = control.give_native("BSC", recipient=wallet, units=25 * 10**16)
    control.mine("BSC")
    bnb = next(row for row in reconcile(("test",)) if row.currency == "BNB")
    assert (bnb.is_exact, bnb.difference) == (False, 25 * 10**16)

    words = {"network": bsc, "mode": "test", "amount": Money(250_000_000, "BNB"), "transaction_hash": sent}
    with pytest.raises(NotAllowed):
        record_capital(actor=Actor(cast.admin, "panel"), **words)
    with pytest.raises(InvalidFields):
        record_capital(actor=chief, **words | {"transaction_hash": " "})
    with pytest.raises(InvalidFields):
        record_capital(actor=chief, **words | {"amount": Money(1, "SOL")})
    with pytest.raises(InvalidFields, match="greater than zero"):
        record_capital(actor=chief, **words | {"amount": Money(-1, "BNB")})
    assert (Posting.objects.filter(kind="crypto.capital").exists(), trail()) == (False, [])
    record_capital(actor=chief, **words)
    assert Posting.objects.get(kind="crypto.capital").reference == f"coins:test:BSC:BNB:{sent}"
    assert trail() == [("capital.recorded", "hot-wallet-BSC", f"0.250000000 BNB, {sent}")]
    assert_exact("BSC")


@pytest.mark.parametrize("again", [HASH, HASH.upper(), f" {HASH} "])
@pytest.mark.parametrize("minor", [BNB, 2 * BNB])
def test_the_same_record_again_is_refused_in_plain_words_and_writes_nothing(chief, bsc, again, minor):
    record(chief, bsc)

    with pytest.raises(InvalidFields) as refused:
        record(chief, bsc, minor, hash_=again)

    assert refused.value.details["fields"] == {"transaction_hash": "is recorded already for BNB: correct that record"}
    assert (Posting.objects.filter(kind="crypto.capital").count(), len(trail()), in_capital()) == (1, 1, BNB)


def test_one_transaction_may_bring_two_coins(chief, bsc):
    record(chief, bsc)
    record(chief, bsc, 5 * ONE, "USDT")

    assert (in_capital(), in_capital("USDT")) == (BNB, 5 * ONE)


def test_a_mistyped_record_is_taken_back_once_and_recorded_right(cast, chief, bsc):
    row = record(chief, bsc, 10 * BNB)
    with pytest.raises(NotAllowed):
        correct(Actor(cast.admin, "panel"), row, BNB)
    with pytest.raises(InvalidFields, match="reason"):
        correct(chief, row, BNB, reason=" ")
    for minor in (10 * BNB, 0):
        with pytest.raises(InvalidFields, match="must be another one"):
            correct(chief, row, minor)
    assert (in_capital(), len(trail())) == (10 * BNB, 1)

    correct(chief, row, BNB, reason="A zero too many")

    assert in_capital() == BNB
    references = list(Posting.objects.order_by("pk").values_list("reference", flat=True))
    first = f"coins:test:BSC:BNB:{HASH}"
    assert references == [first, f"{first}:reversed", f"{first}:2"]
    assert trail()[1:] == [
        ("capital.reversed", "hot-wallet-BSC", f"10.000000000 BNB, {HASH}: A zero too many"),
        ("capital.recorded", "hot-wallet-BSC", f"1.000000000 BNB, {HASH}"),
    ]
    with pytest.raises(IllegalTransition, match="taken back already"):
        correct(chief, row, 2 * BNB)
    assert (in_capital(), Posting.objects.count(), len(trail())) == (BNB, 3, 3)

    right = Posting.objects.get(reference=f"{first}:2")
    assert (record_view(right).transaction_hash, record_view(right).amount) == (HASH, Money(BNB, "BNB"))
    correct(chief, right)
    record(chief, bsc, 3 * BNB)
    assert in_capital() == 3 * BNB
    assert Posting.objects.latest("pk").reference == f"{first}:3"


def test_a_record_of_before_is_read_corrected_and_not_recorded_beside(chief, bsc):
    old = f"crypto:capital:BSC:{HASH}"
    post(kind="crypto.capital", reference=old, mode="test", lines=[
        Line(capital.accounts.custody("test", "BNB", "BSC"), -10 * BNB),
        Line(capital.accounts.capital("test", "BNB", "BSC"), 10 * BNB),
    ])
    row = Posting.objects.get()
    assert (record_view(row).transaction_hash, record_view(row).amount) == (HASH, Money(10 * BNB, "BNB"))
    with pytest.raises(InvalidFields, match="recorded already"):
        record(chief, bsc)

    correct(chief, row, BNB)

    assert in_capital() == BNB
    assert list(Posting.objects.order_by("pk").values_list("reference", flat=True)) == [
        old, f"{old}:reversed", f"coins:test:BSC:BNB:{HASH}",
    ]


def test_tokens_that_merchants_own_must_be_there_without_it(cast, chief, bsc):
    """As if a fault had booked ten too many to the merchant: the house's ten make up for it, and may not go."""
    row = record(chief, bsc, 10 * ONE, "USDT")
    post(kind="test", reference="fault", mode="test", lines=[
        Line(house_account("test", "USDT", "fees", network="BSC"), -10 * ONE),
        Line(capital.accounts.available(cast.merchant.pk, "test", "USDT", "BSC"), 10 * ONE),
    ])

    with pytest.raises(IllegalTransition, match="less USDT on BNB Smart Chain than merchants own"):
        correct(chief, row)
    with pytest.raises(IllegalTransition, match="less USDT"):
        correct(chief, row, 9 * ONE)

    assert (in_capital("USDT"), Posting.objects.count(), len(trail())) == (10 * ONE, 2, 1)
    correct(chief, row, 11 * ONE)
    assert in_capital("USDT") == 11 * ONE


def test_coins_for_fees_can_be_taken_back_though_more_was_spent_than_recorded(cast, chief, bsc):
    receive(cast.merchant, bsc, 20 * ONE)
    withdraw(cast.merchant, 20 * ONE)
    settle_down("BSC")
    row = record(chief, bsc, 7 * BNB)

    correct(chief, row)

    assert_exact("BSC")


def test_a_list_of_what_people_recorded(cast, chief, bsc):
    give_gas(network=bsc, mode="test", address=HotWallet.objects.get(network=bsc, mode="test").address)
    row = record(chief, bsc, 2 * BNB)
    record(chief, bsc, 5 * ONE, "USDT")
    correct(chief, row)

    seen = [record_view(each) for each in visible_records(Viewer(cast.super_admin, "test"))]

    assert [(each.amount, each.is_reversed) for each in seen] == [
        (Money(5 * ONE, "USDT"), False), (Money(2 * BNB, "BNB"), True),
    ]
    assert not visible_records(Viewer(cast.super_admin, "live")).exists()
    assert not visible_records(Viewer(cast.admin, "test")).exists()


def test_the_longest_hash_there_is_fits_and_longer_ones_are_refused(chief, signer, network, db):
    solana = Network.objects.get(code="SOL")
    open_house(solana)
    row = record(chief, solana, 5 * ONE, "USDT", "A" * 88)
    correct(chief, row, 6 * ONE)

    assert Posting.objects.latest("pk").reference == f"coins:test:SOL:USDT:{'A' * 88}:2"
    with pytest.raises(InvalidFields, match="too long"):
        record(chief, solana, ONE, "USDT", "B" * 89)
    with pytest.raises(InvalidFields, match="no transaction hash"):
        record(chief, solana, ONE, "USDT", "B:2")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_records_and_one_corrects(cast, chief, signer, network):
    bsc = network("BSC")
    open_house(bsc)

    def attempt(act):
        try:
            return act() and None
        except GatewayError as error:
            return type(error).__name__

    said = together(4, lambda _: attempt(lambda: record(chief, bsc)))
    assert sorted(map(str, said)) == ["InvalidFields"] * 3 + ["None"]
    row = Posting.objects.get()
    said = together(4, lambda each: attempt(lambda: correct(chief, row, (each + 2) * BNB)))

    assert sorted(map(str, said)) == ["IllegalTransition"] * 3 + ["None"]
    assert Posting.objects.count() == 3
