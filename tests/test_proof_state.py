"""What `python -m proof` holds an installation against: money that was lost must not pass."""

from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.money import Money
from payments.models import Payment, SandboxCharge
from payments.services import create_payment, simulate
from payouts.models import Payout
from payouts.services import create_payout
from proof import state
from webhooks.models import Event


def test_a_payers_money_that_is_no_payment_is_lost(cast):
    payment = create_payment(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", contract="portal",
        amount=Money(50_000, "INR"), reference="M-1", created_by=cast.merchant_user,
    )
    simulate(payment=payment, succeed=True)
    assert SandboxCharge.objects.filter(reference=payment.public_id, decision="succeed").exists()
    assert list(state._lost()) == []

    Payment.objects.filter(pk=payment.pk).update(status="failed")

    assert list(state._lost()) == [f"the provider took the money of {payment.public_id}, which is no succeeded payment"]


def test_an_end_that_nobody_is_told_of_is_lost(cast, fund):
    fund(cast.merchant, 100_000)
    payout = create_payout(
        actor=Actor(cast.merchant_user, "tests"), merchant=cast.merchant, mode="test", contract="portal",
        amount=Money(50_000, "INR"), reference="OUT-1", beneficiary_name="Asha Rao", account_number="50100012345678",
        ifsc="HDFC0000001",
    )
    assert list(state._lost()) == []

    Payout.objects.filter(pk=payout.pk).update(status="processed", processed_at=timezone.now())
    assert list(state._lost()) == [f"{payout.public_id} is processed, and nobody is told"]

    Event.objects.create(type="payout.processed", merchant=cast.merchant, mode="test", subject=payout.public_id)
    assert list(state._lost()) == []
