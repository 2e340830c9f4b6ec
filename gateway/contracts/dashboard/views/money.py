"""`/dashboard/balance/…`, `/dashboard/transactions` and `/dashboard/withdrawals`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import get_or_404
from crypto.models import ChainTransaction, Withdrawal
from crypto.queries.balances import calendar
from crypto.queries.places import counted_transactions, place_of_transactions
from crypto.queries.transactions import TransactionTotals, totals_of, visible_transactions
from crypto.queries.withdrawals import visible_withdrawals, withdrawal_totals
from crypto.services.withdrawals import create_withdrawal
from gateway.contracts.dashboard import docs
from gateway.contracts.dashboard.answers import balances, transactions, withdrawals
from gateway.contracts.dashboard.base import DashboardView
from gateway.contracts.dashboard.filters import TransactionFilters, WithdrawalFilters
from gateway.contracts.dashboard.lists import Kept
from gateway.contracts.dashboard.numbers import row_id
from gateway.contracts.dashboard.serializers import NewWithdrawal
from gateway.lib.errors import InvalidFields, NotFound
from gateway.lib.money import Money

_OF_BODY = {"network": "crypto_network", "address": "crypto_address"}


class CryptoBalanceView(DashboardView):
    @docs.call("get_crypto_balance", "Get the balance", "Balance", balances.CryptoBalanceBody)
    def get(self, request: Request) -> Response:
        """What can be withdrawn, what awaits confirmations, and what was earned, before fees."""
        return self.one(balances.crypto_balance(self.viewer))


class NetworksBalanceView(DashboardView):
    @docs.call("get_network_balances", "Get the balance by network", "Balance", balances.NetworksBody)
    def get(self, request: Request) -> Response:
        return self.one(balances.networks(self.viewer))


class TransactionsView(DashboardView):
    @docs.listing(
        "list_transactions", "List transactions", "Transactions", "transactions", transactions.TransactionBody,
        transactions.TransactionsSummary, TransactionFilters,
    )
    def get(self, request: Request) -> Response:
        """Paid in, swept and paid out, newest first."""
        rows = TransactionFilters.narrow(self.query, visible_transactions(self.viewer))
        return self.listed("transactions", rows, self._shown, _transactions_summary, self._kept())

    def _kept(self) -> Kept | None:
        choice = TransactionFilters.choice(self.query)
        return None if choice is None else Kept(
            lambda: _said(counted_transactions(self.viewer, choice)),
            partial(place_of_transactions, self.viewer, choice), choice.is_narrow,
        )

    def _shown(self, rows: Sequence[ChainTransaction]) -> list[Any]:
        return list(transactions.transactions(rows, self.me.mode))


class TransactionView(DashboardView):
    @docs.call(
        "get_transaction", "Get a transaction", "Transactions", transactions.TransactionDetailBody, refusals=(404,)
    )
    def get(self, request: Request, tx_hash: str) -> Response:
        """By its hash. Where one transaction moved tokens to you several times, the first movement."""
        wanted = tx_hash.lower() if tx_hash[:2].lower() == "0x" else tx_hash
        rows = visible_transactions(self.viewer).filter(transaction_hash=wanted)
        row = rows.order_by("position", "id").first()
        if row is None:
            raise NotFound()
        return self.one(transactions.transaction_detail(row))


class WithdrawalsView(DashboardView):
    @docs.listing(
        "list_withdrawals", "List withdrawals", "Withdrawals", "withdrawals", withdrawals.WithdrawalBody,
        withdrawals.WithdrawalsSummary, WithdrawalFilters,
    )
    def get(self, request: Request) -> Response:
        rows = WithdrawalFilters.narrow(self.query, visible_withdrawals(self.viewer))
        return self.listed("withdrawals", rows, _withdrawals, _withdrawals_summary)


class NewWithdrawalView(DashboardView):
    idempotent = ("POST",)

    @docs.call(
        "create_withdrawal", "Create a withdrawal", "Withdrawals", withdrawals.NewWithdrawalBody, status=201,
        body=NewWithdrawal, idempotent=True,
        examples={
            "to a wallet": {
                "amount": 50, "method": "crypto", "crypto_network": "BSC",
                "crypto_address": "0x8ba1f109551bD432803012645Ac136ddd64DBA72", "note": "Monthly settlement",
            },
            "to the bank account": {"amount": 50, "method": "fiat"},
        },
    )
    def post(self, request: Request) -> Response:
        """The amount is held at once; the fee is part of it. A crypto withdrawal draws on the balance on that very
        network; one to the bank account on those with most.
        """
        sent = NewWithdrawal.read(self.body)
        try:
            row = create_withdrawal(
                actor=self.me.actor, merchant=self.me.merchant, mode=self.me.mode,
                amount=Money(sent["amount"], sent["currency"]), method=sent["method"],
                network=sent.get("crypto_network", ""), address=sent.get("crypto_address", ""),
                note=sent.get("note", ""),
            )
        except InvalidFields as error:
            bad = {_OF_BODY.get(name, name): text for name, text in error.details["fields"].items()}
            raise InvalidFields(**bad) from error
        return self.one(withdrawals.new_withdrawal(row), 201)


class WithdrawalView(DashboardView):
    @docs.call("get_withdrawal", "Get a withdrawal", "Withdrawals", withdrawals.WithdrawalDetailBody, refusals=(404,))
    def get(self, request: Request, withdrawal_id: str) -> Response:
        row = get_or_404(visible_withdrawals(self.viewer), pk=row_id(withdrawal_id))
        return self.one(withdrawals.withdrawal_detail(row))


def _transactions_summary(rows: QuerySet[ChainTransaction]) -> tuple[int, dict[str, Any]]:
    return _said(totals_of(rows))


def _said(totals: TransactionTotals) -> tuple[int, dict[str, Any]]:
    return totals.count, dict(transactions.transactions_summary(totals))


def _withdrawals(rows: Sequence[Withdrawal]) -> list[Any]:
    return [withdrawals.withdrawal(row) for row in rows]


def _withdrawals_summary(rows: QuerySet[Withdrawal]) -> tuple[int, dict[str, Any]]:
    totals = withdrawal_totals(rows, calendar()["this_month"])
    return rows.order_by().count(), dict(withdrawals.withdrawals_summary(totals))
