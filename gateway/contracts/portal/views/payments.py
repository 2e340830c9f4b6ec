"""`/payments`: create, list, look up."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.contracts.portal import answers, docs
from gateway.contracts.portal.base import EVERYBODY, PortalView
from gateway.contracts.portal.filters import PaymentFilters
from gateway.contracts.portal.serializers import AnyPayment, NewPayment, OperatorPayment
from payments.queries import find_payment, visible_payments, with_gross
from payments.services import create_payment


class PaymentsView(PortalView):
    roles = {"GET": EVERYBODY, "POST": EVERYBODY}
    idempotent = ("POST",)

    @docs.listing("list_payments", "List payments", "Payments", answers.PaymentBody, PaymentFilters)
    def get(self, request: Request) -> Response:
        rows = PaymentFilters.narrow(self.query, with_gross(visible_payments(self.me.viewer)))
        return self.listed(rows, answers.payment, stay=True)

    @docs.call(
        "create_payment", "Create a payment", "Payments", answers.PaymentBody, status=201, body=AnyPayment,
        refusals=(404, 409), idempotent=True,
    )
    def post(self, request: Request) -> Response:
        """Operators name the merchant by `merchant_id`; from anybody else it is ignored."""
        sent = (OperatorPayment if self.me.user.is_operator else NewPayment).read(self.body)
        payment = create_payment(
            actor=self.me.actor, merchant=self.merchant_of_body(sent), mode=self.me.mode, contract="portal",
            amount=sent["amount"], reference=sent["order_id"], method=sent["method"],
            created_by=self.me.user, **_optional(sent),
        )
        return self.one(answers.payment(payment), status=201)


class PaymentView(PortalView):
    roles = {"GET": EVERYBODY}

    @docs.call("get_payment", "Get a payment", "Payments", answers.PaymentBody, refusals=(404,))
    def get(self, request: Request, transaction_id: str) -> Response:
        return self.one(answers.payment(find_payment(self.me.viewer, transaction_id)))


_NAMES = {
    "payer": "payer_name", "email": "payer_email", "phone": "payer_phone",
    "redirect_url": "redirect_url", "notes": "notes",
}


def _optional(sent: dict[str, Any]) -> dict[str, Any]:
    """The optional fields that were sent, under the core's names."""
    return {core: sent[name] for name, core in _NAMES.items() if name in sent}
