"""What a payment costs its merchant, never more than the payment itself."""

from __future__ import annotations

from datetime import datetime

from gateway.lib.money import Money
from ledger.fees import Quote, plan_for, quote
from ledger.models import FeePlan
from payments.models import Payment

_PRODUCTS: dict[str, str] = {
    Payment.Method.UPI: FeePlan.Product.PAYIN_UPI,
    Payment.Method.CARD: FeePlan.Product.PAYIN_CARD,
}


def quote_fee(merchant_id: int, method: str, amount: Money, at: datetime | None = None) -> Quote:
    asked = quote(merchant_id=merchant_id, product=_PRODUCTS[method], amount=amount, at=at)
    if asked.fee_minor <= amount.minor:
        return asked
    # The same share of it is GST, rounded half up.
    tax = (2 * asked.tax_minor * amount.minor + asked.fee_minor) // (2 * asked.fee_minor)
    return Quote(amount.minor, tax)


def charged(payment: Payment, received_minor: int) -> dict[str, int]:
    """The fee's columns once it is known what was received: of the sum that was asked they stand as quoted, of another
    one they are quoted anew, under the plan of the moment the payment was made.
    """
    if received_minor == payment.amount_minor:
        return {}
    fee = quote_fee(payment.merchant_id, payment.method, Money(received_minor, payment.currency), payment.created_at)
    return {"fee_minor": fee.fee_minor, "tax_minor": fee.tax_minor}


def given_back(payment: Payment, refund_minor: int) -> Quote:
    """The part of the fee that goes back with the next `refund_minor` of a refund, where the fee plan says so.

    Taken from the running total, so that all refunds together give back the whole fee and no more.
    """
    plan = plan_for(payment.merchant_id, _PRODUCTS[payment.method], payment.created_at)
    received = payment.received_minor
    if not plan.refunds_fee or not received:
        return Quote(0, 0)
    before, after = payment.refunded_minor, payment.refunded_minor + refund_minor
    return Quote(
        payment.fee_minor * after // received - payment.fee_minor * before // received,
        payment.tax_minor * after // received - payment.tax_minor * before // received,
    )
