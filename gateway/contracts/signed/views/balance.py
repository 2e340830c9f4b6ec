"""`GET /balance`."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.contracts.signed import answers, docs
from gateway.contracts.signed.base import SignedView
from ledger.queries import wallets


class BalanceView(SignedView):
    reads_balance = True

    @docs.call("get_balance", "Check balance", "Balance", answers.BalanceBody)
    def get(self, request: Request) -> Response:
        """What can be paid out now, in rupees. A live pair without an allow-list may make this call only."""
        found = wallets(merchant_ids=[self.me.merchant.pk], mode=self.me.mode)
        return self.good(answers.balance(found[0]), "Merchant wallet balance fetched.")
