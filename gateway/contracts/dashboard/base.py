"""What every dashboard view has: its caller, its limit, its success envelope, and pages with a summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar, cast

from django.db.models import Model, QuerySet
from django.http import QueryDict
from rest_framework.response import Response

from accounts.actors import Viewer
from accounts.errors import AccountSuspended
from gateway.contracts.base import ContractView, UnknownAddress
from gateway.contracts.dashboard.authentication import DashboardCaller, KeyAuthentication
from gateway.contracts.dashboard.errors import envelope
from gateway.contracts.dashboard.lists import Kept, Summary, page_of

M = TypeVar("M", bound=Model)


class DashboardView(ContractView):
    """`limit_group` names the limit that calls of this address are counted against."""

    envelope = staticmethod(envelope)
    authentication_classes = [KeyAuthentication]
    limit_group: ClassVar[str] = "standard"

    def check_caller(self) -> None:
        if self.me.is_suspended:
            raise AccountSuspended()

    @property
    def me(self) -> DashboardCaller:
        return cast(DashboardCaller, self.caller)

    @property
    def viewer(self) -> Viewer:
        return self.me.viewer

    @property
    def query(self) -> QueryDict:
        return self.request._request.GET

    def one(self, data: Any, status: int = 200) -> Response:
        return Response({"success": True, "data": data}, status=status)

    def listed(
        self, name: str, rows: QuerySet[M], render: Callable[[Sequence[M]], list[Any]], summary: Summary[M],
        kept: Kept | None = None,
    ) -> Response:
        """A page of `rows`, which are ordered already, and the summary of all of them."""
        page = page_of(self.query, rows, summary, kept)
        return self.one({name: render(page.rows), "pagination": page.pagination, "summary": page.summary})


class DashboardUnknownAddress(UnknownAddress, DashboardView):
    """Whatever the dashboard has nothing at."""
