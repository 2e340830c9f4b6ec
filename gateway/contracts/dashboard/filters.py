"""Filters and orders of the dashboard's lists. Unknown ones are ignored; a bad value is refused by naming the good."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import django_filters
from django import forms
from django.db.models import F, Model, OrderBy, Q, QuerySet
from django.http import QueryDict

from crypto.models import ChainTransaction, DepositAddress, Session, Withdrawal
from crypto.queries.places import Choice
from crypto.queries.sessions import search_sessions
from gateway.contracts.dashboard.errors import InvalidParameter
from gateway.contracts.dashboard.words import CURRENCIES, NETWORKS
from gateway.contracts.filters import Filters, MomentFilter, TextFilter, WordFilter
from gateway.lib.errors import InvalidFields
from gateway.lib.money import InvalidAmount, parse_amount

M = TypeVar("M", bound=Model)
_NOTHING = re.compile(r"0(\.0{1,8})?", re.ASCII)
_DIRECTIONS = ("asc", "desc")


class OneOf(WordFilter):
    """One of a few words, or `all`; names are as the database has them unless a method says otherwise."""

    def __init__(self, words: Iterable[str], **options: Any) -> None:
        super().__init__({"all": "all"} | {word: word for word in words}, **options)

    def filter(self, qs: QuerySet[M], value: Any) -> QuerySet[M]:
        return qs if value in ("", None, "all") else qs.filter(**{str(self.field_name): value})


class _TokensField(forms.Field):
    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        if _NOTHING.fullmatch(str(value)):
            return 0
        try:
            return parse_amount(value, "USDT").minor
        except InvalidAmount as error:
            raise forms.ValidationError(str(error)) from error


class TokensFilter(django_filters.Filter):
    """Tokens in the query, minor units in the column."""

    field_class = _TokensField
    documented: ClassVar[dict[str, Any]] = {"type": "number", "minimum": 0, "example": 10.5}


class DashboardFilters(Filters):
    """`SORTS`: what `sort_by` may name, and the column behind each; the first is the usual one, descending."""

    SORTS: ClassVar[dict[str, str]] = {}

    @classmethod
    def narrow(cls, query: QueryDict, rows: QuerySet[M]) -> QuerySet[M]:
        filters = cls(data=query, queryset=rows)
        if not filters.form.is_valid():
            raise cls._refusal(filters)
        narrowed: QuerySet[M] = filters.filter_queryset(rows)
        return narrowed.order_by(*cls._order(filters.form.cleaned_data)) if cls.SORTS else narrowed

    @classmethod
    def chosen(cls, query: QueryDict) -> dict[str, Any]:
        """The values alone, for what narrows no rows. Raises `InvalidFields`."""
        filters = cls(data=query, queryset=Session.objects.none())
        if not filters.form.is_valid():
            raise cls._refusal(filters)
        return dict(filters.form.cleaned_data)

    @classmethod
    def _refusal(cls, filters: Filters) -> InvalidFields:
        errors = {name: str(found[0]) for name, found in filters.form.errors.items()}
        if len(errors) > 1:
            return InvalidFields(**errors)
        name, text = next(iter(errors.items()))
        item = cls.base_filters[name]
        allowed: list[str] = getattr(item, "allowed", [])
        return InvalidParameter(name, text, allowed[1:] if isinstance(item, OneOf) else allowed)

    @classmethod
    def _order(cls, chosen: dict[str, Any]) -> list[OrderBy]:
        """What has no value comes last either way; the id makes the order total."""
        name = chosen.get("sort_by") or next(iter(cls.SORTS))
        column, key = F(cls.SORTS[name]), F("pk")
        nulls = {"nulls_last": True} if name in cls.NULLABLE else {}
        if chosen.get("sort_order") == "asc":
            return [column.asc(**nulls), key.asc()]
        return [column.desc(**nulls), key.desc()]

    NULLABLE: ClassVar[tuple[str, ...]] = ()

    def as_order(self, rows: QuerySet[M], _: str, value: str) -> QuerySet[M]:
        """Orders are applied together, when all rows are chosen."""
        return rows


class Sort(WordFilter):
    """A choice that orders and leaves nothing out."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__({word: word for word in words}, method="as_order")


class _Dated(DashboardFilters):
    """Days and moments are UTC, both ends included."""

    start_date = MomentFilter(field_name="created_at", lookup_expr="gte")
    end_date = MomentFilter(field_name="created_at", lookup_expr="lte", as_end=True)


    @classmethod
    def choice(cls, query: QueryDict) -> Choice | None:
        """What kept figures are asked for; None where they do not count what is asked."""
        chosen = cls.chosen(query)
        if any(chosen[name] not in ("", None) for name in cls.UNCOUNTED):
            return None
        words = {name: chosen[name] for name in ("network", "currency") if chosen[name] not in ("", "all")}
        only, end = chosen[cls.ONLY], chosen["end_date"]
        return Choice(
            words=words, only="" if only == "all" else only, start=chosen["start_date"],
            end=end + timedelta(microseconds=1) if end else None,
            sort=cls.SORTS[chosen.get("sort_by") or next(iter(cls.SORTS))] if cls.SORTS else "created_at",
            descending=chosen.get("sort_order") != "asc",
        )

    UNCOUNTED: ClassVar[tuple[str, ...]] = ()
    ONLY: ClassVar[str]


class SessionFilters(_Dated):
    UNCOUNTED, ONLY = ("search",), "status"
    SORTS = {"created_at": "created_at", "amount": "amount_minor", "paid_at": "paid_at"}
    NULLABLE = ("paid_at",)
    status = OneOf(Session.Status.values)
    network = OneOf(NETWORKS, field_name="network_id")
    currency = OneOf(CURRENCIES)
    search = TextFilter(max_length=254, method="matching")
    sort_by = Sort(SORTS)
    sort_order = Sort(_DIRECTIONS)

    def matching(self, rows: QuerySet[Session], _: str, value: str) -> QuerySet[Session]:
        return search_sessions(rows, value)


class AddressFilters(DashboardFilters):
    """`has_balance=false` gives those without one. An address is `unassigned` while no open session has it."""

    SORTS = {
        "created_at": "created_at", "updated_at": "own_updated", "last_used_at": "own_last_used", "balance": "own_held"
    }
    NULLABLE = ("last_used_at",)
    network = OneOf(NETWORKS, field_name="network_id")
    currency = OneOf(CURRENCIES, field_name="own_currency")
    status = OneOf(("active", "assigned", "unassigned", "inactive"), method="of_status")
    has_balance = WordFilter({"true": "true", "false": "false"}, method="with_balance")
    sweep_status = OneOf(DepositAddress.SweepStatus.values, field_name="own_sweep_status")
    sort_by = Sort(SORTS)
    sort_order = Sort(_DIRECTIONS)

    def of_status(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        wanted = {
            "active": Q(is_active=True), "inactive": Q(is_active=False),
            "assigned": Q(own_open__isnull=False), "unassigned": Q(own_open__isnull=True),
        }
        return rows.filter(wanted.get(value, Q()))

    def with_balance(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        return rows.filter(own_held__gt=0) if value == "true" else rows.filter(own_held=0)


class TransactionFilters(_Dated):
    UNCOUNTED, ONLY = ("min_amount", "max_amount"), "type"
    type = OneOf(ChainTransaction.Type.values)
    network = OneOf(NETWORKS, field_name="network_id")
    currency = OneOf(CURRENCIES)
    min_amount = TokensFilter(field_name="amount_minor", lookup_expr="gte")
    max_amount = TokensFilter(field_name="amount_minor", lookup_expr="lte")


class WithdrawalFilters(DashboardFilters):
    status = OneOf(Withdrawal.Status.values)
    method = OneOf(Withdrawal.Method.values)
