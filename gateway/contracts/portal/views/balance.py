"""`GET /balance`."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Role
from gateway.contracts.portal import answers, docs
from gateway.contracts.portal.base import EVERYBODY, PortalView
from ledger.queries import wallets


class BalanceView(PortalView):
    roles = {"GET": EVERYBODY}

    @docs.call("get_balance", "Balance and wallets", "Balance", answers.BalanceBody, merchant=True, refusals=(404,))
    def get(self, request: Request) -> Response:
        """A super_admin who names no merchant gets the whole platform's."""
        if self.me.user.role == Role.SUPER_ADMIN and self.named_merchant() is None:
            found = wallets(merchant_ids=None, mode=self.me.mode)
        else:
            found = wallets(merchant_ids=[self.required_merchant().pk], mode=self.me.mode)
        return self.one(answers.balance(found, timezone.now()))
