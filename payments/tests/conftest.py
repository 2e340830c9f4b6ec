"""Payments as their tests need them: made, confirmed, paid; and a provider that says what a test tells it to."""

from __future__ import annotations

import csv
import io
import itertools

import pytest
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.lib.scripted_testing import Scripted
from payments import work
from payments.models import Payment
from payments.providers import registry
from payments.receiving import add_account
from payments.receiving.queries import INDIA
from payments.services import capture_payment, confirm_payment, create_order, create_payment, pay_order
from payments.statements.importing import drive_statements, start_import, upload_statement

PAYER = Actor.system("payment page")


@pytest.fixture(autouse=True)
def _sandbox_answers_at_once(settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0


@pytest.fixture
def make(cast):
    """`make(100_000)` is a payment of ₹1,000.00 that waits for its payer."""
    numbers = itertools.count(1)

    def make(minor=100_000, *, merchant=None, mode="test", **more):
        owner = merchant or cast.merchant
        values = {"contract": "portal", "reference": f"ORDER-{next(numbers)}", "created_by": cast.merchant_user} | more
        return create_payment(
            actor=Actor(cast.merchant_user, "tests"), merchant=owner, mode=mode, amount=Money(minor, "INR"), **values
        )

    return make


@pytest.fixture
def confirmed(make):
    def confirmed(minor=100_000, *, vpa="", card=None, **more):
        return confirm_payment(actor=PAYER, payment=make(minor, **more), vpa=vpa, card=card)

    return confirmed


@pytest.fixture
def paid(confirmed):
    """A payment that went the whole way: confirmed, authorised by its provider, captured."""

    def paid(minor=100_000, **more):
        payment = confirmed(minor, **more)
        work.drive_payments()
        payment.refresh_from_db()
        assert payment.status == Payment.Status.SUCCEEDED
        return payment

    return paid


@pytest.fixture
def manual_order(cast):
    """An order whose payments are captured only when the merchant asks."""

    def order(minor=100_000, **more):
        return create_order(
            actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode=more.pop("mode", "test"),
            contract="checkout", amount=Money(minor, "INR"), manual_capture=True, **more,
        )

    return order


@pytest.fixture
def pay():
    def pay(order, vpa="success@upi", **more):
        values = {"method": "upi", "vpa": vpa} | more
        return pay_order(actor=Actor.system("tests"), order=order, contract="checkout", **values)

    return pay


@pytest.fixture
def capture():
    return lambda payment: capture_payment(actor=Actor.system("tests"), payment=payment)


class ScriptedProvider(Scripted):
    captures_at_once = True
    decided_by_people = False

    def tokenise(self, card):
        return "tok_scripted"

    def authorise(self, charge):
        return self.answer("authorise", charge.reference)

    def capture(self, charge):
        return self.answer("capture", charge.reference)

    def refund(self, reversal):
        return self.answer("refund", reversal.reference)

    def status(self, reference):
        return self.answer("status", reference)


@pytest.fixture
def provider(settings):
    """The live provider of this test."""
    scripted = ScriptedProvider()
    registry.register(scripted)
    settings.LIVE_PAYMENT_PROVIDER = scripted.name
    yield scripted
    registry._providers.pop(scripted.name)


@pytest.fixture
def by_hand(settings, cast):
    """Live mode takes UPI into accounts of our own: `by_hand(vpa)` registers one."""
    settings.LIVE_PAYMENT_PROVIDER = "manual_upi"

    def account(vpa="shop@okbank", *, limit=None, mode="live", **more):
        values = {"bank_name": "OK Bank", "holder": "Chai Point Pvt Ltd"} | more
        return add_account(
            actor=Actor(cast.super_admin, "tests"), mode=mode, vpa=vpa,
            daily_limit=Money(limit, "INR") if limit else None, **values,
        )

    return account


@pytest.fixture
def claimed(make):
    """A live payment whose payer confirmed with a UTR, taken up by a worker."""

    def claimed(minor=100_000, utr="", **more):
        payment = confirm_payment(actor=PAYER, payment=make(minor, mode="live", **more), utr=utr)
        work.drive_payments()
        payment.refresh_from_db()
        return payment

    return claimed


HEAD = ["Date", "Narration", "UTR", "Debit", "Credit"]


def sheet(*rows):
    """Rows of (utr, rupees) or whole ones, as a bank's CSV of today."""
    out = io.StringIO()
    day = f"{timezone.localdate(timezone=INDIA):%d/%m/%Y}"
    full = [row if len(row) == 5 else [day, f"UPI/{row[0]}/PAY", row[0], "", row[1]] for row in rows]
    csv.writer(out).writerows([HEAD, *full])
    return out.getvalue().encode()


@pytest.fixture
def bring(cast):
    """Uploads a file, imports it, lets the worker run."""

    def bring(account, *rows, content=b"", name="statement.csv"):
        actor = Actor(cast.super_admin, "tests")
        row = upload_statement(actor=actor, account=account, name=name, content=content or sheet(*rows))
        start_import(actor=actor, statement=row)
        drive_statements()
        row.refresh_from_db()
        return row

    return bring
