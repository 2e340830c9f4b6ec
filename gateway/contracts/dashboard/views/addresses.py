"""`/dashboard/addresses`: the addresses that the merchant's sessions have or had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import get_or_404
from crypto.models import DepositAddress
from crypto.queries.addresses import AddressRecord, address_totals, records_of, visible_addresses
from crypto.rates import usd_value
from crypto.services.checking import check_balance
from gateway.contracts.dashboard import docs
from gateway.contracts.dashboard.answers import addresses as answers
from gateway.contracts.dashboard.base import DashboardView
from gateway.contracts.dashboard.filters import AddressFilters
from gateway.contracts.dashboard.numbers import row_id
from gateway.contracts.dashboard.words import amount, timestamp
from gateway.lib.errors import IllegalTransition

_TAG = "Addresses"


class AddressesView(DashboardView):
    @docs.listing(
        "list_addresses", "List deposit addresses", _TAG, "addresses", answers.AddressBody, answers.AddressesSummary,
        AddressFilters,
    )
    def get(self, request: Request) -> Response:
        """Those that your sessions have or had, with what came in for you and was swept. `has_balance=false` gives
        those that hold nothing of yours.
        """
        rows = AddressFilters.narrow(self.query, visible_addresses(self.viewer))
        return self.listed("addresses", rows, self._shown, _summary)

    def _shown(self, rows: Sequence[DepositAddress]) -> list[Any]:
        return [answers.address(record) for record in records_of(self.viewer, rows)]


class _AddressView(DashboardView):
    def record(self, address_id: str) -> AddressRecord:
        row = get_or_404(visible_addresses(self.viewer), pk=row_id(address_id))
        return records_of(self.viewer, [row])[0]


class AddressView(_AddressView):
    @docs.call("get_address", "Get a deposit address", _TAG, answers.AddressDetailBody, refusals=(404,))
    def get(self, request: Request, address_id: str) -> Response:
        return self.one(answers.address_detail(self.viewer, self.record(address_id)))


class CheckBalanceView(_AddressView):
    @docs.call(
        "check_address_balance", "Check an address on chain", _TAG, answers.CheckedBalanceBody, refusals=(404, 409)
    )
    def post(self, request: Request, address_id: str) -> Response:
        """Asks a node now; 503 if none answers. 409 for an address that serves somebody else by now."""
        record = self.record(address_id)
        row = record.address
        if row.merchant_id != self.me.merchant.pk:
            raise IllegalTransition("This address no longer serves your sessions.")
        found = check_balance(address=row, currency=record.currency)
        return self.one({
            "address": row.address,
            "network": row.network_id,
            "currency": found.currency,
            "balance": amount(found.minor),
            "balance_usd": cast(float, usd_value(found.minor, found.currency)),
            "last_checked_at": timestamp(found.at),
            "blockchain_confirmed": True,
        })


def _summary(rows: QuerySet[Any]) -> tuple[int, dict[str, Any]]:
    totals = address_totals(rows)
    return totals.count, {
        "total_addresses": totals.count,
        "active_addresses": totals.active,
        "assigned_addresses": totals.assigned,
        "addresses_with_balance": totals.with_balance,
        "total_balance_across_all": amount(totals.held_minor),
    }
