"""Refunds of payments whose money is still pending: they take that payment's own, never another's."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.lib.providers import Outcome
from gateway.lib.racing import together
from ledger.errors import InsufficientBalance
from ledger.models import Entry, FeePlan, LedgerAccount
from ledger.testing import assert_ledger_balances
from ledger.verify import verify_books
from payments import work
from payments.models import Payment, Refund
from payments.services import create_refund
from payments.services.captures import settle_captured
from payments.services.refunds import apply_refund_outcome

TESTS = Actor.system("tests")
one = pytest.mark.django_db


def refund(payment, minor=None):
    return create_refund(actor=TESTS, payment=payment, amount=None if minor is None else Money(minor, "INR"))


def settle(payment):
    return settle_captured(actor=TESTS, payment=payment)


def fail(row):
    assert apply_refund_outcome(actor=TESTS, refund=row, outcome=Outcome("failed", code="declined")) == "failed"
    return Refund.objects.get(pk=row.pk)


def entries(reference):
    rows = Entry.objects.filter(posting__reference=reference, account__merchant__isnull=False)
    return dict(rows.values_list("account__kind", "amount"))


@pytest.fixture
def unsettled(cast, paid):
    """A payment of a merchant whose money is available after two days: the net of ₹1,000.00 is 976.40."""

    def unsettled(minor=100_000, **more):
        cast.merchant.settlement_delay_days = 2
        cast.merchant.save()
        return paid(minor, **more)

    return unsettled


@one
def test_a_refund_takes_the_payments_own_pending_money_and_the_rest_is_settled(cast, unsettled, balances):
    payment = unsettled()
    assert balances(cast.merchant) == (0, 97_640, 0)

    row = refund(payment, 10_000)
    assert (row.from_pending_minor, balances(cast.merchant)) == (10_000, (0, 87_640, 10_000))
    assert_ledger_balances()
    work.drive_refunds()
    assert balances(cast.merchant) == (0, 87_640, 0)
    assert_ledger_balances()
    Payment.objects.update(due_at=timezone.now())
    assert work.settle_payments() == 1

    assert balances(cast.merchant) == (87_640, 0, 0)
    assert entries(f"payment:{payment.public_id}:settle") == {"pending": -87_640, "available": 87_640}
    later = refund(payment, 20_000)
    assert (later.from_pending_minor, balances(cast.merchant)) == (0, (67_640, 0, 20_000))
    assert_ledger_balances()


@one
def test_what_a_full_refund_lacks_for_the_fee_is_available_or_it_is_refused(cast, unsettled, balances, fund):
    payment, other = unsettled(), unsettled(50_000)  # the other's 488.20 would do, and is never touched
    fund(cast.merchant, 2_359)
    before = (2_359, 97_640 + 48_820, 0)
    with pytest.raises(InsufficientBalance):
        refund(payment)
    payment.refresh_from_db()
    assert (balances(cast.merchant), Refund.objects.count(), payment.refunding_minor) == (before, 0, 0)

    fund(cast.merchant, 1)
    row = refund(payment)
    assert (row.amount_minor, row.from_pending_minor) == (100_000, 97_640)
    assert entries(f"refund:{row.public_id}:hold") == {"pending": -97_640, "available": -2_360, "reserved": 100_000}
    assert balances(cast.merchant) == (0, 48_820, 100_000)

    assert settle(payment) is True  # nothing is left to move, and nothing is booked
    assert entries(f"payment:{payment.public_id}:settle") == {}
    work.drive_refunds()
    assert settle(other) is True
    assert balances(cast.merchant) == (48_820, 0, 0)
    assert_ledger_balances()


@one
def test_a_second_refund_takes_what_the_first_has_left(cast, unsettled, balances, fund):
    payment = unsettled()
    fund(cast.merchant, 10_000)

    taken = [refund(payment, minor).from_pending_minor for minor in (60_000, 39_000, 1_000)]

    assert taken == [60_000, 37_640, 0]
    assert balances(cast.merchant) == (10_000 - 2_360, 0, 100_000)
    assert_ledger_balances()


@one
@pytest.mark.parametrize(("settled_first", "back"), [(False, (0, 97_640, 0)), (True, (97_640, 0, 0))])
def test_a_refund_that_fails_gives_back_to_where_the_payments_money_is(
    cast, unsettled, balances, settled_first, back
):
    payment = unsettled(vpa="norefund@upi")
    row = refund(payment, 30_000)
    if settled_first:
        settle(payment)
        assert balances(cast.merchant) == (67_640, 0, 30_000)

    work.drive_refunds()

    row.refresh_from_db()
    assert (row.status, row.from_pending_minor, balances(cast.merchant)) == ("failed", 30_000, back)
    assert_ledger_balances()
    if not settled_first:
        assert refund(payment, 97_640).from_pending_minor == 97_640  # all of it is there again
        assert balances(cast.merchant) == (0, 0, 97_640)
    settle(payment)
    assert sum(balances(cast.merchant)) == 97_640
    assert_ledger_balances()


@one
def test_a_fee_that_is_given_back_is_available_at_once(cast, unsettled, balances):
    FeePlan.objects.create(
        merchant=cast.merchant, product="payin_upi", basis_points=200, gst_basis_points=1800, refunds_fee=True
    )
    payment = unsettled()

    refund(payment, 50_000)
    work.drive_refunds()

    assert balances(cast.merchant) == (1_180, 47_640, 0)
    settle(payment)
    assert balances(cast.merchant) == (48_820, 0, 0)
    assert_ledger_balances()


@one
def test_the_books_say_when_pending_money_is_not_what_its_payments_are(cast, unsettled):
    row = refund(unsettled(), 10_000)
    assert verify_books() == []
    account = LedgerAccount.objects.get(kind="pending", merchant=cast.merchant)

    Refund.objects.filter(pk=row.pk).update(from_pending_minor=9_999)

    assert verify_books() == [
        f"account {account.code}: holds 87640, its unsettled payments less their refunds 87641"
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_two_refunds_against_the_settlement(cast, unsettled, balances):
    payments = [unsettled() for _ in range(10)]

    for payment in payments:
        acts = [lambda p: refund(p, 40_000), settle, lambda p: refund(p, 50_000)]
        results = together(3, lambda index, acts=acts, payment=payment: acts[index](payment))
        assert (results[1], [type(results[0]), type(results[2])]) == (True, [Refund, Refund])
        payment.refresh_from_db()
        assert payment.refunding_minor == 90_000

    assert balances(cast.merchant) == (10 * 7_640, 0, 10 * 90_000)
    assert_ledger_balances()


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_refunds_at_once_share_the_payments_own_money(cast, unsettled, balances):
    payment, other = unsettled(), unsettled()

    results = together(8, lambda _: refund(payment, 33_000))

    made = [row for row in results if isinstance(row, Refund)]
    # 976.40 pays two; a third needs 13.60 more, which only the other payment has.
    assert sorted(type(row).__name__ for row in results) == ["InsufficientBalance"] * 6 + ["Refund"] * 2
    assert [row.from_pending_minor for row in made] == [33_000] * 2
    assert balances(cast.merchant) == (0, 2 * 97_640 - 66_000, 66_000)
    together(2, lambda index: settle((payment, other)[index]))
    assert balances(cast.merchant) == (2 * 97_640 - 66_000, 0, 66_000)
    assert_ledger_balances()


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_a_refund_that_fails_while_its_payment_is_settled(cast, unsettled, balances):
    for _ in range(10):
        payment = unsettled()
        row = refund(payment, 30_000)

        results = together(2, lambda index, payment=payment, row=row: fail(row) if index else settle(payment))

        assert results[0] is True
        assert results[1].status == "failed"

    assert balances(cast.merchant) == (10 * 97_640, 0, 0)
    assert_ledger_balances()
