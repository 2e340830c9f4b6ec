"""What every portal view has: its caller, its roles, its success envelope, and the merchant it acts for."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar, cast

from django.db.models import Model, QuerySet
from django.http import QueryDict
from rest_framework.response import Response

from accounts.actors import get_or_404, team_merchants
from accounts.errors import AccountSuspended
from accounts.models import Merchant, Role
from gateway.contracts.base import ContractView, UnknownAddress
from gateway.contracts.pagination import page_of
from gateway.contracts.portal.authentication import PortalAuthentication, PortalCaller
from gateway.contracts.portal.errors import envelope
from gateway.contracts.problems import MissingFields
from gateway.lib.errors import NotAllowed

M = TypeVar("M", bound=Model)
OPERATORS: tuple[str, ...] = (Role.SUPER_ADMIN, Role.ADMIN)
MERCHANT_SIDE: tuple[str, ...] = (Role.MERCHANT, Role.API_USER)
EVERYBODY: tuple[str, ...] = (*OPERATORS, *MERCHANT_SIDE)


class PortalView(ContractView):
    """`roles` names, per method, who may make the call at all; a method that is not named there is nobody's."""

    envelope = staticmethod(envelope)
    authentication_classes = [PortalAuthentication]
    roles: ClassVar[dict[str, tuple[str, ...]]] = {}

    def check_caller(self) -> None:
        if not self.me.user.is_active:
            raise AccountSuspended()
        method = "GET" if self.request.method == "HEAD" else str(self.request.method)
        if self.me.user.role not in self.roles.get(method, ()):
            raise NotAllowed()

    @property
    def me(self) -> PortalCaller:
        return cast(PortalCaller, self.caller)

    @property
    def query(self) -> QueryDict:
        return self.request._request.GET

    def one(self, data: Any, status: int = 200) -> Response:
        return Response({"success": True, "data": data}, status=status)

    def listed(self, rows: QuerySet[M], render: Any, *, stay: bool = False) -> Response:
        """`stay`: such rows are never deleted and never dated anew."""
        # An admin's team may change, so may what a filter finds; a whole platform has too many rows to count by day.
        is_whole = self.me.user.role in MERCHANT_SIDE and set(self.query) <= {"page", "limit"}
        page = page_of(self.query, rows, by_day=stay and is_whole)
        data = [render(row) for row in page.rows]
        return Response({"success": True, "data": data, "pagination": page.pagination})

    def merchant_in_reach(self, public_id: str) -> Merchant:
        """The merchant that the caller names; `NotFound` unless it is the caller's to act for."""
        return get_or_404(team_merchants(self.me.user), public_id=public_id)

    def named_merchant(self) -> Merchant | None:
        """The merchant of `?merchant_id=`, else the caller's own, else None (operators)."""
        named = self.query.get("merchant_id", "")
        return self.merchant_in_reach(named) if named else self.me.user.merchant

    def merchant_of_body(self, sent: dict[str, Any]) -> Merchant:
        """The caller's own merchant, or the one an operator's body names."""
        own = self.me.user.merchant
        return own if own is not None else self.merchant_in_reach(sent["merchant_id"])

    def required_merchant(self) -> Merchant:
        merchant = self.named_merchant()
        if merchant is None:
            raise MissingFields(["merchant_id"])
        return merchant


class PortalUnknownAddress(UnknownAddress, PortalView):
    """Whatever the portal has nothing at."""
