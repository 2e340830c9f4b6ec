"""A worker that dies at each step of a payment and a refund, and the next one that finds what it left: one effect."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.lib.racing import dies_at
from ledger.models import Posting
from ledger.testing import assert_ledger_balances
from payments import work
from payments.models import Payment, Refund, SandboxCharge
from payments.services import capture_payment, create_refund
from webhooks.models import Event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


# Where the worker dies, the state it leaves, and how often the provider was asked by then.
POINTS = [
    ("payment.before_call", ("processing", "sending"), 0),
    ("payment.after_call", ("processing", "sending"), 1),
    ("capture.before_posting", ("processing", "sending"), 1),
    ("capture.after_posting", ("processing", "sending"), 1),
    ("payment.after_commit", ("succeeded", "answered"), 1),
]


def wait_out_the_lease(model):
    """As if the dead worker's lease and the grace before a second sending had passed."""
    long_ago = timezone.now() - timedelta(minutes=5)
    model.objects.filter(leased_until__isnull=False).update(leased_until=long_ago)
    model.objects.filter(sent_at__isnull=False).update(sent_at=long_ago)


def test_a_payment_survives_its_worker(cast, confirmed, balances):
    for number, (point, left, asked) in enumerate(POINTS, start=1):
        payment = confirmed(100_000, vpa="success@upi")

        assert dies_at(point, work.drive_payments), point

        payment.refresh_from_db()
        charges = SandboxCharge.objects.filter(reference=payment.public_id)
        assert ((payment.status, payment.provider_state), charges.count()) == (left, asked), point
        assert_ledger_balances()
        wait_out_the_lease(Payment)
        work.drive_payments()
        work.drive_payments()
        payment.refresh_from_db()
        assert (payment.status, charges.get().times_asked) == ("succeeded", 1), point
        events = Event.objects.filter(subject=payment.public_id).order_by("id").values_list("type", flat=True)
        assert list(events) == ["payment.initiated", "payment.succeeded", "payment.captured"]
        assert Posting.objects.count() == number
        assert balances(cast.merchant) == (97_640 * number, 0, 0)
        assert_ledger_balances()


def test_a_manual_capture_that_was_not_committed_never_was(cast, manual_order, pay, balances):
    payment = pay(manual_order())
    work.drive_payments()

    for point in ("capture.before_posting", "capture.after_posting"):
        assert dies_at(point, lambda: capture_payment(actor=Actor.system("tests"), payment=payment))

        payment.refresh_from_db()
        assert (payment.captured_at, payment.capture_requested_at) == (None, None)
        assert balances(cast.merchant) == (0, 0, 0)

    capture_payment(actor=Actor.system("tests"), payment=payment)
    assert balances(cast.merchant) == (97_640, 0, 0)
    assert Posting.objects.count() == 1
    assert_ledger_balances()


def test_a_refund_survives_its_worker(cast, paid, balances):
    payment, available = paid(200_000), 195_280
    for point, asked in (("refund.before_call", 0), ("refund.after_call", 1), ("refund.before_posting", 1)):
        refund = create_refund(actor=Actor.system("tests"), payment=payment, amount=Money(50_000, "INR"))
        available -= 50_000

        assert dies_at(point, work.drive_refunds), point

        charges = SandboxCharge.objects.filter(reference=refund.public_id)
        assert charges.count() == asked
        assert balances(cast.merchant) == (available, 0, 50_000)
        assert_ledger_balances()
        wait_out_the_lease(Refund)
        work.drive_refunds()
        work.drive_refunds()
        refund.refresh_from_db()
        assert (refund.status, charges.get().times_asked) == ("processed", 1), point
        assert Event.objects.filter(type="refund.processed", subject=refund.public_id).count() == 1
        assert balances(cast.merchant) == (available, 0, 0)
        assert_ledger_balances()
