"""Rows and their posting, written together: all of it or nothing, and the same refusals as a posting alone."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import audit
from accounts.actors import Actor
from accounts.models import AuditRecord, Merchant
from gateway.lib.money import MAX_MINOR
from gateway.lib.racing import together
from ledger.errors import BalanceTooLarge, InsufficientBalance, ReferenceReused, Unbalanced
from ledger.models import Entry, LedgerAccount, Posting
from ledger.queries import wallets
from ledger.services import Line, house_account, merchant_account, post, post_with
from ledger.testing import assert_ledger_balances, fund


def lines(merchant, minor):
    return [
        Line(merchant_account(merchant.pk, "test", "INR", "available"), -minor),
        Line(house_account("test", "INR", "clearing", "bank"), minor),
    ]


def book(merchant, minor, reference="payout:p:hold", target="p"):
    rows = [audit.entry(Actor.system("tests"), f"test.{name}", target, merchant=merchant) for name in ("a", "b", "c")]
    post_with(*rows, kind="test.move", reference=reference, mode="test", lines=lines(merchant, minor))
    return rows


def counts():
    trail = AuditRecord.objects.filter(action__startswith="test.")
    return trail.count(), Posting.objects.count(), Entry.objects.count()


def available(merchant):
    return wallets(merchant_ids=[merchant.pk], mode="test")[0].available_minor


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.django_db(transaction=True)
def test_rows_and_posting_are_written_together(cast, inside):
    fund(cast.merchant, 1_000)

    if inside:
        with transaction.atomic():
            rows = book(cast.merchant, 400)
    else:
        rows = book(cast.merchant, 400)

    assert list(AuditRecord.objects.filter(target="p").order_by("id")) == rows  # in their order
    entries = Entry.objects.filter(posting__reference="payout:p:hold").order_by("amount")
    assert [(entry.amount, entry.sequence, entry.balance_after) for entry in entries] == [(-400, 2, 600), (400, None, None)]
    assert available(cast.merchant) == 600
    assert_ledger_balances()


@pytest.mark.django_db(transaction=True)
def test_it_leaves_what_a_posting_alone_leaves(cast):
    fund(cast.merchant, 1_000)
    fund(cast.other, 1_000)

    book(cast.merchant, 400)
    post(kind="test.move", reference="payout:q:hold", mode="test", lines=lines(cast.other, 400))

    kept = [
        sorted(row[1:] for row in Entry.objects.filter(posting__reference=reference).values_list(
            "id", "account__kind", "currency", "amount", "sequence", "balance_after"))
        for reference in ("payout:p:hold", "payout:q:hold")
    ]
    assert kept[0] == kept[1]
    assert_ledger_balances()


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.django_db(transaction=True)
def test_what_the_wallet_cannot_pay_leaves_no_row(cast, inside):
    fund(cast.merchant, 1_000)
    before = counts()

    if inside:
        with transaction.atomic():
            with pytest.raises(InsufficientBalance):
                book(cast.merchant, 1_001)
            Merchant.objects.filter(pk=cast.merchant.pk).update(name="The transaction goes on")
    else:
        with pytest.raises(InsufficientBalance):
            book(cast.merchant, 1_001)

    assert counts() == before == (0, 1, 2)
    assert available(cast.merchant) == 1_000
    assert Merchant.objects.filter(name="The transaction goes on").count() == inside
    book(cast.merchant, 1_000)
    assert available(cast.merchant) == 0
    assert_ledger_balances()


@pytest.mark.parametrize("minor", [400, 401], ids=["the same lines", "other lines"])
@pytest.mark.django_db(transaction=True)
def test_a_booked_reference_is_refused_whatever_its_lines(cast, minor):
    fund(cast.merchant, 1_000)
    post(kind="test.move", reference="payout:p:hold", mode="test", lines=lines(cast.merchant, 400))
    before = counts()

    with pytest.raises(ReferenceReused) as refused:
        book(cast.merchant, minor)

    assert refused.value.details == {"reference": "payout:p:hold"}
    assert counts() == before
    assert available(cast.merchant) == 600
    assert_ledger_balances()


@pytest.mark.django_db(transaction=True)
def test_a_balance_beyond_64_bits_is_refused(cast):
    fund(cast.merchant, MAX_MINOR - 5)
    before = counts()

    with pytest.raises(BalanceTooLarge):
        book(cast.merchant, -(2**62 + 6))

    assert counts() == before
    assert available(cast.merchant) == MAX_MINOR - 5
    assert_ledger_balances()


@pytest.mark.django_db(transaction=True)
def test_unbalanced_lines_ask_the_database_for_nothing(cast, django_assert_num_queries):
    row = audit.entry(Actor.system("tests"), "test.a", "p", merchant=cast.merchant)

    with pytest.raises(Unbalanced), django_assert_num_queries(0):
        post_with(row, kind="x", reference="x", mode="test", lines=lines(cast.merchant, 5)[:1])

    assert counts() == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_refused_books_nothing(cast):
    fund(cast.merchant, 1_000)
    account = LedgerAccount.objects.get(merchant=cast.merchant)
    again = LedgerAccount(code=account.code, mode="test", kind="available", currency="INR")

    with pytest.raises(IntegrityError):
        post_with(again, kind="x", reference="x", mode="test", lines=lines(cast.merchant, 2_000))

    assert available(cast.merchant) == 1_000
    assert Posting.objects.count() == 1
    assert_ledger_balances()


@pytest.mark.django_db(transaction=True)
def test_it_is_one_statement_on_postgresql(cast, django_assert_num_queries):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite takes the same steps in turn")
    fund(cast.merchant, 1_000)

    with django_assert_num_queries(1):
        book(cast.merchant, 400)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_16_threads_spend_exactly_what_is_there(cast):
    fund(cast.merchant, 100)

    def spend(index):
        done = 0
        for turn in range(13):
            try:
                book(cast.merchant, 1, f"spend:{index}:{turn}", f"{index}:{turn}")
                done += 1
            except InsufficientBalance:
                pass
        return done

    results = together(16, spend)

    assert sum(results) == 100
    assert counts() == (300, 101, 202)
    assert available(cast.merchant) == 0
    assert_ledger_balances()
