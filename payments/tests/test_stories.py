"""Worked money stories: what each account holds after every step, to the paisa."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.errors import ProviderUnavailable
from gateway.lib.money import Money
from ledger.models import Entry, Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.errors import DuplicateReference, NotCapturable, OrderAlreadyPaid
from payments.models import Order, Payment, SandboxCharge
from payments.services import clear_flag, confirm_payment, create_order, create_payment, simulate
from webhooks.models import Event

pytestmark = pytest.mark.django_db


def events_about(payment):
    return list(Event.objects.filter(subject=payment.public_id).order_by("id").values_list("type", flat=True))


def lines_of(reference):
    rows = Entry.objects.filter(posting__reference=reference).select_related("account")
    return {row.account.kind: row.amount for row in rows}


def test_a_payment_of_1000_rupees_costs_23_60_and_leaves_976_40(cast, make, balances):
    payment = make(100_000)

    assert (payment.status, payment.fee_minor, payment.tax_minor) == ("created", 2360, 360)
    assert payment.net == Money(97_640, "INR")
    assert payment.order.status == "attempted"
    assert balances(cast.merchant) == (0, 0, 0)


def test_capture_books_gross_fee_and_gst_once(cast, paid, balances):
    payment = paid(100_000, vpa="success@upi")

    assert lines_of(f"payment:{payment.public_id}:capture") == {
        "clearing": -100_000, "available": 97_640, "fees": 2_000, "tax": 360,
    }
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert (payment.received_minor, payment.comments, payment.flag) == (100_000, "Auto Approved", "")
    assert payment.utr == SandboxCharge.objects.get(reference=payment.public_id).utr
    assert payment.captured_at is not None
    assert payment.settled_at == payment.captured_at
    assert Order.objects.get(pk=payment.order_id).status == "paid"
    assert events_about(payment) == ["payment.initiated", "payment.succeeded", "payment.captured"]
    assert_ledger_balances()


def test_a_declined_payment_moves_nothing(cast, confirmed, balances):
    payment = confirmed(vpa="failure@upi")

    work.drive_payments()

    payment.refresh_from_db()
    assert (payment.status, payment.failure_code) == ("failed", "payment_declined")
    assert payment.failure_reason == "The payer's bank declined the payment."
    assert balances(cast.merchant) == (0, 0, 0)
    assert not Posting.objects.exists()
    assert events_about(payment) == ["payment.initiated", "payment.failed"]
    assert_ledger_balances()


def test_processing_can_be_seen_until_the_sandbox_decides(settings, confirmed, due_again):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 1.0
    payment = confirmed(vpa="success@upi")

    work.drive_payments()

    payment.refresh_from_db()
    assert (payment.status, payment.provider_state) == ("processing", "sent")
    assert 0.5 < (payment.due_at - timezone.now()).total_seconds() <= 1.0

    SandboxCharge.objects.update(decide_at=timezone.now())
    due_again(payment)
    work.drive_payments()

    payment.refresh_from_db()
    assert payment.status == "succeeded"
    assert SandboxCharge.objects.get().times_asked == 1
    assert_ledger_balances()


def test_pending_upi_waits_for_ever_and_is_asked_ever_more_rarely(confirmed, due_again):
    payment = confirmed(vpa="pending@upi")

    for tries in range(1, 8):
        work.drive_payments()
        payment.refresh_from_db()
        assert payment.status == "processing"
        assert (payment.due_at - timezone.now()).total_seconds() == pytest.approx(2 ** (tries - 1), abs=0.5)
        due_again(payment)

    assert SandboxCharge.objects.get().times_asked == 1


def test_money_is_pending_until_the_settlement_delay_is_over(cast, paid, balances, due_again):
    cast.merchant.settlement_delay_days = 2
    cast.merchant.save()
    payment = paid(100_000)
    assert balances(cast.merchant) == (0, 97_640, 0)
    assert payment.due_at - payment.captured_at == timedelta(days=2)

    assert work.settle_payments() == 0
    due_again(payment)
    assert work.drive_payments() == 0
    assert work.settle_payments() == 1

    payment.refresh_from_db()
    assert payment.settled_at is not None
    assert balances(cast.merchant) == (97_640, 0, 0)
    due_again(payment)
    assert work.settle_payments() == 0
    assert_ledger_balances()


def test_a_fee_is_never_more_than_the_payment(cast, paid, balances):
    from ledger.fees import set_fee_plan

    set_fee_plan(
        actor=Actor(cast.admin, "tests"), merchant=cast.merchant, product="payin_upi", fixed_minor=500,
        basis_points=0, gst_basis_points=1800,
    )
    payment = paid(300)

    assert (payment.fee_minor, payment.tax_minor, payment.net.minor) == (300, 46, 0)
    assert balances(cast.merchant) == (0, 0, 0)
    assert_ledger_balances()


def test_a_reference_names_one_order_per_merchant_and_mode(cast, make):
    first = make(reference="TXN-1")

    with pytest.raises(DuplicateReference) as refusal:
        make(reference="TXN-1")

    assert refusal.value.code == "duplicate_order_id"
    assert [payment.pk for payment in Payment.objects.all()] == [first.pk]
    make(reference="TXN-1", merchant=cast.other)


def test_live_mode_needs_a_provider_before_anything_else_is_looked_at(cast, make, settings):
    make(reference="TXN-1")

    for name in ("", "sandbox", "unheard-of"):
        settings.LIVE_PAYMENT_PROVIDER = name
        with pytest.raises(ProviderUnavailable):
            make(reference="TXN-1", mode="live")
        with pytest.raises(ProviderUnavailable):
            create_order(
                actor=Actor.system("tests"), merchant=cast.merchant, mode="live", contract="checkout",
                amount=Money(100, "INR"),
            )

    assert Order.objects.count() == Payment.objects.count() == 1


def test_only_fiat_money_is_taken(cast):
    from gateway.lib.errors import InvalidFields

    with pytest.raises(InvalidFields) as refusal:
        create_payment(
            actor=Actor.system("tests"), merchant=cast.merchant, mode="test", contract="portal",
            amount=Money(10**8, "USDT"), reference="TXN-1",
        )

    assert refusal.value.details["fields"] == {"currency": "must be INR"}
    assert not Order.objects.exists()


def test_manual_capture_books_nothing_until_asked_and_then_once(cast, manual_order, pay, capture, balances):
    order = manual_order(100_000)
    payment = pay(order)
    assert (payment.status, payment.expires_at) == ("created", None)
    work.drive_payments()
    payment.refresh_from_db()
    assert (payment.status, payment.captured_at) == ("succeeded", None)
    assert balances(cast.merchant) == (0, 0, 0)
    assert_ledger_balances()

    first = capture(payment)
    again = capture(payment)

    assert first.captured_at == again.captured_at is not None
    assert Posting.objects.count() == 1
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert events_about(payment) == ["payment.initiated", "payment.succeeded", "payment.captured"]
    assert Order.objects.get(pk=order.pk).status == "paid"
    assert_ledger_balances()


def test_a_capture_asked_for_early_is_remembered(cast, manual_order, pay, capture, balances):
    payment = pay(manual_order())

    assert capture(payment).status == "created"
    assert capture(payment).captured_at is None
    assert balances(cast.merchant) == (0, 0, 0)
    work.drive_payments()

    payment.refresh_from_db()
    assert (payment.status, payment.captured_at is not None) == ("succeeded", True)
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_a_failed_payment_is_never_captured(cast, manual_order, pay, capture, balances):
    payment = pay(manual_order(), vpa="failure@upi")
    capture(payment)

    work.drive_payments()
    with pytest.raises(NotCapturable):
        capture(payment)

    assert balances(cast.merchant) == (0, 0, 0)
    assert not Posting.objects.exists()
    assert_ledger_balances()


def test_an_order_may_be_tried_again_after_a_failure_but_not_after_success(manual_order, pay):
    order = manual_order()
    pay(order, vpa="failure@upi")
    work.drive_payments()

    second = pay(order)
    work.drive_payments()
    with pytest.raises(OrderAlreadyPaid):
        pay(order)

    second.refresh_from_db()
    assert second.status == "succeeded"
    assert order.payments.count() == 2


def test_the_second_payment_of_a_paid_order_is_not_booked_but_flagged(cast, manual_order, pay, capture, balances):
    order = manual_order()
    second = pay(order, vpa="pending@upi")
    capture(second)
    work.drive_payments()  # it is with its provider when the first one is made
    first = pay(order)
    capture(first)
    work.drive_payments()

    simulate(payment=second, succeed=True)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.flag) == ("succeeded", "")
    assert (second.status, second.failure_code, second.flag) == ("failed", "order_already_paid", "second_success")
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_a_provider_that_captures_apart_is_asked_by_a_worker(cast, manual_order, pay, capture, balances, provider):
    from gateway.lib.providers import Outcome, ProviderTimeout

    provider.captures_at_once = False
    provider.answers = [Outcome("succeeded", utr="UTR000001"), ProviderTimeout(), Outcome("succeeded")]
    payment = pay(manual_order(mode="live"))
    work.drive_payments()

    assert capture(payment).captured_at is None
    work.drive_payments()
    payment.refresh_from_db()
    assert (payment.captured_at, balances(cast.merchant, "live")) == (None, (0, 0, 0))
    Payment.objects.update(due_at=timezone.now())
    work.drive_payments()

    payment.refresh_from_db()
    assert payment.captured_at is not None
    assert [call for call, _ in provider.asked] == ["authorise", "capture", "capture"]
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert_ledger_balances()


def test_a_capture_that_the_provider_refuses_is_flagged(cast, manual_order, pay, capture, balances, provider):
    from gateway.lib.providers import Outcome

    provider.captures_at_once = False
    provider.answers = [Outcome("succeeded"), Outcome("failed", message="Too late.")]
    payment = pay(manual_order(mode="live"))
    work.drive_payments()
    capture(payment)

    work.drive_payments()

    payment.refresh_from_db()
    assert (payment.flag, payment.captured_at, payment.due_at) == ("capture_failed", None, None)
    assert balances(cast.merchant, "live") == (0, 0, 0)
    assert_ledger_balances()


def test_a_refused_capture_that_nobody_had_to_ask_for_is_asked_again_once_it_is_dealt_with(
    cast, make, balances, provider
):
    from gateway.lib.providers import Outcome

    provider.captures_at_once = False
    provider.answers = [Outcome("succeeded"), Outcome("failed", message="Later."), Outcome("succeeded")]
    payment = confirm_payment(actor=Actor.system("payment page"), payment=make(mode="live"), vpa="a@upi")
    work.drive_payments()
    work.drive_payments()
    payment.refresh_from_db()
    assert (payment.flag, payment.captured_at, payment.due_at) == ("capture_failed", None, None)

    clear_flag(actor=Actor(cast.admin, "panel"), record=payment, note="It works again")
    assert work.drive_payments() == 1

    payment.refresh_from_db()
    assert payment.captured_at is not None
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert_ledger_balances()


def test_a_manual_capture_that_nobody_asked_for_stays_so_when_a_flag_is_cleared(cast, manual_order, pay, provider):
    from gateway.lib.providers import Outcome

    provider.answers = [Outcome("succeeded", utr="UTR0000001")]
    payment = pay(manual_order(mode="live"))
    work.drive_payments()
    type(payment).objects.update(flag="contradicted")
    payment.refresh_from_db()

    clear_flag(actor=Actor(cast.admin, "panel"), record=payment, note="Asked them")

    payment.refresh_from_db()
    assert (payment.status, payment.due_at, payment.captured_at) == ("succeeded", None, None)
