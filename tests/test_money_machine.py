"""Hypothesis plays payer, provider, bank, merchant and operator in any order, beside a model of a few plain numbers.

After every step the wallet is what the model says; at the end of every run the books are exact. A failure prints
the steps that lead to it. `MONEY_MACHINE_RUNS` and `MONEY_MACHINE_STEPS` make it longer.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.actors import Actor
from accounts.models import Merchant
from gateway.lib.errors import GatewayError, IllegalTransition
from gateway.lib.ids import random_text
from gateway.lib.money import Money
from gateway.lib.providers import Outcome
from ledger.errors import InsufficientBalance
from ledger.queries import wallets
from ledger.testing import assert_ledger_balances
from payments import work as payments_work
from payments.errors import NotRefundable, RefundTooLarge
from payments.models import Payment, Refund
from payments.providers.base import Callback
from payments.services import (
    apply_provider_event,
    confirm_payment,
    create_payment,
    create_refund,
    mark_failed,
    mark_succeeded,
)
from payouts import work as payouts_work
from payouts.models import Payout
from payouts.services import approve_payout, create_payout, reject_payout

RUNS = int(os.environ.get("MONEY_MACHINE_RUNS", "200"))
STEPS = int(os.environ.get("MONEY_MACHINE_STEPS", "50"))
AMOUNTS = st.integers(min_value=1, max_value=300_000)
INDEX = st.integers(min_value=0, max_value=10_000)
VPAS = st.sampled_from(["success@upi", "failure@upi", "pending@upi", "norefund@upi"])
CHARGE = 590


def half_up(minor: int, basis_points: int) -> int:
    return (minor * basis_points + 5_000) // 10_000


def net_of(minor: int) -> int:
    fee = half_up(minor, 200)
    return minor - fee - half_up(fee, 1_800)


@dataclass
class Paid:
    row: Payment
    minor: int
    state: str = "created"
    vpa: str = ""
    asked: bool = False  # the sandbox has it in its books
    left: int = 0  # may still be given back
    pending: int = 0  # of its own net, not settled and not taken by a refund
    settled: bool = False


@dataclass
class Model:
    available: int = 0
    reserved: int = 0
    delay: int = 0  # days until a payment's money is available
    payments: list[Paid] = field(default_factory=list)
    refunds: list[tuple[Refund, Paid, int, int]] = field(default_factory=list)  # under way; and what is from pending
    payouts: list[list] = field(default_factory=list)  # [row, minor, account, state]


class MoneyMachine(RuleBasedStateMachine):
    cast = None  # set by the test

    def __init__(self):
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.model, self.events = Model(), 0
        self.merchant = self.cast.merchant
        self.admin = Actor(self.cast.admin, "machine")

    def teardown(self):
        assert_ledger_balances()
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    # The payer ------------------------------------------------------------------------------------------
    @rule(minor=AMOUNTS)
    def create(self, minor):
        row = create_payment(
            actor=Actor.system("machine"), merchant=self.merchant, mode="test", contract="portal",
            amount=Money(minor, "INR"), reference=random_text(20),
        )
        self.model.payments.append(Paid(row, minor))

    @precondition(lambda self: self.model.payments)
    @rule(index=INDEX, vpa=VPAS)
    def confirm(self, index, vpa):
        payment = self._payment(index)
        if payment.state != "created":
            with pytest.raises(IllegalTransition):
                confirm_payment(actor=Actor.system("page"), payment=payment.row, vpa=vpa)
            return
        confirm_payment(actor=Actor.system("page"), payment=payment.row, vpa=vpa)
        payment.state, payment.vpa = "processing", vpa

    @rule()
    def authorise(self):
        payments_work.drive_payments()
        for payment in self.model.payments:
            if payment.state == "processing" and not payment.asked:
                payment.asked = True
                if payment.vpa == "failure@upi":
                    payment.state = "failed"
                elif payment.vpa != "pending@upi":
                    self._succeeded(payment)

    @precondition(lambda self: self.model.payments)
    @rule(index=INDEX)
    def expire(self, index):
        payment = self._payment(index)
        Payment.objects.filter(pk=payment.row.pk).update(expires_at=timezone.now())
        assert payments_work.expire_payments() == (payment.state == "created")
        if payment.state == "created":
            payment.state = "failed"

    # The provider ----------------------------------------------------------------------------------------
    @precondition(lambda self: self.model.payments)
    @rule(index=INDEX, copies=st.integers(1, 3))
    def provider_says_paid(self, index, copies):
        payment = self._payment(index)
        self._tell(payment, Outcome("succeeded", utr=random_text(16), amount_minor=payment.minor), copies)
        if payment.state != "succeeded":
            self._succeeded(payment)

    @precondition(lambda self: self.model.payments)
    @rule(index=INDEX, copies=st.integers(1, 3))
    def provider_says_failed(self, index, copies):
        payment = self._payment(index)
        self._tell(payment, Outcome("failed", code="declined"), copies)
        if payment.state != "succeeded":
            payment.state = "failed"

    def _tell(self, payment, outcome, copies):
        self.events += 1
        event = Callback(f"e{self.events}", payment.row.public_id, outcome)
        effects = [apply_provider_event(provider="sandbox", event=event) for _ in range(copies)]
        assert effects[1:] == ["duplicate"] * (copies - 1)

    # The operator ----------------------------------------------------------------------------------------
    @precondition(lambda self: self.model.payments)
    @rule(index=INDEX)
    def mark_paid(self, index):
        payment = self._payment(index)
        if payment.state == "succeeded":
            with pytest.raises(IllegalTransition):
                mark_succeeded(actor=self.admin, payment=payment.row, utr=random_text(16))
            return
        mark_succeeded(actor=self.admin, payment=payment.row, utr=random_text(16))
        self._succeeded(payment)

    @precondition(lambda self: self.model.payments)
    @rule(index=INDEX)
    def mark_rejected(self, index):
        payment = self._payment(index)
        if payment.state in ("succeeded", "failed"):
            with pytest.raises(IllegalTransition):
                mark_failed(actor=self.admin, payment=payment.row, reason="No")
            return
        mark_failed(actor=self.admin, payment=payment.row, reason="No")
        payment.state = "failed"

    # Refunds ---------------------------------------------------------------------------------------------
    @precondition(lambda self: self.model.payments)
    @rule(index=INDEX, minor=AMOUNTS)
    def refund(self, index, minor):
        self._refund(self._payment(index), minor)

    @precondition(lambda self: any(payment.left for payment in self.model.payments))
    @rule(index=INDEX, percent=st.integers(1, 100))
    def refund_a_part(self, index, percent):
        left = [payment for payment in self.model.payments if payment.left]
        payment = self._payment(index, [payment for payment in left if payment.pending] or left)
        self._refund(payment, max(1, payment.left * percent // 100))

    def _refund(self, payment, minor):
        refusal: type[GatewayError] | None = None
        if payment.state != "succeeded":
            refusal = NotRefundable
        elif minor > payment.left:
            refusal = RefundTooLarge
        elif minor > self.model.available + payment.pending:
            refusal = InsufficientBalance
        if refusal:
            with pytest.raises(refusal):
                create_refund(actor=self.admin, payment=payment.row, amount=Money(minor, "INR"))
            return
        row = create_refund(actor=self.admin, payment=payment.row, amount=Money(minor, "INR"))
        own = min(minor, payment.pending)
        payment.left -= minor
        payment.pending -= own
        self._hold(minor, own)
        self.model.refunds.append((row, payment, minor, own))

    @rule()
    def send_refunds(self):
        payments_work.drive_refunds()
        for _, payment, minor, own in self.model.refunds:
            self.model.reserved -= minor
            if payment.vpa == "norefund@upi" and payment.asked:
                own = 0 if payment.settled else own
                self.model.available += minor - own
                payment.left += minor
                payment.pending += own
        self.model.refunds.clear()

    # Settlement ------------------------------------------------------------------------------------------
    @initialize(days=st.sampled_from([0, 2]))
    def start_with_settlement_delay(self, days):
        self.model.delay = days
        Merchant.objects.filter(pk=self.merchant.pk).update(settlement_delay_days=days)

    @precondition(lambda self: self.model.payments)
    @rule(index=INDEX)
    def settle(self, index):
        payment = self._payment(index, [payment for payment in self.model.payments if payment.pending])
        waits = payment.state == "succeeded" and not payment.settled
        Payment.objects.filter(pk=payment.row.pk, settled_at=None, captured_at__isnull=False).update(
            due_at=timezone.now()
        )
        assert payments_work.settle_payments() == waits
        if waits:
            self.model.available += payment.pending
            payment.pending, payment.settled = 0, True

    # Payouts ---------------------------------------------------------------------------------------------
    @rule(minor=AMOUNTS, account=st.sampled_from(["123456789", "123450000"]))
    def pay_out(self, minor, account):
        values = {
            "actor": Actor.system("machine"), "merchant": self.merchant, "mode": "test", "contract": "portal",
            "amount": Money(minor, "INR"), "reference": random_text(20), "beneficiary_name": "Asha",
            "account_number": account, "ifsc": "HDFC0000001",
        }
        if minor + CHARGE > self.model.available:
            with pytest.raises(InsufficientBalance):
                create_payout(**values)
            return
        self.model.payouts.append([create_payout(**values), minor, account, "pending"])
        self._hold(minor + CHARGE)

    @precondition(lambda self: self.model.payouts)
    @rule(index=INDEX, approve=st.booleans())
    def decide(self, index, approve):
        payout = self.model.payouts[index % len(self.model.payouts)]
        row = Payout.objects.get(pk=payout[0].pk)

        def act():
            if approve:
                return approve_payout(actor=self.admin, payout=row)
            return reject_payout(actor=self.admin, payout=row, reason="No")

        if payout[3] != "pending":
            with pytest.raises(IllegalTransition):
                act()
            return
        act()
        payout[3] = "approved" if approve else "rejected"
        if not approve:
            self._release(payout[1] + CHARGE)

    @precondition(lambda self: self.model.payouts)
    @rule(index=INDEX)
    def reject_what_was_not_sent(self, index):
        payout = self.model.payouts[index % len(self.model.payouts)]
        row = Payout.objects.get(pk=payout[0].pk)
        if payout[3] not in ("pending", "approved"):
            with pytest.raises(IllegalTransition):
                reject_payout(actor=self.admin, payout=row, reason="Fraud", approved=True)
            return
        reject_payout(actor=self.admin, payout=row, reason="Fraud", approved=True)
        payout[3] = "rejected"
        self._release(payout[1] + CHARGE)

    @rule()
    def send_payouts(self):
        payouts_work.drive_payouts()
        for payout in self.model.payouts:
            if payout[3] == "approved":
                payout[3] = "failed" if payout[2].endswith("0000") else "processed"
                self.model.reserved -= payout[1] + CHARGE
                if payout[3] == "failed":
                    self.model.available += payout[1] + CHARGE

    # What must hold --------------------------------------------------------------------------------------
    @invariant()
    def the_wallet_is_what_the_model_says(self):
        [wallet] = wallets(merchant_ids=[self.merchant.pk], mode="test")
        found = (wallet.available_minor, wallet.pending_minor, wallet.reserved_minor)
        pending = sum(payment.pending for payment in self.model.payments)
        assert found == (self.model.available, pending, self.model.reserved)

    @invariant()
    def every_row_is_in_the_state_the_model_says(self):
        payments = {payment.row.pk: payment.state for payment in self.model.payments}
        assert dict(Payment.objects.filter(pk__in=payments).values_list("pk", "status")) == payments
        payouts = {row.pk: state for row, _, _, state in self.model.payouts}
        assert dict(Payout.objects.filter(pk__in=payouts).values_list("pk", "status")) == payouts

    def _payment(self, index, among=()) -> Paid:
        among = among or self.model.payments
        payment = among[index % len(among)]
        payment.row.refresh_from_db(fields=["status", "due_at", "failure_code", "expires_at"])
        return payment

    def _succeeded(self, payment):
        payment.state, payment.left = "succeeded", payment.minor
        payment.settled = not self.model.delay
        if payment.settled:
            self.model.available += net_of(payment.minor)
        else:
            payment.pending = net_of(payment.minor)

    def _hold(self, minor, own=0):
        self.model.available -= minor - own
        self.model.reserved += minor

    def _release(self, minor):
        self.model.reserved -= minor
        self.model.available += minor


@pytest.mark.long
@pytest.mark.django_db
def test_any_order_of_steps_keeps_the_money(cast, settings):
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = settings.SANDBOX_BANK_DELAY_SECONDS = 0
    MoneyMachine.cast = cast
    run_state_machine_as_test(MoneyMachine, settings=_machine_settings())


def _machine_settings():
    return settings(
        max_examples=RUNS, stateful_step_count=STEPS, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )
