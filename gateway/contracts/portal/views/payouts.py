"""`/payouts`: create, list, look up, approve, reject."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Role
from gateway.contracts.portal import answers, docs
from gateway.contracts.portal.base import EVERYBODY, MERCHANT_SIDE, OPERATORS, PortalView
from gateway.contracts.portal.filters import PayoutFilters
from gateway.contracts.portal.serializers import AnyPayout, NewPayout, OperatorPayout, Rejection
from payouts.models import Payout
from payouts.queries import find_payout, visible_payouts
from payouts.services import approve_payout, create_payout, reject_payout


class PayoutsView(PortalView):
    roles = {"GET": EVERYBODY, "POST": (Role.SUPER_ADMIN, *MERCHANT_SIDE)}
    idempotent = ("POST",)

    @docs.listing("list_payouts", "List payouts", "Payouts", answers.PayoutBody, PayoutFilters)
    def get(self, request: Request) -> Response:
        rows = PayoutFilters.narrow(self.query, visible_payouts(self.me.viewer))
        return self.listed(rows, answers.payout, stay=True)

    @docs.call(
        "create_payout", "Create a payout", "Payouts", answers.PayoutBody, status=201, body=AnyPayout,
        refusals=(402, 404, 409), idempotent=True,
    )
    def post(self, request: Request) -> Response:
        """A super_admin names the merchant by `merchant_id`; from anybody else it is ignored."""
        sent = (OperatorPayout if self.me.user.is_operator else NewPayout).read(self.body)
        payout = create_payout(
            actor=self.me.actor, merchant=self.merchant_of_body(sent), mode=self.me.mode, contract="portal",
            amount=sent["amount"], reference=sent["order_id"], beneficiary_name=sent["beneficiary_name"],
            account_number=sent["account_number"], ifsc=sent["ifsc"], bank_name=sent.get("bank_name", ""),
            method=sent["method"], remarks=sent.get("remarks", ""), created_by=self.me.user,
        )
        # Every payout starts as `pending`, and is answered so: one that approves itself does it from there.
        return self.one({**answers.payout(payout), "status": "pending"}, status=201)


class _OnePayoutView(PortalView):
    def _payout(self, payout_id: str) -> Payout:
        return find_payout(self.me.viewer, payout_id)


class PayoutView(_OnePayoutView):
    roles = {"GET": EVERYBODY}

    @docs.call("get_payout", "Get a payout", "Payouts", answers.PayoutBody, refusals=(404,))
    def get(self, request: Request, payout_id: str) -> Response:
        return self.one(answers.payout(self._payout(payout_id)))


class ApproveView(_OnePayoutView):
    roles = {"POST": OPERATORS}
    idempotent = ("POST",)

    @docs.call(
        "approve_payout", "Approve a payout", "Payouts",
        answers.PayoutBody, refusals=(404, 409), idempotent=True,
    )
    def post(self, request: Request, payout_id: str) -> Response:
        return self.one(answers.payout(approve_payout(actor=self.me.actor, payout=self._payout(payout_id))))


class RejectView(_OnePayoutView):
    roles = {"POST": OPERATORS}
    idempotent = ("POST",)

    @docs.call(
        "reject_payout", "Reject a payout", "Payouts",
        answers.PayoutBody, body=Rejection, refusals=(404, 409), idempotent=True,
    )
    def post(self, request: Request, payout_id: str) -> Response:
        payout, sent = self._payout(payout_id), Rejection.read(self.body)
        return self.one(answers.payout(reject_payout(actor=self.me.actor, payout=payout, reason=sent["reason"])))
