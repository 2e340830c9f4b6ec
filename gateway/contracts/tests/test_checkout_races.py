"""This contract under threads, over its own calls: one refund, one capture, one order; one end for every payment."""

from collections import Counter

import pytest

from accounts.actors import Actor
from accounts.models import Merchant
from gateway.contracts.checkout.testing import CARD, Checkout, call, good
from gateway.lib.providers import Outcome
from gateway.lib.racing import together
from ledger.models import Posting
from ledger.queries import wallets
from ledger.testing import assert_ledger_balances
from payments.models import Order, Payment, Refund
from payments.services.outcomes import apply_outcome
from payments.work import drive_payments, drive_refunds
from webhooks.models import Event

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def checkout(cast, fund, settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS, settings.CHECKOUT_RATE_LIMIT = 0, 100_000
    fund(cast.merchant, 1_000_000)
    return Checkout(cast.merchant)


def statuses(answers):
    assert not [answer.content for answer in answers if answer.status_code >= 500]
    return Counter(answer.status_code for answer in answers)


def test_50_full_refunds_at_once(checkout):
    payment = checkout.captured(50_000)

    answers = together(50, lambda _: checkout("POST", "/refunds", {"payment_id": payment["id"]}))

    assert statuses(answers) == {201: 1, 400: 49}
    drive_refunds()
    assert Payment.objects.get().refunded_minor == 50_000
    assert Posting.objects.filter(kind="refund.hold").count() == Refund.objects.count() == 1
    assert_ledger_balances()


def test_50_refunds_of_three_percent(checkout):
    payment = checkout.captured(50_000)

    answers = together(50, lambda _: checkout("POST", f"/payments/{payment['id']}/refund", {"amount": 1_500}))

    assert statuses(answers) == {201: 33, 400: 17}
    assert sum(Refund.objects.values_list("amount_minor", flat=True)) == 49_500
    assert_ledger_balances()


def test_50_refunds_with_one_key(checkout):
    payment = checkout.captured(50_000)
    body, key = {"payment_id": payment["id"], "amount": 1_000}, {"Idempotency-Key": "one"}

    answers = together(50, lambda _: checkout("POST", "/refunds", body, headers=key))

    assert set(statuses(answers)) <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert Refund.objects.count() == 1
    assert_ledger_balances()


def test_a_payment_captured_by_20_callers_is_booked_once(checkout):
    payment = checkout.paid(50_000)

    answers = together(20, lambda _: checkout("POST", f"/payments/{payment['id']}/capture"))

    assert statuses(answers) == {200: 20}
    assert len({answer.content for answer in answers}) == 1
    assert Posting.objects.filter(kind="payment.capture").count() == 1
    assert Event.objects.filter(type="payment.captured").count() == 1
    assert_ledger_balances()


def test_capture_against_fail(checkout):
    """Whoever comes first: a failed payment is never captured, and a remembered capture of one books nothing."""
    ends = Counter()
    for _ in range(20):
        made = checkout.pay(checkout.order())
        row = Payment.objects.get(public_id=made["id"])

        def act(number, row=row):
            if number:
                return checkout("POST", f"/payments/{row.public_id}/capture").status_code
            return apply_outcome(actor=Actor.system("sandbox"), payment=row, outcome=Outcome("failed", code="declined"))

        effect, captured = together(2, act)
        ends[effect, captured] += 1
        shown = good(checkout("GET", f"/payments/{made['id']}"), 200)
        assert (shown["status"], "captured" in shown) == ("FAILED", False)

    assert set(ends) <= {("failed", 200), ("failed", 400)}
    assert not Posting.objects.filter(kind="payment.capture").exists()
    assert_ledger_balances()


def test_capture_against_success(checkout, cast):
    before = wallets(merchant_ids=[cast.merchant.pk], mode="test")[0].available_minor
    for _ in range(20):
        made = checkout.pay(checkout.order(50_000))
        row = Payment.objects.get(public_id=made["id"])
        good_outcome = Outcome("succeeded", amount_minor=50_000, currency="INR")

        def act(number, row=row, outcome=good_outcome):
            if number:
                return checkout("POST", f"/payments/{row.public_id}/capture").status_code
            return apply_outcome(actor=Actor.system("sandbox"), payment=row, outcome=outcome)

        assert together(2, act) == ["succeeded", 200]
        assert good(checkout("GET", f"/payments/{made['id']}"), 200)["captured"] is True

    assert wallets(merchant_ids=[cast.merchant.pk], mode="test")[0].available_minor == before + 20 * 48_820
    assert_ledger_balances()


def test_20_payments_of_one_order_and_one_success(checkout):
    order = checkout.order(50_000, manual_capture=False)
    together(20, lambda _: checkout("POST", "/payments", {"order_id": order["id"]} | CARD))

    together(4, lambda _: drive_payments())

    assert Counter(Payment.objects.values_list("status", flat=True)) == {"succeeded": 1, "failed": 19}
    assert Posting.objects.filter(kind="payment.capture").count() == 1
    assert good(checkout("GET", f"/orders/{order['id']}"), 200)["status"] == "paid"
    assert_ledger_balances()


def test_50_public_payments_with_one_key(checkout, cast, settings):
    settings.PUBLIC_CHECKOUT_RATE_LIMIT = 1_000
    Merchant.objects.update(public_checkout=True)
    order = good(call("POST", "/orders/public", {"amount": 100, "merchant_id": cast.merchant.public_id}))
    body = {"order_id": order["id"]} | CARD

    answers = together(50, lambda _: call("POST", "/payments/public", body, headers={"Idempotency-Key": "one"}))

    assert set(statuses(answers)) <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("limit", [1, 30])
def test_exactly_the_public_limit_passes(settings, limit, db):
    settings.PUBLIC_CHECKOUT_RATE_LIMIT = limit

    answers = together(32, lambda _: [call("GET", "/orders/public/x").status_code for _ in range(2)])

    assert Counter(status for pair in answers for status in pair) == {404: limit, 429: 64 - limit}


def test_50_orders_with_one_key(checkout):
    answers = together(50, lambda _: checkout("POST", "/orders", {"amount": 100}, headers={"Idempotency-Key": "one"}))

    assert set(statuses(answers)) <= {201, 409}
    assert Order.objects.count() == 1
