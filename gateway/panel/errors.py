"""Error pages of the browser doors. They ask neither the database nor the session, so they work when those do not."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from gateway.lib import logs
from gateway.lib.errors import GatewayError
from gateway.lib.outages import database_unavailable

_EXPIRED = (
    "This form has expired, or it was sent from another site. Nothing was done. You may have signed in or switched "
    "between test and live since it was opened: go back, reload the page and try again."
)


def _page(status: int, **context: str) -> HttpResponse:
    context["request_id"] = str(logs.context().get("request_id", ""))
    return HttpResponse(render_to_string(f"errors/{status}.html", context), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(403, reason=_EXPIRED)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(403)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A database that cannot be reached or takes no writes is not our mistake, and passes: 503."""
    if database_unavailable(sys.exc_info()[1]):
        return unavailable(request)
    return _page(500)


def unavailable(request: HttpRequest) -> HttpResponse:
    response = _page(503)
    response["Retry-After"] = "5"
    return response


def refused(request: HttpRequest, error: GatewayError) -> HttpResponse:
    """A refusal that belongs to no field of a form: what was asked did not happen, and why."""
    return _page(409, reason=error.message)
