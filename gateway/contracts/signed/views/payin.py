"""`/payin`: a link to be paid once, and what became of it."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.contracts.bodies import raw_body
from gateway.contracts.signed import answers, docs
from gateway.contracts.signed.base import SignedView
from gateway.contracts.signed.bodies import form_fields
from gateway.contracts.signed.serializers import NewPayinLink, PayinQuestion
from payments.models import Payment
from payments.queries import payment_of_order
from payments.services import create_payment


class PayinLinkView(SignedView):
    idempotent = ("POST",)

    @docs.call(
        "create_payin_link", "Payin link", "Payin", answers.PayinLinkBody, body=NewPayinLink, refusals=(409,),
        idempotent=True,
        example={
            "user_id": "a42332-2fs-q341-d36d34", "order_id": "adsd-ewerz-23sdsd-ad234", "amount": 100, "method": "UPI",
            "redirect_url": "http://test.com",
        },
    )
    def post(self, request: Request) -> Response:
        """A hosted page that can be paid once; it expires after half an hour. You are told by webhook how it ended."""
        sent = NewPayinLink.read(self.body)
        payment = create_payment(
            actor=self.me.actor, merchant=self.me.merchant, mode=self.me.mode, contract="signed",
            amount=sent["amount"], reference=sent["order_id"], method=Payment.Method.UPI,
            payer_reference=sent["user_id"], redirect_url=sent["redirect_url"],
        )
        return self.good(answers.payin_link(payment), "Payin link generated successfully.")


class PayinTransactionsView(SignedView):
    def _read_body(self) -> dict[str, Any]:
        """The one call that also takes a form: the original's sample sends one."""
        request = self.request._request
        fields = form_fields(request, raw_body(request))
        return super()._read_body() if fields is None else dict(fields)

    @docs.call(
        "get_payin", "Payin status", "Payin", answers.PayinBody, body=PayinQuestion, refusals=(404,), form=True,
        example={"order_id": "adsd-ewerz-23sdsd-ad234"},
    )
    def post(self, request: Request) -> Response:
        """By your `order_id`. Payments made through another contract are found here too."""
        sent = PayinQuestion.read(self.body)
        payment = payment_of_order(self.viewer, sent["order_id"])
        return self.good(answers.payin(payment), "Payin transaction fetched successfully.")
