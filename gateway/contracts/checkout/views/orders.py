"""`/orders`: with a secret, and `/orders/public` without one."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import get_or_404
from accounts.models import Merchant
from gateway.contracts.checkout import answers, docs
from gateway.contracts.checkout.base import CheckoutView
from gateway.contracts.checkout.filters import OrderFilters
from gateway.contracts.checkout.public import PublicView, merchant_for, public_orders
from gateway.contracts.checkout.serializers import NewOrder, NewPublicOrder
from gateway.lib.money import Money
from payments.queries import find_order, visible_orders, visible_payments
from payments.services import create_order

_TAG = "Orders"


class OrdersView(CheckoutView):
    idempotent = ("POST",)

    @docs.listing("list_orders", "List orders", _TAG, answers.OrderBody, OrderFilters)
    def get(self, request: Request) -> Response:
        rows = visible_orders(self.viewer)
        if self.me.razorpay:
            rows = rows.annotate(paid_minor=answers.PAID_MINOR)
        return self.collection(OrderFilters.narrow(self.query, rows))

    @docs.call(
        "create_order", "Create an order", _TAG, answers.OrderBody, status=201, body=NewOrder, idempotent=True,
        example={"amount": 50000, "currency": "INR", "receipt": "receipt_001", "notes": {"customer": "John Doe"}},
    )
    def post(self, request: Request) -> Response:
        """Its payments are captured when you ask for it, or at once with `"manual_capture": false`. Its hosted page is
        `/pay/{id}` on this host, and leads back to `redirect_url`.
        """
        sent = NewOrder.read(self.body)
        order = create_order(
            actor=self.me.actor, merchant=self.me.merchant, mode=self.me.mode, contract="checkout",
            manual_capture=sent["manual_capture"], redirect_url=sent.get("redirect_url", ""),
            expires_at=sent.get("expire_by"), **_of_body(sent),
        )
        return Response(self.shown(order), status=201)


class OrderView(CheckoutView):
    @docs.call("get_order", "Get an order", _TAG, answers.OrderBody, refusals=(404,))
    def get(self, request: Request, order_id: str) -> Response:
        return Response(self.shown(find_order(self.viewer, order_id)))


class OrderPaymentsView(CheckoutView):
    @docs.listing("list_order_payments", "Payments of an order", _TAG, answers.PaymentBody, refusals=(404,))
    def get(self, request: Request, order_id: str) -> Response:
        order = find_order(self.viewer, order_id)
        return self.collection(visible_payments(self.viewer).filter(order=order))


class PublicOrdersView(PublicView):
    idempotent = ("POST",)

    @cached_property
    def sent(self) -> dict[str, Any]:
        return NewPublicOrder.read(self.body)

    @cached_property
    def merchant(self) -> Merchant:
        return merchant_for(self.anybody, self.sent.get("merchant_id", ""))

    def owner_of_keys(self) -> tuple[str, str]:
        return self.merchant.public_id, self.anybody.mode

    @docs.call(
        "create_public_order", "Create an order without a secret", "Public checkout", answers.OrderBody, status=201,
        body=NewPublicOrder, refusals=(404,), idempotent=True,
        example={"amount": 50000, "currency": "INR", "receipt": "receipt_001", "notes": {"customer": "John Doe"}},
    )
    def post(self, request: Request) -> Response:
        """For the merchant of the publishable key in `X-Api-Key`, of `merchant_id`, or the installation's own. Its
        payments are captured at once.
        """
        order = create_order(
            actor=self.anybody.actor, merchant=self.merchant, mode=self.anybody.mode, contract="checkout",
            public=True, **_of_body(self.sent),
        )
        return Response(answers.order(order), status=201)


class PublicOrderView(PublicView):
    @docs.call(
        "get_public_order", "Get a public order", "Public checkout", answers.OrderBody, refusals=(404,),
    )
    def get(self, request: Request, order_id: str) -> Response:
        return Response(answers.order(get_or_404(public_orders(self.anybody), public_id=order_id)))


def _of_body(sent: dict[str, Any]) -> dict[str, Any]:
    return {
        "amount": Money(sent["amount"], sent["currency"]),
        "receipt": sent.get("receipt", ""),
        "notes": sent.get("notes", {}),
    }
