"""`/payments`: create, list, look up, capture; and `/payments/public` without a secret.

What is paid with is checked, and a card turned into its provider's token, before the call's transaction begins.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor, get_or_404
from gateway.contracts.checkout import answers, docs
from gateway.contracts.checkout.base import CheckoutView
from gateway.contracts.checkout.filters import PaymentFilters
from gateway.contracts.checkout.public import PublicView, public_orders, public_payments
from gateway.contracts.checkout.serializers import Capture, NewPayment, card_of, in_words_of_body
from gateway.lib.errors import InvalidFields
from payments.models import Order, Payment
from payments.queries import find_payment, visible_orders, visible_payments
from payments.services import capture_payment, check_instrument, pay_order

_TAG = "Payments"
_EXAMPLES: dict[str, dict[str, Any]] = {
    "upi": {"order_id": "order_qcu6hxPZ6BH3Rpil", "method": "upi", "vpa": "success@upi"},
    "card": {
        "order_id": "order_qcu6hxPZ6BH3Rpil", "method": "card", "card_number": "4111111111111111",
        "expiry_month": 12, "expiry_year": 2030, "cvv": "123",
    },
    "nested card": {
        "order_id": "order_qcu6hxPZ6BH3Rpil", "method": "card",
        "card": {"number": "4111111111111111", "expiry_month": "12", "expiry_year": "2030", "cvv": "123"},
    },
}


class Checked:
    """A payment's body, its order, and the means of payment as they may be kept."""

    def __init__(self, body: dict[str, Any], orders: QuerySet[Order]) -> None:
        sent = NewPayment.read(body)
        card = card_of(sent) if sent["method"] == Payment.Method.CARD else None
        self.order = get_or_404(orders, public_id=sent["order_id"])
        self.method = sent["method"]
        check_same(sent, self.order)
        vpa = sent.get("vpa", "") if card is None else ""
        try:
            self.instrument = check_instrument(
                merchant=self.order.merchant, mode=self.order.mode, method=self.method, vpa=vpa, card=card
            )
        except InvalidFields as error:
            raise in_words_of_body(error, sent) from None

    def pay(self, actor: Actor, *, alone: bool = False) -> Payment:
        return pay_order(
            actor=actor, order=self.order, contract="checkout", method=self.method, instrument=self.instrument,
            alone=alone,
        )


def check_same(sent: dict[str, Any], row: Order | Payment) -> None:
    """`amount` and `currency`, where they are sent, must be the record's own."""
    minor = row.gross.minor if isinstance(row, Payment) else row.amount_minor  # as it is told
    if sent.get("amount", minor) != minor:
        raise InvalidFields(amount=f"must be {minor}")
    if sent.get("currency", row.currency) != row.currency:
        raise InvalidFields(currency=f"must be {row.currency}")


class PaymentsView(CheckoutView):
    idempotent = ("POST",)

    def prepare(self) -> None:
        if self.request.method == "POST":
            self.checked = Checked(self.body, visible_orders(self.viewer))

    @docs.listing("list_payments", "List payments", _TAG, answers.PaymentBody, PaymentFilters)
    def get(self, request: Request) -> Response:
        return self.collection(PaymentFilters.narrow(self.query, visible_payments(self.viewer)))

    @docs.call(
        "create_payment", "Pay an order", _TAG, answers.PaymentBody, status=201, body=NewPayment,
        refusals=(404, 409), idempotent=True, examples=_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        """Answers `CREATED`; a job authorises it. One payment of an order succeeds; after a failure try again."""
        return Response(self.shown(self.checked.pay(self.me.actor)), status=201)


class PaymentView(CheckoutView):
    @docs.call("get_payment", "Get a payment", _TAG, answers.PaymentBody, refusals=(404,))
    def get(self, request: Request, payment_id: str) -> Response:
        return Response(self.shown(find_payment(self.viewer, payment_id)))


class CaptureView(CheckoutView):
    idempotent = ("POST",)

    @docs.call(
        "capture_payment", "Capture a payment", _TAG, answers.PaymentBody, body=Capture, refusals=(404,),
        idempotent=True, example={"amount": 50000, "currency": "INR"},
    )
    def post(self, request: Request, payment_id: str) -> Response:
        """Before its authorisation has ended the wish is remembered, and `PROCESSING` answered. After a success the
        money is booked, once; again, the same answer. After a failure: 400.
        """
        payment = find_payment(self.viewer, payment_id)
        check_same(Capture.read(self.body), payment)
        payment = capture_payment(actor=self.me.actor, payment=payment)
        body = self.shown(payment)
        # Whoever captures has been promised an answer: to them it is under way, whatever a worker has begun.
        return Response(body | {"status": "PROCESSING"} if body["status"] == "CREATED" else body)


class PublicPaymentsView(PublicView):
    idempotent = requires_key = ("POST",)

    def prepare(self) -> None:
        self.checked = Checked(self.body, public_orders(self.anybody))

    def owner_of_keys(self) -> tuple[str, str]:
        """The order's merchant: a key of one merchant's payer is none of another's."""
        order_id = NewPayment.read(self.body)["order_id"]
        order = get_or_404(public_orders(self.anybody), public_id=order_id)
        return order.merchant.public_id, order.mode

    @docs.call(
        "create_public_payment", "Pay a public order", "Public checkout", answers.PaymentBody, status=201,
        body=NewPayment, refusals=(404, 409), idempotent=True,
        example={
            "order_id": "order_22hJz371jXdn3yaw", "amount": 50000, "currency": "INR", "method": "upi",
            "vpa": "test@upi",
        },
    )
    def post(self, request: Request) -> Response:
        """`Idempotency-Key` is required. `amount` and `currency`, if sent, must be the order's. One try at a time: 409
        beside one that has not ended.
        """
        # The caller is a payer's browser: a second press or a second window must not charge them a second time.
        return Response(answers.payment(self.checked.pay(self.anybody.actor, alone=True)), status=201)


class PublicPaymentView(PublicView):
    @docs.call(
        "get_public_payment", "Get a public order's payment", "Public checkout", answers.PaymentBody,
        refusals=(404,),
    )
    def get(self, request: Request, payment_id: str) -> Response:
        return Response(answers.payment(get_or_404(public_payments(self.anybody), public_id=payment_id)))
