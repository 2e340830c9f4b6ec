"""Refunds: held at once, ended once, never more than was received."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor, Viewer
from accounts.operators import OwnRecord
from gateway.lib.errors import IllegalTransition, InvalidFields, NotAllowed
from gateway.lib.money import Money
from gateway.lib.providers import Outcome, ProviderDown, ProviderTimeout
from ledger.errors import InsufficientBalance
from ledger.models import Entry, FeePlan, Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.errors import NotRefundable, RefundTooLarge
from payments.models import Payment, Refund, SandboxCharge
from payments.providers.base import Callback
from payments.queries import refunds_for_people
from payments.services import apply_provider_event, clear_flag, create_refund, resolve_refund
from webhooks.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def refund(cast):
    def refund(payment, minor=None, **more):
        amount = None if minor is None else Money(minor, "INR")
        return create_refund(actor=Actor(cast.merchant_user, "tests"), payment=payment, amount=amount, **more)

    return refund


def test_partial_refunds_until_nothing_is_left(cast, paid, refund, balances, fund):
    fund(cast.merchant, 10_000)
    payment = paid(100_000)

    first = refund(payment, 30_000, reason="Two cups were cold")
    assert balances(cast.merchant) == (77_640, 0, 30_000)
    assert work.drive_refunds() == 1
    assert balances(cast.merchant) == (77_640, 0, 0)
    rest = refund(payment)
    work.drive_refunds()

    first.refresh_from_db()
    rest.refresh_from_db()
    payment.refresh_from_db()
    assert (first.status, first.amount_minor, rest.status, rest.amount_minor) == (
        "processed", 30_000, "processed", 70_000,
    )
    assert (payment.refunded_minor, payment.refunding_minor, payment.refundable()) == (100_000, 0, 0)
    # Fees are not given back: what is left is the deposit less the fee.
    assert balances(cast.merchant) == (10_000 - 2_360, 0, 0)
    assert Event.objects.filter(type="refund.processed").count() == 2
    with pytest.raises(RefundTooLarge):
        refund(payment)
    assert_ledger_balances()


def test_more_than_is_left_is_refused(cast, paid, refund, balances):
    payment = paid(100_000)
    refund(payment, 60_000)
    before = balances(cast.merchant)

    for minor in (40_001, 100_000, 10**15):
        with pytest.raises(RefundTooLarge) as refusal:
            refund(payment, minor)
        assert refusal.value.details == {"left_minor": 40_000}

    assert balances(cast.merchant) == before
    assert Refund.objects.count() == 1
    assert_ledger_balances()


def test_more_than_the_merchant_has_is_refused(cast, paid, refund, balances):
    payment = paid(100_000)

    with pytest.raises(InsufficientBalance):
        refund(payment)  # the fee is gone already

    payment.refresh_from_db()
    assert (payment.refunding_minor, Refund.objects.count()) == (0, 0)
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert_ledger_balances()


@pytest.mark.parametrize("amount", [Money(0, "INR"), Money(-1, "INR"), Money(100, "USDT")])
def test_an_amount_that_is_none(paid, cast, amount):
    with pytest.raises(InvalidFields):
        create_refund(actor=Actor.system("tests"), payment=paid(), amount=amount)

    assert not Refund.objects.exists()


def test_only_captured_payments_are_refunded(manual_order, pay, make, refund, confirmed):
    uncaptured, failed = pay(manual_order()), confirmed(vpa="failure@upi")
    work.drive_payments()

    for payment in (make(), uncaptured, failed):
        with pytest.raises(NotRefundable):
            refund(payment, 100)

    assert not Refund.objects.exists()


def test_a_refund_the_bank_declines_gives_the_money_back_to_the_merchant(cast, paid, refund, balances):
    payment = paid(100_000, vpa="norefund@upi")
    refused = refund(payment, 50_000)
    assert balances(cast.merchant) == (47_640, 0, 50_000)

    work.drive_refunds()

    refused.refresh_from_db()
    payment.refresh_from_db()
    assert (refused.status, refused.error_code) == ("failed", "refund_declined")
    assert (payment.refunded_minor, payment.refunding_minor, payment.refundable()) == (0, 0, 100_000)
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert Event.objects.filter(type="refund.failed").count() == 1
    assert_ledger_balances()


def test_fees_go_back_in_parts_where_the_plan_says_so(cast, paid, refund, balances, fund):
    FeePlan.objects.create(
        merchant=cast.merchant, product="payin_upi", basis_points=200, gst_basis_points=1800, refunds_fee=True
    )
    payment = paid(100_000)
    assert balances(cast.merchant) == (97_640, 0, 0)
    fund(cast.merchant, 2_360)

    for minor in (33_333, 33_333, 33_334):
        refund(payment, minor)
        work.drive_refunds()

    assert balances(cast.merchant) == (2_360, 0, 0)
    house = Entry.objects.filter(account__kind__in=["fees", "tax"])
    assert sum(house.values_list("amount", flat=True)) == 0
    assert_ledger_balances()


def test_a_refund_without_an_answer_is_asked_about_and_not_sent_again(
    cast, confirmed, refund, balances, provider, due_again, fund
):
    fund(cast.merchant, 10_000, mode="live")
    provider.answers = [Outcome("succeeded")]
    payment = confirmed(mode="live")
    work.drive_payments()
    provider.answers = [ProviderTimeout(), Outcome("pending"), Outcome("succeeded")]
    sent = refund(payment, 50_000)

    for _ in range(3):
        work.drive_refunds()
        states = Refund.objects.values_list("status", "provider_state").get()
        due_again(sent)

    assert states == ("processed", "answered")
    assert [call for call, reference in provider.asked if reference == sent.public_id] == ["refund", "status", "status"]
    assert balances(cast.merchant, "live") == (10_000 + 97_640 - 50_000, 0, 0)
    assert_ledger_balances()


def test_a_provider_that_is_down_is_called_again(confirmed, refund, provider, due_again):
    provider.answers = [Outcome("succeeded")]
    payment = confirmed(mode="live")
    work.drive_payments()
    provider.answers = [ProviderDown(), Outcome("succeeded")]
    sent = refund(payment, 50_000)
    work.drive_refunds()
    sent.refresh_from_db()
    assert (sent.status, sent.provider_state) == ("pending", "none")

    due_again(sent)
    work.drive_refunds()

    sent.refresh_from_db()
    assert sent.status == "processed"
    assert_ledger_balances()


def test_another_amount_is_flagged_and_an_operator_ends_it(cast, paid, refund, balances):
    payment = paid(100_000)
    first, second = refund(payment, 40_000), refund(payment, 20_000)
    for row in (first, second):
        outcome = Outcome("succeeded", amount_minor=1)
        event = Callback(f"e-{row.public_id}", row.public_id, outcome)
        assert apply_provider_event(provider="sandbox", event=event) == "flagged"
    assert balances(cast.merchant) == (37_640, 0, 60_000)
    assert work.drive_refunds() == 0

    admin = Actor(cast.admin, "panel")
    with pytest.raises(NotAllowed):
        resolve_refund(actor=Actor(cast.merchant_user, "panel"), refund=first, paid=True, note="Trust me")
    with pytest.raises(InvalidFields):
        resolve_refund(actor=admin, refund=first, paid=True, note=" ")
    resolve_refund(actor=admin, refund=first, paid=True, note="On the statement of 20 November")
    resolve_refund(actor=admin, refund=second, paid=False, note="Never left")

    with pytest.raises(IllegalTransition):
        resolve_refund(actor=admin, refund=first, paid=False, note="Again")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.flag, second.status, second.flag) == ("processed", "", "failed", "")
    assert balances(cast.merchant) == (57_640, 0, 0)
    assert_ledger_balances()


def test_a_long_refusal_gives_the_held_money_back(cast, confirmed, refund, balances, provider):
    provider.answers = [Outcome("succeeded", utr="UTR0000001")]
    payment = confirmed(mode="live")
    work.drive_payments()
    payment.refresh_from_db()
    row, left = refund(payment, 40_000), balances(cast.merchant, "live")
    provider.answers = [Outcome("failed", code="E" * 60, message="M" * 300)]

    work.drive_refunds()

    row.refresh_from_db()
    assert (row.status, row.error_code, row.error_description) == ("failed", "E" * 40, "M" * 200)
    assert balances(cast.merchant, "live") == (left[0] + 40_000, 0, 0)
    assert_ledger_balances()


def test_a_super_admin_ends_a_refund_of_its_own_an_admin_does_not(cast, paid, refund, fund, balances):
    fund(cast.merchant, 100_000)
    payment = paid(100_000)
    rows = [refund(payment, 10_000, created_by=user) for user in (cast.super_admin, cast.super_admin, cast.admin)]
    Refund.objects.update(flag="amount_differs", due_at=None)
    before = balances(cast.merchant)

    with pytest.raises(OwnRecord):
        resolve_refund(actor=Actor(cast.admin, "panel"), refund=rows[2], paid=True, note="Sent")
    with pytest.raises(OwnRecord):
        clear_flag(actor=Actor(cast.admin, "panel"), record=rows[2], note="Fine")
    assert balances(cast.merchant) == before
    boss = Actor(cast.super_admin, "panel")
    clear_flag(actor=boss, record=Refund.objects.get(pk=rows[0].pk), note="Fine")
    resolve_refund(actor=boss, refund=rows[1], paid=False, note="Never left")

    ends = list(Refund.objects.order_by("pk").values_list("status", "flag"))
    assert ends == [("pending", ""), ("failed", ""), ("pending", "amount_differs")]
    assert balances(cast.merchant) == (before[0] + 10_000, 0, 20_000)
    assert_ledger_balances()


@pytest.mark.parametrize(
    ("vpa", "status", "contrary"), [("a@upi", "processed", "failed"), ("norefund@upi", "failed", "succeeded")]
)
def test_a_contradiction_after_the_end_moves_nothing(cast, paid, refund, balances, vpa, status, contrary):
    row = refund(paid(vpa=vpa), 10_000)
    work.drive_refunds()
    before, postings = balances(cast.merchant), Posting.objects.count()

    same = "succeeded" if status == "processed" else "failed"
    for outcome, effect in ((same, "none"), (contrary, "flagged")):
        event = Callback(outcome, row.public_id, Outcome(outcome))
        assert apply_provider_event(provider="sandbox", event=event) == effect

    row.refresh_from_db()
    assert (row.status, row.flag) == (status, "contradicted")
    assert (balances(cast.merchant), Posting.objects.count()) == (before, postings)
    clear_flag(actor=Actor(cast.admin, "panel"), record=row, note="Asked them")
    with pytest.raises(IllegalTransition):
        clear_flag(actor=Actor(cast.admin, "panel"), record=row, note="Asked them")
    assert_ledger_balances()


def test_a_callback_may_come_before_the_call_returns(cast, paid, refund):
    row = refund(paid(), 10_000)

    event = Callback("e-1", row.public_id, Outcome("succeeded", amount_minor=10_000))
    assert apply_provider_event(provider="sandbox", event=event) == "processed"

    assert work.drive_refunds() == 0
    assert not SandboxCharge.objects.filter(kind="refund").exists()
    assert Payment.objects.get().refunded_minor == 10_000
    assert_ledger_balances()


def test_an_operator_ends_a_refund_that_the_provider_says_nothing_of_for_a_day(cast, paid, refund, fund, balances):
    fund(cast.merchant, 100_000)
    row, admin = refund(paid(100_000), 30_000), Actor(cast.admin, "panel")
    before, now = balances(cast.merchant), timezone.now()
    for state, hours in (("unknown", 23), ("sending", 25), ("sent", 25)):
        Refund.objects.filter(pk=row.pk).update(provider_state=state, sent_at=now - timedelta(hours=hours))
        assert not refunds_for_people(Viewer(cast.admin, "test")).exists()
        with pytest.raises(IllegalTransition):
            resolve_refund(actor=admin, refund=row, paid=False, note="It knows nothing")
    assert balances(cast.merchant) == before

    Refund.objects.filter(pk=row.pk).update(provider_state="unknown")
    assert [waiting.pk for waiting in refunds_for_people(Viewer(cast.admin, "test"))] == [row.pk]
    resolve_refund(actor=admin, refund=row, paid=False, note="It knows nothing")

    row.refresh_from_db()
    assert (row.status, row.error_code) == ("failed", "not_paid")
    assert balances(cast.merchant) == (before[0] + 30_000, 0, 0)
    assert_ledger_balances()
