"""Money that people or a statement prove has moved already: it is booked with the success, whatever the order asks for."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from gateway.contracts.checkout.testing import Checkout, good, refused
from gateway.lib.money import Money
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.models import Order, Payment
from payments.services import capture_payment, confirm_payment, create_refund, mark_succeeded
from webhooks.models import Event

pytestmark = pytest.mark.django_db
UTR = "609512345678"
TESTS = Actor.system("tests")


@pytest.fixture
def waiting(by_hand, manual_order, pay):
    """A payment of an order with manual capture whose payer has sent the money and says so; and its account."""

    def waiting():
        account = by_hand()
        payment = pay(manual_order(100_000, mode="live"), vpa="jane@okbank")
        confirm_payment(actor=Actor.system("payment page"), payment=payment, utr=UTR)
        work.drive_payments()
        return payment, account

    return waiting


def events():
    return list(Event.objects.order_by("pk").values_list("type", flat=True))


def test_what_a_statement_proves_is_booked_at_once_and_may_be_refunded(cast, waiting, bring, balances):
    payment, account = waiting()
    assert balances(cast.merchant, "live") == (0, 0, 0)

    bring(account, (UTR, "1000.00"))

    payment.refresh_from_db()
    assert (payment.status, payment.captured_at is not None, payment.capture_requested_at) == ("succeeded", True, None)
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert events() == ["payment.initiated", "payment.succeeded", "payment.captured"]
    assert Order.objects.get().status == "paid"
    create_refund(actor=TESTS, payment=payment, amount=Money(10_000, "INR"))
    assert balances(cast.merchant, "live") == (87_640, 0, 10_000)
    assert_ledger_balances()


def test_a_capture_that_is_asked_for_before_or_after_books_nothing_more(cast, waiting, bring, balances):
    payment, account = waiting()
    early = capture_payment(actor=TESTS, payment=payment)
    assert (early.status, early.captured_at) == ("processing", None)

    bring(account, (UTR, "1000.00"))

    first, again = (capture_payment(actor=TESTS, payment=payment) for _ in range(2))
    assert first.captured_at == again.captured_at is not None
    assert balances(cast.merchant, "live") == (97_640, 0, 0)
    assert Posting.objects.count() == 1
    assert events() == ["payment.initiated", "payment.succeeded", "payment.captured"]
    assert_ledger_balances()


def test_checkout_answers_a_capture_with_the_one_that_was_made(cast, waiting, balances):
    payment, _ = waiting()
    mark_succeeded(actor=Actor(cast.admin, "tests"), payment=payment, utr=UTR, received=Money(90_000, "INR"))
    assert balances(cast.merchant, "live") == (87_876, 0, 0)  # what came, less 2 % and GST
    checkout, address = Checkout(cast.merchant, "live"), f"/payments/{payment.public_id}"

    found = good(checkout("GET", address), 200)
    answers = [good(checkout("POST", f"{address}/capture", body), 200) for body in (None, {"amount": 90_000})]

    assert (found["status"], found["captured"], found["amount"]) == ("SUCCESS", True, 90_000)
    assert answers == [found, found]
    # A capture of the sum that was asked for, and did not come, is refused as of any payment.
    refused(checkout("POST", f"{address}/capture", {"amount": 100_000}), 400, "BAD_REQUEST_ERROR", "amount")
    assert (Posting.objects.count(), balances(cast.merchant, "live")) == (1, (87_876, 0, 0))
    assert Payment.objects.get().capture_requested_at is None
    assert_ledger_balances()


def test_other_providers_wait_for_the_merchant_as_before(cast, manual_order, pay, balances):
    pay(manual_order(100_000))
    work.drive_payments()

    payment = Payment.objects.get()
    assert (payment.status, payment.captured_at) == ("succeeded", None)
    assert balances(cast.merchant) == (0, 0, 0)
