"""Payouts as their tests need them, and a bank that says what a test tells it to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

from accounts.actors import Actor
from gateway.lib.money import Money
from gateway.lib.scripted_testing import Scripted
from ledger.models import FeePlan
from payouts.providers import registry
from payouts.services import create_payout


@pytest.fixture(autouse=True)
def _bank_answers_at_once(settings):
    settings.SANDBOX_BANK_DELAY_SECONDS = 0


def pay_out(merchant, minor, reference, *, mode="test", created_by=None, **more):
    values = {
        "contract": "portal", "beneficiary_name": "Asha Rao", "account_number": "50100012345678",
        "ifsc": "HDFC0000001",
    } | more
    return create_payout(
        actor=Actor(created_by, "tests"), merchant=merchant, mode=mode, amount=Money(minor, "INR"),
        reference=reference, created_by=created_by, **values,
    )


@pytest.fixture
def make(cast):
    """`make(100_000)` is a payout of ₹1,000.00, held and (by default) waiting for approval."""
    numbers = itertools.count(1)

    def make(minor=100_000, *, merchant=None, **more):
        values = {"reference": f"OUT-{next(numbers)}", "created_by": cast.merchant_user} | more
        return pay_out(merchant or cast.merchant, minor, **values)

    return make


@pytest.fixture
def auto_approve(cast):
    """Payouts up to ₹10,000.00 are approved by themselves."""
    cast.merchant.payout_auto_approve_minor = 1_000_000
    cast.merchant.save()


@pytest.fixture
def free(cast):
    """Payouts of the merchant cost nothing."""
    FeePlan.objects.create(merchant=cast.merchant, product="payout")


class ScriptedBank(Scripted):
    def pay(self, transfer):
        return self.answer("pay", transfer.reference)

    def status(self, reference):
        return self.answer("status", reference)


@pytest.fixture
def bank(settings):
    """The live bank of this test."""
    scripted = ScriptedBank()
    registry.register(scripted)
    settings.LIVE_PAYOUT_PROVIDER = scripted.name
    yield scripted
    registry._providers.pop(scripted.name)


@pytest.fixture
def by_file(cast, make, fund, free, settings):
    """`by_file(3)` are three live payouts of ₹1,000.00, approved, that wait for a batch."""
    from payouts.services import approve_payout

    FeePlan.objects.create(merchant=cast.other, product="payout")

    def by_file(count, minor=100_000, *, merchant=None, by=None, **more):
        settings.LIVE_PAYOUT_PROVIDER = "bank_file"
        merchant = merchant or cast.merchant
        fund(merchant, count * minor, mode="live")
        payouts = [make(minor, mode="live", merchant=merchant, **more) for _ in range(count)]
        return [approve_payout(actor=Actor(by or cast.admin, "tests"), payout=payout) for payout in payouts]

    return by_file


@dataclass
class Sent:
    batch: object
    keys: list  # of its payouts
    references: list
    viewer: object

    def use(self, result):
        """The batch's format reads results by this mapping from now on."""
        from payouts.batches.formats import PLAIN_COLUMNS
        from payouts.models import BankFormat

        self.batch.bank_format = BankFormat.objects.create(name="Other", columns=PLAIN_COLUMNS, result=result)
        self.batch.save(update_fields=["bank_format"])


@pytest.fixture
def send(cast, by_file, viewer_of):
    """`send(3)` is a batch of three live payouts of ₹1,000.00 that was exported and (by default) sent."""
    from payouts.batches import export_batch, mark_sent, open_batch, queries

    def send(count, *, sent=True):
        actor = Actor(cast.admin, "tests")
        payouts = by_file(count)
        batch = open_batch(actor=actor, mode="live", payout_ids=[payout.public_id for payout in payouts])
        export_batch(actor=actor, batch=batch, file_type="csv")
        batch = mark_sent(actor=actor, batch=batch) if sent else batch
        references = [line.reference for line in queries.lines_of(batch)]
        return Sent(batch, [payout.pk for payout in payouts], references, viewer_of(cast.admin, "live"))

    return send


@pytest.fixture
def sent(send):
    return send(3)
