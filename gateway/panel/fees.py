"""Fees in words and figures, for operators who set them and merchants who pay them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from gateway.lib.money import InvalidAmount, Money, parse_amount
from gateway.panel.words import money_text
from ledger.fees import ProductFees, Quote, quote
from ledger.models import FeePlan
from payments.models import Payment
from payments.services.fees import quote_fee

_METHODS: dict[str, str] = {
    FeePlan.Product.PAYIN_UPI: Payment.Method.UPI, FeePlan.Product.PAYIN_CARD: Payment.Method.CARD,
}
_PAYOUT = FeePlan.Product.PAYOUT
_LONGEST_PAST = 10


@dataclass(frozen=True, slots=True)
class Terms:
    """One plan as people read it."""

    text: str
    since: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class ShownFee:
    product: str
    label: str
    now: Terms
    is_own: bool
    coming: list[Terms]
    past: list[Terms]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one payment or payout of an amount would cost now; `rest` is what is credited, or taken in all."""

    label: str
    fee: Money
    tax: Money
    rest: Money
    rest_label: str


def shown_fees(table: list[ProductFees]) -> list[ShownFee]:
    return [
        ShownFee(
            product=line.product.value, label=line.product.label, now=_terms(line.in_force), is_own=line.is_own,
            coming=[_terms(plan) for plan in reversed(line.coming)],
            past=[_terms(plan) for plan in line.past[:_LONGEST_PAST]],
        )
        for line in table
    ]


def _terms(plan: FeePlan) -> Terms:
    parts = []
    if plan.fixed_minor:
        parts.append(money_text(Money(plan.fixed_minor, "INR")))
    if plan.basis_points:
        parts.append(f"{plan.basis_points / 100:g} %")
    text = " + ".join(parts) or "Free"
    if parts and plan.gst_basis_points:
        text += f", plus {plan.gst_basis_points / 100:g} % GST"
    if plan.refunds_fee:
        text += "; given back with a refund"
    return Terms(text, plan.effective_from if plan.pk else None, plan.created_by.name if plan.created_by else "")


def would_cost(request: HttpRequest, merchant_id: int) -> tuple[str, list[Cost], str]:
    """The amount asked about (`?amount=`), what it would cost, and what is wrong with it."""
    text = request.GET.get("amount", "").strip()
    if not text:
        return "", [], ""
    try:
        amount = parse_amount(text, "INR")
    except InvalidAmount as error:
        return text[:30], [], f"The amount {error}."
    return text[:30], [_cost(merchant_id, product, amount) for product in (*_METHODS, _PAYOUT)], ""


def _cost(merchant_id: int, product: str, amount: Money) -> Cost:
    label = FeePlan.Product(product).label
    if product in _METHODS:
        made = quote_fee(merchant_id, _METHODS[product], amount)
        return _made(label, made, Money(amount.minor - made.fee_minor, "INR"), "credited")
    made = quote(merchant_id=merchant_id, product=product, amount=amount)
    return _made(label, made, Money(amount.minor + made.fee_minor, "INR"), "taken in all")


def _made(label: str, made: Quote, rest: Money, rest_label: str) -> Cost:
    return Cost(label, Money(made.fee_minor, "INR"), Money(made.tax_minor, "INR"), rest, rest_label)
