"""Many at once, on a real database with real threads: money is booked once and given back at most once."""

from __future__ import annotations

import collections

import pytest

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.lib.providers import Outcome
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.models import Order, Payment, Refund, SandboxCharge
from payments.providers.base import Callback
from payments.services import (
    apply_provider_event,
    capture_payment,
    confirm_payment,
    create_refund,
    mark_failed,
    mark_succeeded,
)
from payments.services.captures import settle_captured
from webhooks.models import Event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROUNDS = 20
TESTS = Actor.system("tests")


def kinds(results):
    return dict(collections.Counter(type(result).__name__ for result in results))


def success(utr, minor=100_000):
    return Outcome("succeeded", utr=utr, amount_minor=minor, currency="INR")


def test_fifty_full_refunds_of_one_payment(cast, paid, fund, balances):
    fund(cast.merchant, 1_000_000)
    payment = paid(100_000)

    results = together(50, lambda _: create_refund(actor=TESTS, payment=payment))

    assert kinds(results) == {"Refund": 1, "RefundTooLarge": 49}
    assert balances(cast.merchant) == (1_000_000 - 2_360, 0, 100_000)
    together(4, lambda _: work.drive_refunds())
    payment.refresh_from_db()
    assert (payment.refunded_minor, payment.refunding_minor) == (100_000, 0)
    assert SandboxCharge.objects.get(kind="refund").times_asked == 1
    assert_ledger_balances()


def test_fifty_refunds_of_three_percent(cast, paid, fund, balances):
    fund(cast.merchant, 1_000_000)
    payment = paid(100_000)

    results = together(50, lambda _: create_refund(actor=TESTS, payment=payment, amount=Money(3_000, "INR")))

    assert kinds(results) == {"Refund": 33, "RefundTooLarge": 17}
    together(4, lambda _: work.drive_refunds(limit=50))
    payment.refresh_from_db()
    assert (payment.refunded_minor, payment.refunding_minor, payment.refundable()) == (99_000, 0, 1_000)
    assert Refund.objects.filter(status="processed").count() == 33
    assert balances(cast.merchant) == (1_000_000 + 97_640 - 99_000, 0, 0)
    assert_ledger_balances()


def test_drivers_at_once_ask_the_provider_once_and_book_once(cast, confirmed, balances):
    for _ in range(ROUNDS):
        confirmed(100_000, vpa="success@upi")

    together(4, lambda _: work.drive_payments())

    assert set(SandboxCharge.objects.values_list("times_asked", flat=True)) == {1}
    assert Payment.objects.filter(status="succeeded").count() == Posting.objects.count() == ROUNDS
    assert balances(cast.merchant) == (ROUNDS * 97_640, 0, 0)
    assert_ledger_balances()


def test_capture_against_fail_has_one_winner(cast, confirmed, balances):
    admin, root = Actor(cast.admin, "panel"), Actor(cast.super_admin, "panel")
    for number in range(ROUNDS):
        payment = confirmed(vpa="pending@upi")

        def decide(index, payment=payment, number=number):
            if index:
                return mark_failed(actor=root, payment=payment, reason="No")
            return mark_succeeded(actor=admin, payment=payment, utr=f"UTR{number:07}")

        results = together(2, decide)
        # A rejection may be overtaken by the money; the money by a rejection never.
        payment.refresh_from_db()
        assert "IllegalTransition" in kinds(results) or payment.flag == "late_success"
        assert payment.status == "succeeded"

    assert balances(cast.merchant) == (ROUNDS * 97_640, 0, 0)
    assert Posting.objects.count() == ROUNDS
    assert_ledger_balances()


def test_two_payments_of_one_order_at_the_same_moment(cast, manual_order, pay, capture, balances):
    for number in range(ROUNDS):
        order = manual_order()
        both = [pay(order), pay(order)]
        for payment in both:
            capture(payment)

        def told(index, both=both, number=number):
            event = Callback(f"{number}-{index}", both[index].public_id, success(f"UTR{number:05}{index}"))
            return apply_provider_event(provider="sandbox", event=event)

        assert sorted(together(2, told)) == ["flagged", "succeeded"]
        assert sorted(order.payments.values_list("status", flat=True)) == ["failed", "succeeded"]

    assert balances(cast.merchant) == (ROUNDS * 97_640, 0, 0)
    assert Order.objects.filter(status="paid").count() == Posting.objects.count() == ROUNDS
    assert_ledger_balances()


def test_copies_of_one_callback_at_the_same_moment(cast, confirmed, balances):
    payment = confirmed()

    results = together(
        16, lambda _: apply_provider_event(
            provider="sandbox", event=Callback("evt-1", payment.public_id, success("UTR0000001"))
        )
    )

    assert collections.Counter(results) == {"succeeded": 1, "duplicate": 15}
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert Event.objects.filter(type="payment.succeeded").count() == 1
    assert_ledger_balances()


def test_success_and_failure_at_the_same_moment_end_the_same(cast, confirmed, balances):
    for number in range(ROUNDS):
        payment = confirmed()
        told = [success(f"UTR{number:07}"), Outcome("failed", code="declined")]

        together(2, lambda index, payment=payment, number=number, told=told: apply_provider_event(
            provider="sandbox", event=Callback(f"{number}-{index}", payment.public_id, told[index])
        ))

        payment.refresh_from_db()
        assert (payment.status, payment.flag) == ("succeeded", "contradicted")

    assert balances(cast.merchant) == (ROUNDS * 97_640, 0, 0)
    assert_ledger_balances()


def test_captures_at_once_book_once(cast, manual_order, pay, balances):
    payment = pay(manual_order())
    work.drive_payments()

    results = together(16, lambda _: capture_payment(actor=TESTS, payment=payment))

    assert {result.captured_at for result in results} == {results[0].captured_at}
    assert Posting.objects.count() == Event.objects.filter(type="payment.captured").count() == 1
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_settlements_at_once_book_once(cast, paid, balances):
    cast.merchant.settlement_delay_days = 1
    cast.merchant.save()
    payment = paid()

    results = together(8, lambda _: settle_captured(actor=TESTS, payment=payment))

    assert collections.Counter(results) == {True: 1, False: 7}
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_one_payer_confirms(make):
    for _ in range(ROUNDS):
        payment = make()

        results = together(
            2, lambda _, pk=payment.pk: confirm_payment(actor=TESTS, payment=Payment.objects.get(pk=pk))
        )

        assert kinds(results) == {"Payment": 1, "IllegalTransition": 1}

    assert Event.objects.filter(type="payment.initiated").count() == ROUNDS


def test_confirming_against_expiry_has_one_winner(make):
    from datetime import timedelta

    from django.utils import timezone

    for _ in range(ROUNDS):
        payment = make()
        Payment.objects.filter(pk=payment.pk).update(expires_at=timezone.now() + timedelta(milliseconds=3))

        def act(index, payment=payment):
            if index:
                return confirm_payment(actor=TESTS, payment=payment)
            return work.expire_payments()

        results = together(2, act)

        payment.refresh_from_db()
        confirmed = isinstance(results[1], Payment)
        assert payment.status == ("processing" if confirmed else "failed") or results[0] == 0
        assert not (confirmed and results[0] == 1)
