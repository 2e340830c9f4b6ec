"""Booking, and what the database refuses whoever asks."""

import os
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from gateway.lib.money import MAX_MINOR
from gateway.lib.racing import together
from ledger.errors import BalanceTooLarge, InsufficientBalance, ReferenceReused, Unbalanced
from ledger.models import Entry, LedgerAccount, Posting, RolledBalance
from ledger.queries import balance, balance_at, wallets
from ledger.rollup import roll_up
from ledger.services import Line, house_account, merchant_account, post
from ledger.testing import assert_ledger_balances, fund, unguarded
from ledger.verify import verify_books


def available(merchant, currency="INR", network=""):
    return merchant_account(merchant.pk, "test", currency, "available", network)


def move(merchant, minor, reference, *, kind="test.move"):
    """Takes `minor` from the merchant's available balance to a clearing account."""
    lines = [Line(available(merchant), -minor), Line(house_account("test", "INR", "clearing", "bank"), minor)]
    return post(kind=kind, reference=reference, mode="test", lines=lines)


def test_a_payment_with_fee_and_gst_is_four_entries_that_sum_to_zero(cast):
    lines = [
        Line(house_account("test", "INR", "clearing", "sandbox"), -100_000),
        Line(available(cast.merchant), 97_640),
        Line(house_account("test", "INR", "fees"), 2_000),
        Line(house_account("test", "INR", "tax"), 360),
    ]

    posted = post(kind="payment.capture", reference="payment:pay_1:capture", mode="test", lines=lines)

    entries = Entry.objects.filter(posting_id=posted.id).order_by("account__code")
    codes = {entry.account.code: entry.amount for entry in entries.select_related("account")}
    assert codes == {
        "h/test/INR/clearing.sandbox": -100_000, "h/test/INR/fees": 2_000, "h/test/INR/tax": 360,
        f"m/{cast.merchant.pk}/test/INR/available": 97_640,
    }
    assert Posting.objects.get(pk=posted.id).merchant == cast.merchant
    assert [w.available_minor for w in wallets(merchant_ids=[cast.merchant.pk], mode="test")] == [97_640]
    assert_ledger_balances()


def test_the_same_reference_is_booked_once(cast):
    fund(cast.merchant, 1_000)

    first = move(cast.merchant, 400, "payout:p:hold")
    again = move(cast.merchant, 400, "payout:p:hold")

    assert (first.replayed, again.replayed, again.id) == (False, True, first.id)
    assert Posting.objects.count() == 2
    assert wallets(merchant_ids=[cast.merchant.pk], mode="test")[0].available_minor == 600
    assert_ledger_balances()


def test_a_reference_with_other_lines_is_refused(cast):
    fund(cast.merchant, 1_000)
    move(cast.merchant, 400, "payout:p:hold")

    with pytest.raises(ReferenceReused), transaction.atomic():
        move(cast.merchant, 401, "payout:p:hold")

    assert wallets(merchant_ids=[cast.merchant.pk], mode="test")[0].available_minor == 600
    assert Posting.objects.count() == 2


def test_no_merchant_account_goes_below_zero_and_the_caller_can_go_on(cast):
    fund(cast.merchant, 1_000)

    with transaction.atomic(), pytest.raises(InsufficientBalance):
        move(cast.merchant, 1_001, "payout:p:hold")
    move(cast.merchant, 1_000, "payout:q:hold")

    assert Posting.objects.count() == 2
    assert wallets(merchant_ids=[cast.merchant.pk], mode="test")[0].available_minor == 0
    assert_ledger_balances()


@pytest.mark.parametrize(
    "amounts", [(-5, 4), (5, 5), (0, 0)], ids=["off by one", "same sign", "nothing moved"]
)
def test_unbalanced_lines_are_refused(cast, amounts):
    fund(cast.merchant, 1_000)
    lines = [Line(available(cast.merchant), amounts[0]), Line(house_account("test", "INR", "fees"), amounts[1])]

    with pytest.raises(Unbalanced):
        post(kind="x", reference="x", mode="test", lines=lines)

    assert Posting.objects.count() == 1


def test_currencies_do_not_balance_each_other(cast):
    lines = [Line(available(cast.merchant), 5), Line(house_account("test", "USDT", "fees"), -5)]

    with pytest.raises(Unbalanced):
        post(kind="x", reference="x", mode="test", lines=lines)

    assert Posting.objects.count() == 0


def test_modes_and_networks_are_separate_money(cast):
    fund(cast.merchant, 7, mode="live")
    fund(cast.merchant, 9 * 10**8, "USDT", network="BSC")
    fund(cast.merchant, 4 * 10**8, "USDT", network="ETH")

    test = wallets(merchant_ids=[cast.merchant.pk], mode="test")
    live = wallets(merchant_ids=[cast.merchant.pk], mode="live")

    assert [(w.currency, w.network, w.available_minor) for w in test] == [
        ("INR", "", 0), ("USDT", "BSC", 900_000_000), ("USDT", "ETH", 400_000_000),
    ]
    assert [(w.currency, w.available_minor) for w in live] == [("INR", 7)]
    assert_ledger_balances()


@pytest.mark.parametrize("model", [Entry, Posting])
@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_to_change_the_books(cast, model, change):
    fund(cast.merchant, 1_000)
    table, field = model._meta.db_table, "amount" if model is Entry else "kind"
    sql = f"UPDATE {table} SET {field} = {field}" if change == "update" else f"DELETE FROM {table}"

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)

    assert (Entry.objects.count(), Posting.objects.count()) == (2, 1)
    assert_ledger_balances()


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_an_unbalanced_posting_written_by_hand(cast):
    fund(cast.merchant, 1_000)
    account = LedgerAccount.objects.get(merchant=cast.merchant)

    with pytest.raises(DatabaseError, match="sum to zero"), transaction.atomic():
        posting = Posting(id=10_001, kind="x", reference="forged", mode="test", digest="")
        line = Entry(posting=posting, account=account, currency="INR", amount=5)
        if connection.vendor == "sqlite":
            Entry.objects.bulk_create([line])
            posting.save(force_insert=True)
        else:
            posting.save(force_insert=True)
            Entry.objects.bulk_create([line])

    assert Posting.objects.count() == 1
    assert_ledger_balances()


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_entries_added_to_an_old_posting(cast):
    fund(cast.merchant, 1_000)
    posting = Posting.objects.get()
    accounts = list(LedgerAccount.objects.order_by("pk"))
    lines = [Entry(posting=posting, account=accounts[0], currency="INR", amount=5),
             Entry(posting=posting, account=accounts[1], currency="INR", amount=-5)]

    with pytest.raises(DatabaseError, match="together"), transaction.atomic():
        Entry.objects.bulk_create(lines)

    assert Entry.objects.count() == 2


def test_the_database_refuses_a_balance_below_zero(cast):
    fund(cast.merchant, 1_000)

    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerAccount.objects.filter(merchant=cast.merchant).update(balance=-1)

    assert wallets(merchant_ids=[cast.merchant.pk], mode="test")[0].available_minor == 1_000


def test_verify_books_finds_a_balance_changed_by_hand(cast):
    fund(cast.merchant, 1_000)
    LedgerAccount.objects.filter(merchant=cast.merchant).update(balance=2_000)

    problems = verify_books()

    assert problems == [f"account m/{cast.merchant.pk}/test/INR/available: stores 2000, its entries sum to 1000"]


def test_verify_books_finds_a_cut_chain(cast):
    fund(cast.merchant, 1_000)
    LedgerAccount.objects.filter(merchant=cast.merchant).update(sequence=2, head_hash="f" * 64)

    problems = verify_books()

    code = f"m/{cast.merchant.pk}/test/INR/available"
    assert problems == [f"account {code}: entries are missing at the end of its chain"]


def test_verify_books_finds_an_entry_changed_behind_the_guards(cast):
    """Someone with the database's own rights switched the guards off, moved money between house accounts."""
    fund(cast.merchant, 1_000)
    fund(cast.merchant, 500)
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_entry SET amount = amount - 100 WHERE sequence = 1")

    problems = verify_books()

    assert any("is off by -100 INR" in problem for problem in problems)
    assert any("the chain breaks at entry" in problem for problem in problems)
    assert any("was changed" in problem for problem in problems)


def test_balances_at_a_past_moment(cast):
    fund(cast.merchant, 1_000)
    between = timezone.now()
    move(cast.merchant, 300, "payout:p:hold")
    account = LedgerAccount.objects.get(merchant=cast.merchant)
    clearing = LedgerAccount.objects.get(counterparty="bank")

    assert balance_at(account, between) == 1_000
    assert balance_at(account, timezone.now()) == 700
    assert balance_at(account, between - timedelta(days=1)) == 0
    assert (balance_at(clearing, between), balance_at(clearing, timezone.now())) == (0, 300)


def test_rolled_house_balances_equal_the_direct_sum(cast, monkeypatch):
    fund(cast.merchant, 1_000)
    move(cast.merchant, 300, "a")
    monkeypatch.setattr("ledger.rollup._SAFE_AGE", timedelta(seconds=-1))

    moved = roll_up()
    move(cast.merchant, 50, "b")

    clearing = LedgerAccount.objects.get(counterparty="bank")
    assert moved == 2
    assert RolledBalance.objects.get(account=clearing).balance == 300
    assert balance(clearing) == 350
    assert roll_up() == 1
    assert roll_up() == 0
    assert_ledger_balances()


def test_entries_younger_than_ten_minutes_are_not_rolled_up(cast):
    fund(cast.merchant, 1_000)

    assert roll_up() == 0
    assert RolledBalance.objects.count() == 0


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_16_threads_spend_exactly_what_is_there(cast):
    fund(cast.merchant, 200)

    def spend(index):
        done = 0
        for turn in range(25):
            try:
                move(cast.merchant, 1, f"spend:{index}:{turn}")
                done += 1
            except InsufficientBalance:
                pass
        return done

    results = together(16, spend)

    assert sum(results) == 200
    assert wallets(merchant_ids=[cast.merchant.pk], mode="test")[0].available_minor == 0
    assert_ledger_balances()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_transfers_both_ways_never_deadlock(cast):
    fund(cast.merchant, 10_000)
    fund(cast.other, 10_000)
    turns = int(os.environ.get("POSTING_TURNS", "25"))

    def swap(index):
        pair = (cast.merchant, cast.other) if index % 2 else (cast.other, cast.merchant)
        for turn in range(turns):
            lines = [Line(available(pair[0]), -1), Line(available(pair[1]), 1)]
            post(kind="swap", reference=f"swap:{index}:{turn}", mode="test", lines=lines)
        return turns

    results = together(16, swap)

    assert results == [turns] * 16
    assert sum(w.available_minor for w in wallets(merchant_ids=None, mode="test")) == 20_000
    assert_ledger_balances()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_reference_from_many_threads_is_booked_once(cast):
    fund(cast.merchant, 1_000)

    results = together(16, lambda _: move(cast.merchant, 100, "payout:p:hold"))

    assert sorted(posted.replayed for posted in results) == [False] + [True] * 15
    assert wallets(merchant_ids=[cast.merchant.pk], mode="test")[0].available_minor == 900
    assert_ledger_balances()


def test_a_balance_beyond_64_bits_is_refused_and_sums_beyond_them_are_exact(cast):
    fund(cast.merchant, MAX_MINOR - 5)
    fund(cast.other, MAX_MINOR)

    with pytest.raises(BalanceTooLarge), transaction.atomic():
        fund(cast.merchant, 2**62 + 6)

    (wallet,) = wallets(merchant_ids=None, mode="test")
    assert wallet.available_minor == 2 * MAX_MINOR - 5
    assert_ledger_balances()
