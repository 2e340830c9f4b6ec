"""Two people who enter one transfer in the same instant, as a top-up and as a payment's money: one passes, one is
refused and changes nothing."""

from __future__ import annotations

import collections

import pytest
from django.db import connection

from accounts.actors import Actor
from accounts.models import AuditRecord
from gateway.lib.errors import InvalidFields
from gateway.lib.money import Money
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments.corrections.services import confirm_correction, propose_correction
from payments.models import Correction, Payment, StatementLine
from payments.services import mark_succeeded
from payments.statements.deciding import assign_line
from payments.statements.matching import match_exact

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROUNDS = 12


@pytest.fixture
def first(cast):
    return Actor(cast.admin, "panel")


@pytest.fixture
def second(cast):
    return Actor(cast.super_admin, "panel")


def top_up(actor, merchant, utr):
    return propose_correction(
        actor=actor, merchant=merchant, mode="live", kind="top_up", amount=Money(100_000, "INR"), reason="Sent by bank",
        bank_reference=utr,
    )


def check_one_passed(payment, utr, results):
    """(the top-up, the payment): which of them is there, and nothing of the other."""
    corrections = Correction.objects.filter(bank_reference=utr)
    trail = AuditRecord.objects.filter(action="correction.proposed", data__detail__icontains=utr)
    payment.refresh_from_db()
    proposed = isinstance(results[0], Correction)
    booked = Posting.objects.filter(reference__startswith=f"payment:{payment.public_id}").count()
    found = (corrections.count(), payment.status, payment.utr, booked, trail.count())
    assert found == ((1, "processing", "", 0, 1) if proposed else (0, "succeeded", utr, 1, 0)), results
    return "top_up" if proposed else "payment"


def test_a_top_up_and_a_payment_approved_by_hand(cast, by_hand, claimed, first, second):
    by_hand()
    won = collections.Counter()
    for number in range(ROUNDS):
        utr, payment = f"4123456{number:05}", claimed()

        def act(index, utr=utr, payment=payment):
            if index:
                return mark_succeeded(actor=second, payment=payment, utr=utr.lower())
            return top_up(first, cast.merchant, utr)

        results = together(2, act)
        won[check_one_passed(payment, utr, results)] += 1
        [refused] = [result for result in results if isinstance(result, Exception)]
        assert isinstance(refused, InvalidFields)
        assert "has already been used" in str(refused.details)

    assert sum(won.values()) == ROUNDS
    assert_ledger_balances()


@pytest.mark.parametrize("by", ["the worker", "an operator"])
def test_a_top_up_and_a_credit_of_the_statement(cast, by_hand, bring, claimed, first, second, by):
    account = by_hand()
    bring(account, *[(f"4123457{number:05}", "1000.00") for number in range(ROUNDS)])
    for number in range(ROUNDS):
        utr = f"4123457{number:05}"
        payment, line = claimed(), StatementLine.objects.get(utr=utr)
        Payment.objects.filter(pk=payment.pk).update(claimed_utr=utr)

        def act(index, utr=utr, payment=payment, line=line):
            if not index:
                return top_up(first, cast.merchant, utr)
            if by == "the worker":
                return match_exact(line=line, payment=payment)
            return assign_line(actor=second, line=line, payment=payment)

        results = together(2, act)
        won = check_one_passed(payment, utr, results)
        line.refresh_from_db()
        assert line.status == ("unmatched" if won == "top_up" else "matched")
        assert won != "payment" or isinstance(results[0], InvalidFields)
        assert won != "top_up" or results[1] is False or isinstance(results[1], InvalidFields)

    assert_ledger_balances()


def test_a_confirmation_beside_another_top_up_and_a_payment(cast, by_hand, claimed, balances, first, second):
    """Of one UTR, a top-up that waits is confirmed while it is entered again and as a payment: it alone passes."""
    by_hand()
    for number in range(ROUNDS):
        utr, payment = f"4123458{number:05}", claimed()
        row = top_up(first, cast.merchant, utr)

        def act(index, utr=utr, payment=payment, row=row):
            if index == 0:
                return confirm_correction(actor=second, correction=row)
            if index == 1:
                return top_up(second, cast.merchant, utr)
            return mark_succeeded(actor=second, payment=payment, utr=utr)

        results = together(3, act)
        assert [type(result).__name__ for result in results] == ["Correction", "InvalidFields", "UtrUsed"]
        payment.refresh_from_db()
        assert (payment.status, payment.utr) == ("processing", "")

    assert balances(cast.merchant, "live") == (ROUNDS * 100_000, 0, 0)
    assert Posting.objects.count() == Correction.objects.count() == ROUNDS
    assert_ledger_balances()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and no lock to see")
def test_the_turn_ends_with_its_transaction(cast, by_hand, claimed, second):
    by_hand()
    mark_succeeded(actor=second, payment=claimed(), utr="412345900001")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
