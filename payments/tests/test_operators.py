"""What operators may decide, and who may not."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.operators import OwnRecord
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed, NotFound
from gateway.lib.money import Money
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.errors import OrderAlreadyPaid, UtrUsed
from payments.models import Payment
from payments.services import clear_flag, mark_failed, mark_succeeded
from webhooks.models import Event

pytestmark = pytest.mark.django_db


def by(user):
    return Actor(user, "panel")


def mark(user, payment, utr="UTR0000001", **more):
    return mark_succeeded(actor=by(user), payment=payment, utr=utr, **more)


def test_an_operator_of_the_team_marks_a_payment_as_paid(cast, confirmed, balances):
    payment = mark(cast.admin, confirmed(vpa="pending@upi"), " utr0000001 ")

    assert (payment.status, payment.utr, payment.received_minor) == ("succeeded", "UTR0000001", 100_000)
    assert payment.comments == "Approved by an operator"
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert work.drive_payments() == 0
    assert_ledger_balances()


@pytest.mark.parametrize("received", [40_000, 150_000])
def test_what_was_received_is_what_is_booked(cast, confirmed, balances, received):
    payment = mark(cast.super_admin, confirmed(vpa="pending@upi"), received=Money(received, "INR"))

    fee = received * 236 // 10_000
    assert (payment.amount_minor, payment.received_minor, payment.fee_minor) == (100_000, received, fee)
    assert balances(cast.merchant) == (received - fee, 0, 0)
    assert_ledger_balances()


def test_the_fee_of_another_sum_is_that_sums_before_its_capture_too(cast, manual_order, pay, capture, balances):
    payment = mark(cast.admin, pay(manual_order(100_000), vpa="pending@upi"), received=Money(1000, "INR"))
    fresh = Payment.objects.get(pk=payment.pk)

    assert (fresh.captured_at, fresh.fee_minor, fresh.tax_minor, fresh.net) == (None, 24, 4, Money(976, "INR"))
    assert balances(cast.merchant) == (0, 0, 0)
    capture(fresh)
    fresh.refresh_from_db()
    assert (fresh.fee_minor, fresh.tax_minor, fresh.net) == (24, 4, Money(976, "INR"))
    assert balances(cast.merchant) == (976, 0, 0)
    assert_ledger_balances()


def test_a_sum_booked_under_older_code_is_charged_at_its_capture(cast, manual_order, pay, capture, balances):
    payment = mark(cast.admin, pay(manual_order(100_000), vpa="pending@upi"), received=Money(1000, "INR"))
    Payment.objects.update(fee_minor=2360, tax_minor=360)

    capture(payment)

    payment.refresh_from_db()
    assert (payment.fee_minor, payment.tax_minor) == (24, 4)
    assert balances(cast.merchant) == (976, 0, 0)
    assert_ledger_balances()


def test_who_may_not(cast, confirmed):
    payment = confirmed(vpa="pending@upi")
    refusals = {
        cast.merchant_user: NotAllowed, cast.api_user: NotAllowed, cast.other_user: NotAllowed,
        cast.other_admin: NotFound,
    }

    for user, refusal in refusals.items():
        with pytest.raises(refusal):
            mark(user, payment)
        with pytest.raises(refusal):
            mark_failed(actor=by(user), payment=payment, reason="No")
    with pytest.raises(NotAllowed):
        mark_succeeded(actor=Actor.system("payment page"), payment=payment, utr="UTR0000001")

    payment.refresh_from_db()
    assert payment.status == "processing"
    assert not Posting.objects.exists()


def test_an_admin_marks_no_payment_of_its_own_a_super_admin_does(cast, make):
    payment = make(created_by=cast.admin)

    with pytest.raises(OwnRecord):
        mark(cast.admin, payment)
    with pytest.raises(OwnRecord):
        mark_failed(actor=by(cast.admin), payment=payment, reason="No")

    assert mark(cast.super_admin, make(created_by=cast.super_admin)).status == "succeeded"


@pytest.mark.parametrize("utr", ["", "12345", "ABC 123456", "é12345"])
def test_a_utr_is_needed(cast, confirmed, utr):
    with pytest.raises(InvalidFields) as refusal:
        mark(cast.admin, confirmed(vpa="pending@upi"), utr)

    assert list(refusal.value.details["fields"]) == ["utr"]
    assert not Posting.objects.exists()


@pytest.mark.parametrize("received", [Money(0, "INR"), Money(-1, "INR"), Money(1, "USDT")])
def test_received_must_be_money_of_the_payment(cast, confirmed, received):
    with pytest.raises(InvalidFields):
        mark(cast.admin, confirmed(vpa="pending@upi"), received=received)

    assert not Posting.objects.exists()


def test_a_utr_is_used_once(cast, confirmed, balances):
    mark(cast.admin, confirmed(vpa="pending@upi"))
    second = confirmed(vpa="pending@upi")

    with pytest.raises(UtrUsed):
        mark(cast.admin, second, "utr0000001")

    second.refresh_from_db()
    assert (second.status, second.utr) == ("processing", "")
    assert balances(cast.merchant) == (97_640, 0, 0)


def test_the_database_keeps_a_utr_to_one_payment(cast, confirmed, monkeypatch):
    from payments.services import operators

    mark(cast.admin, confirmed(vpa="pending@upi"))
    monkeypatch.setattr(operators, "check_utr_is_new", lambda *_: None)
    second = confirmed(vpa="pending@upi")

    with pytest.raises(UtrUsed):
        mark(cast.admin, second)

    second.refresh_from_db()
    assert second.status == "processing"


def test_the_same_utr_in_the_other_mode_is_another(cast, confirmed, provider):
    mark(cast.admin, confirmed(vpa="pending@upi"))

    assert mark(cast.admin, confirmed(mode="live")).status == "succeeded"


def test_a_payment_that_succeeded_stays_as_it_is(cast, paid):
    payment = paid()

    with pytest.raises(IllegalTransition):
        mark(cast.admin, payment)
    with pytest.raises(IllegalTransition):
        mark_failed(actor=by(cast.admin), payment=payment, reason="No")

    assert Posting.objects.count() == 1
    assert_ledger_balances()


def test_an_operator_rejects_with_a_reason(cast, confirmed):
    payment = confirmed(vpa="pending@upi")
    with pytest.raises(InvalidFields):
        mark_failed(actor=by(cast.admin), payment=payment, reason=" ")

    mark_failed(actor=by(cast.admin), payment=payment, reason="Not on the statement")

    payment.refresh_from_db()
    assert (payment.status, payment.failure_code, payment.failure_reason) == (
        "failed", "rejected", "Not on the statement",
    )
    assert list(Event.objects.values_list("type", flat=True)) == ["payment.initiated", "payment.failed"]
    assert not Posting.objects.exists()


def test_money_that_came_after_the_link_expired_can_be_booked(cast, make, balances):
    payment = make()
    Payment.objects.update(expires_at=payment.created_at)
    work.expire_payments()

    late = mark(cast.admin, payment)

    assert (late.status, late.flag, late.failure_code, late.failure_reason) == ("succeeded", "late_success", "", "")
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


def test_an_order_is_paid_once(cast, manual_order, pay, balances):
    order = manual_order()
    first, second = pay(order, vpa="pending@upi"), pay(order, vpa="pending@upi")
    mark(cast.admin, first)

    with pytest.raises(OrderAlreadyPaid):
        mark(cast.admin, second, "UTR0000002")

    second.refresh_from_db()
    assert second.status == "created"


def test_a_super_admin_clears_the_flag_of_a_payment_of_its_own_an_admin_does_not(cast, make):
    rows = [make(created_by=user) for user in (cast.admin, cast.super_admin)]
    Payment.objects.update(flag="contradicted")

    with pytest.raises(OwnRecord):
        clear_flag(actor=by(cast.admin), record=rows[0], note="Fine")
    clear_flag(actor=by(cast.super_admin), record=rows[1], note="Fine")

    assert list(Payment.objects.order_by("pk").values_list("flag", flat=True)) == ["contradicted", ""]


def test_there_must_be_a_flag_to_clear(cast, paid):
    payment = paid()

    with pytest.raises(IllegalTransition):
        clear_flag(actor=by(cast.admin), record=payment, note="Looked at it")
    with pytest.raises(InvalidFields):
        clear_flag(actor=by(cast.admin), record=payment, note="")
    with pytest.raises(NotAllowed):
        clear_flag(actor=by(cast.merchant_user), record=payment, note="Looked at it")
