"""The filters of the portal's lists, in the portal's words."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import F, Q, QuerySet

from accounts.models import AccountStatus, User
from gateway.contracts.filters import Filters, MomentFilter, RupeesFilter, TextFilter, WordFilter
from gateway.contracts.portal.words import PAYMENT_STATUSES, PAYOUT_STATUSES, ROLES
from payments import queries as payment_queries
from payments.models import Payment
from payouts import queries as payout_queries
from payouts.models import Payout
from webhooks.models import Endpoint

_OUR_ORDER = re.compile(r"order_[A-Za-z0-9]{16}", re.ASCII)


def _same(words: list[str]) -> dict[str, str]:
    return {word: word for word in words}


class _MoneyFilters(Filters):
    """What payments and payouts share. Days and moments are UTC, both ends included."""

    start_date = MomentFilter(field_name="created_at", lookup_expr="gte")
    end_date = MomentFilter(field_name="created_at", lookup_expr="lte", as_end=True)
    min_amount = RupeesFilter(field_name="amount_minor", lookup_expr="gte")
    max_amount = RupeesFilter(field_name="amount_minor", lookup_expr="lte")
    merchant_id = TextFilter(field_name="merchant__public_id", max_length=24)


class PaymentFilters(_MoneyFilters):
    min_amount = RupeesFilter(field_name="gross_minor", lookup_expr="gte")
    max_amount = RupeesFilter(field_name="gross_minor", lookup_expr="lte")
    status = WordFilter(PAYMENT_STATUSES, field_name="status")
    method = WordFilter(_same(Payment.Method.values), field_name="method")
    order_id = TextFilter(max_length=64, method="of_order")
    search = TextFilter(max_length=100, method="matching")

    def of_order(self, rows: QuerySet[Payment], _: str, value: str) -> QuerySet[Payment]:
        """By the merchant's own id, or by ours where an order of another contract has none.

        An order is its payment's merchant's and of its mode: said here, the database finds it by its unique index.
        """
        by_reference = rows.filter(order__reference=value, order__merchant=F("merchant"), order__mode=F("mode"))
        if not _OUR_ORDER.fullmatch(value):
            return by_reference
        ours = rows.filter(order__public_id=value, order__reference=None)
        return ours if ours.exists() else by_reference

    def matching(self, rows: QuerySet[Payment], _: str, value: str) -> QuerySet[Payment]:
        return payment_queries.search(rows, value)


class PayoutFilters(_MoneyFilters):
    status = WordFilter(PAYOUT_STATUSES, field_name="status")
    method = WordFilter(_same(Payout.Method.values), field_name="method")
    order_id = TextFilter(field_name="reference", max_length=64)
    search = TextFilter(max_length=100, method="matching")

    def matching(self, rows: QuerySet[Payout], _: str, value: str) -> QuerySet[Payout]:
        return payout_queries.search(rows, value)


class _RoleFilter(WordFilter):
    """A merchant may be asked for by its other word; answers say `merchant`."""

    def __init__(self) -> None:
        super().__init__(_same([*ROLES]), field_name="role")

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return super().filter(qs, ROLES.get(value, value))


class UserFilters(Filters):
    role = _RoleFilter()
    status = WordFilter(_same(AccountStatus.values), field_name="status")
    search = TextFilter(max_length=100, method="matching")

    def matching(self, rows: QuerySet[User], _: str, value: str) -> QuerySet[User]:
        found = Q(email__icontains=value) | Q(name__icontains=value) | Q(public_id=value)
        return rows.filter(found | Q(merchant__name__icontains=value))


class EndpointFilters(Filters):
    contract = WordFilter(_same(Endpoint.Contract.values), field_name="contract")
    enabled = WordFilter({"True": "true", "False": "false"}, field_name="enabled")


