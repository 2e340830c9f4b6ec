"""`/refunds`, and the two addresses under a payment that Razorpay's clients use."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import get_or_404
from gateway.contracts.checkout import answers, docs
from gateway.contracts.checkout.base import CheckoutView
from gateway.contracts.checkout.filters import RefundFilters
from gateway.contracts.checkout.serializers import NewRefund, PaymentRefund
from gateway.lib.money import Money
from payments.queries import find_payment, visible_refunds
from payments.services import create_refund

_TAG = "Refunds"


class _RefundingView(CheckoutView):
    idempotent = ("POST",)

    def _refund(self, payment_id: str, sent: dict[str, Any]) -> Response:
        payment = find_payment(self.viewer, payment_id)
        amount = Money(sent["amount"], payment.currency) if "amount" in sent else None
        refund = create_refund(
            actor=self.me.actor, payment=payment, amount=amount, reason=sent.get("reason", "")
        )
        return Response(self.shown(refund), status=201)


class RefundsView(_RefundingView):
    @docs.listing("list_refunds", "List refunds", _TAG, answers.RefundBody, RefundFilters)
    def get(self, request: Request) -> Response:
        return self.collection(RefundFilters.narrow(self.query, visible_refunds(self.viewer)))

    @docs.call(
        "create_refund", "Refund a payment", _TAG, answers.RefundBody, status=201, body=NewRefund, refusals=(404,),
        idempotent=True, example={"payment_id": "pay_8ZcxseV6Ggfe9rze", "amount": 1500, "reason": "Customer request"},
    )
    def post(self, request: Request) -> Response:
        """Captured payments only; in parts until their sum is reached, and never more than your balance holds. Without
        `amount`: all that is left. The amount is held at once and sent by a job.
        """
        sent = NewRefund.read(self.body)
        return self._refund(sent["payment_id"], sent)


class RefundView(CheckoutView):
    @docs.call("get_refund", "Get a refund", _TAG, answers.RefundBody, refusals=(404,))
    def get(self, request: Request, refund_id: str) -> Response:
        return Response(self.shown(get_or_404(visible_refunds(self.viewer), public_id=refund_id)))


class PaymentRefundView(_RefundingView):
    @docs.call(
        "refund_payment", "Refund this payment", _TAG, answers.RefundBody, status=201, body=PaymentRefund,
        refusals=(404,), idempotent=True, example={"amount": 1500},
    )
    def post(self, request: Request, payment_id: str) -> Response:
        """As `POST /refunds`, at the address that Razorpay's clients use."""
        return self._refund(payment_id, PaymentRefund.read(self.body))


class PaymentRefundsView(CheckoutView):
    @docs.listing("list_payment_refunds", "Refunds of a payment", _TAG, answers.RefundBody, refusals=(404,))
    def get(self, request: Request, payment_id: str) -> Response:
        payment = find_payment(self.viewer, payment_id)
        return self.collection(visible_refunds(self.viewer).filter(payment=payment))


class OneOfPaymentRefundsView(CheckoutView):
    @docs.call("get_payment_refund", "One refund of a payment", _TAG, answers.RefundBody, refusals=(404,))
    def get(self, request: Request, payment_id: str, refund_id: str) -> Response:
        rows = visible_refunds(self.viewer).filter(payment__public_id=payment_id)
        return Response(self.shown(get_or_404(rows, public_id=refund_id)))
