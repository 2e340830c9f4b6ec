"""What an export call asks for, checked: the same filters as the list of that type, as JSON or as `filters[name]`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.http import QueryDict

from crypto.models import Export
from gateway.contracts.dashboard.errors import InvalidParameter
from gateway.contracts.dashboard.filters import (
    AddressFilters,
    DashboardFilters,
    SessionFilters,
    Sort,
    TransactionFilters,
)
from gateway.contracts.filters import MomentFilter
from gateway.contracts.problems import MissingFields
from gateway.lib import strict_json

_REQUIRED = ("format", "type", "start_date", "end_date")
_NAMED = re.compile(r"filters\[([a-z_]{1,30})\]", re.ASCII)
_NOT_CRITERIA = ("sort_by", "sort_order", "start_date", "end_date")
_MOST = 4_000
_OF_TYPE: dict[str, type[DashboardFilters]] = {
    Export.Type.SESSIONS: SessionFilters,
    Export.Type.TRANSACTIONS: TransactionFilters,
    Export.Type.ADDRESSES: AddressFilters,
}


class ExportFilters(DashboardFilters):
    """Read by its form alone: it narrows no rows."""

    format = Sort(Export.Format.values)
    type = Sort(Export.Type.values)
    start_date = MomentFilter(method="as_order")
    end_date = MomentFilter(as_end=True, method="as_order")


def wanted_export(query: QueryDict) -> dict[str, Any]:
    """What `create_export` takes. Raises `MissingFields`, `InvalidFields`."""
    missing = [name for name in _REQUIRED if not query.get(name)]
    if missing:
        raise MissingFields(missing)
    chosen = ExportFilters.chosen(query)
    starts_at: datetime = chosen["start_date"]
    return {
        "format": chosen["format"], "type": chosen["type"], "starts_at": starts_at, "ends_at": chosen["end_date"],
        "criteria": _criteria(chosen["type"], _sent(query)),
    }


def _criteria(kind: str, sent: dict[str, Any]) -> dict[str, Any]:
    given = QueryDict(mutable=True)
    for name, value in sent.items():
        given[name] = _text(value)
    chosen = _OF_TYPE[kind].chosen(given)
    return {
        name: value for name, value in chosen.items()
        if value not in (None, "", "all") and name not in _NOT_CRITERIA
    }


def _sent(query: QueryDict) -> dict[str, Any]:
    named = {match[1]: query[name] for name in query if (match := _NAMED.fullmatch(name))}
    text = query.get("filters", "")
    if not text:
        return named
    try:
        if len(text) > _MOST:
            raise strict_json.MalformedJson(f"it has more than {_MOST} characters")
        return strict_json.loads_object(text.encode()) | named
    except strict_json.MalformedJson as error:
        raise InvalidParameter("filters", f"must be a JSON object: {error}") from error


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if not isinstance(value, (str, int)):
        raise InvalidParameter("filters", "must hold text, numbers or booleans")
    return str(value)
