"""Signed-in clients, and records to look at."""

from __future__ import annotations

import itertools

import pytest
from django.test import Client

import gateway.panel.proof  # noqa: F401 - signing in counts as a proof from the very first test on
from accounts.actors import Actor
from gateway.lib.money import Money
from webhooks import services
from webhooks.models import Delivery
from webhooks.sending import drain

_BACKEND = "accounts.backends.PanelBackend"
_numbers = itertools.count(1)


@pytest.fixture
def signed_in():
    """`signed_in(user)` gives a browser where that user is signed in; `mode` is where its switch stands."""

    def make(user, mode="test", **more):
        client = Client(**more)
        client.force_login(user, backend=_BACKEND)
        session = client.session
        session["mode"] = mode
        session.save()
        return client

    return make


@pytest.fixture
def make_payment():
    from payments.models import Contract
    from payments.services import create_payment

    def make(merchant, minor=100_000, *, by=None, reference="", method="upi", **more):
        return create_payment(
            actor=Actor(by, "tests"), merchant=merchant, mode="test", contract=Contract.PORTAL,
            amount=Money(minor, "INR"), reference=reference or f"ORDER-{next(_numbers)}", method=method,
            created_by=by, **more,
        )

    return make


@pytest.fixture
def paid(make_payment):
    """`paid(merchant, by=operator)` is a payment that an operator has marked as succeeded."""
    from payments.services import mark_succeeded

    def make(merchant, minor=100_000, *, operator, **more):
        payment = make_payment(merchant, minor, **more)
        return mark_succeeded(actor=Actor(operator, "tests"), payment=payment, utr=f"UTR{next(_numbers):09d}")

    return make


@pytest.fixture
def make_payout(fund):
    """A payout above every limit, so that it waits; the merchant is given what it needs."""
    from payments.models import Contract
    from payouts.services import create_payout

    def make(merchant, minor=50_000, *, by=None, reference="", **more):
        fund(merchant, minor + 10_000)
        values = {"beneficiary_name": "Ravi Kumar", "account_number": "501001234567", "ifsc": "HDFC0001234"} | more
        return create_payout(
            actor=Actor(by, "tests"), merchant=merchant, mode="test", contract=Contract.PORTAL,
            amount=Money(minor, "INR"), reference=reference or f"PAYOUT-{next(_numbers)}", created_by=by, **values,
        )

    return make


@pytest.fixture
def balances():
    """`balances(merchant)` → (available, pending, reserved) in paise."""
    from ledger.queries import wallets

    def read(merchant, mode="test"):
        wallet = wallets(merchant_ids=[merchant.pk], mode=mode)[0]
        return wallet.available_minor, wallet.pending_minor, wallet.reserved_minor

    return read


@pytest.fixture
def make_endpoint():
    def make(merchant, url="http://127.0.0.1:1999/hook", mode="test", **more):
        made, _ = services.create_endpoint(
            actor=Actor.system("tests"), merchant=merchant, mode=mode, url=url, **more
        )
        return made

    return make


@pytest.fixture
def delivered(make_payment):
    """`delivered(endpoint, by=operator)` tells `endpoint` that a payment failed; without `send` it is still waiting."""
    from payments.services import mark_failed

    def make(endpoint, operator, *, send=True, **more):
        payment = make_payment(endpoint.merchant, **more)
        mark_failed(actor=Actor(operator, "tests"), payment=payment, reason="Declined")
        if send:
            drain(seconds=5)
        return Delivery.objects.filter(endpoint=endpoint).order_by("-created_at").first()

    return make
