"""`/payout`: money to a bank account, and what became of it."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import get_or_404
from gateway.contracts.signed import answers, docs
from gateway.contracts.signed.base import SignedView
from gateway.contracts.signed.serializers import NewPayout
from payouts.queries import visible_payouts
from payouts.services import create_payout


class PayoutInitiateView(SignedView):
    idempotent = ("POST",)

    @docs.call(
        "create_payout", "Payout initiate", "Payout", answers.NewPayoutBody, body=NewPayout, refusals=(402, 409),
        idempotent=True,
        example={
            "beneficiary_name": "Test Name", "beneficiary_email": "test.test@gmail.com",
            "beneficiary_mobile_no": "7878787878", "beneficiary_address": "NOIDA", "payment_method": "IMPS",
            "beneficiary_acc_no": "99999999999", "bank_name": "SBI", "ifsc": "SBIN0060589", "amount": 100,
            "order_id": "qweq-2d2fss-2234sd-44533", "user_id": "aseq-2d2fss-22a4sd-44a33", "remarks": None,
        },
    )
    def post(self, request: Request) -> Response:
        """Holds the amount and its charge at once. You are told by webhook how it ended."""
        sent = NewPayout.read(self.body)
        payout = create_payout(
            actor=self.me.actor, merchant=self.me.merchant, mode=self.me.mode, contract="signed",
            amount=sent["amount"], reference=sent["order_id"], user_reference=sent["user_id"],
            beneficiary_name=sent["beneficiary_name"], account_number=sent["beneficiary_acc_no"], ifsc=sent["ifsc"],
            bank_name=sent["bank_name"], method=sent["payment_method"], remarks=sent.get("remarks", ""),
            beneficiary_details={
                "email": sent["beneficiary_email"], "mobile_no": sent["beneficiary_mobile_no"],
                "address": sent["beneficiary_address"],
            },
        )
        return self.good(answers.new_payout(payout), "Payout initiated.")


class PayoutStatusView(SignedView):
    @docs.call("get_payout", "Payout status", "Payout", answers.PayoutBody, refusals=(404,))
    def get(self, request: Request, order_id: str) -> Response:
        """By your `order_id`. Payouts made through another contract are found here too."""
        payout = get_or_404(visible_payouts(self.viewer), reference=order_id)
        return self.good(answers.payout(payout), "Payout status fetched.")
