"""The payer confirms on the hosted page: the payment is `processing` from then on, and a worker asks the provider."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from gateway.lib.errors import IllegalTransition
from gateway.lib.jobs import wake
from payments.errors import MerchantClosed, OrderAlreadyPaid, PaymentExpired
from payments.models import Payment
from payments.providers.cards import CardDetails
from payments.services import instruments
from payments.services.outcomes import begin, order_has_other_success


def confirm_payment(
    *, actor: Actor, payment: Payment, vpa: str = "", utr: str = "", card: CardDetails | None = None
) -> Payment:
    """Raises `InvalidFields`, `UtrUsed`, `PaymentExpired`, `OrderAlreadyPaid`, `MerchantClosed`, and
    `IllegalTransition` for one that is not waiting.
    """
    check_waiting(payment)
    instrument = instruments.of_payer(provider=payment.provider, method=payment.method, vpa=vpa, utr=utr, card=card)
    instruments.check_claim_is_new(payment, instrument.get("claimed_utr", ""))
    with transaction.atomic():
        if order_has_other_success(payment):
            raise OrderAlreadyPaid()
        begin(actor, payment, due_at=timezone.now(), tries=0, **instrument)
        wake("payments.drive")
    return payment


def check_waiting(payment: Payment) -> None:
    """One past its time is over, also where no sweep has written that down yet. A suspended merchant takes none."""
    if payment.failure_code == "expired" or is_overdue(payment):
        raise PaymentExpired()
    if not payment.awaits_payer:
        raise IllegalTransition("This payment has been confirmed already.")
    if not payment.merchant.is_active:
        raise MerchantClosed()


def is_overdue(payment: Payment) -> bool:
    return payment.awaits_payer and payment.expires_at is not None and payment.expires_at <= timezone.now()
