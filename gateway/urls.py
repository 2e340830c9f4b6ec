"""Every door: the API (`/api/`), the panel (`/panel/`), the payers' pages (`/pay/`), providers' callbacks, and the
health check.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularSwaggerSplitView

from gateway.contracts import callbacks, dispatch, schema
from gateway.contracts.health import healthz
from gateway.contracts.problems import is_json_address
from gateway.panel import errors as pages
from gateway.panel.session import welcome
from gateway.watching.views import metrics


def _swagger(contract: str) -> Callable[..., Any]:
    """A page that reads a contract's OpenAPI document."""
    return SpectacularSwaggerSplitView.as_view(
        url=f"/api/schema/{contract}/", template_name="contracts/swagger.html", title=f"{contract.title()} API"
    )


urlpatterns = [
    path("healthz", healthz),
    path("metrics", metrics),
    path("api/schema/<slug:contract>/", schema.openapi, name="api-schema"),
    path("api/docs/portal/", _swagger("portal"), name="api-docs"),
    path("api/docs/signed/", _swagger("signed"), name="signed-docs"),
    path("api/docs/checkout/", _swagger("checkout"), name="checkout-docs"),
    path("api/docs/dashboard/", _swagger("dashboard"), name="dashboard-docs"),
    re_path(r"^api(?:/|\Z)", dispatch.api),
    path("callbacks/payments/<str:provider>", callbacks.payments),
    path("callbacks/payouts/<str:provider>", callbacks.payouts),
    path("panel/", include("gateway.panel.urls")),
    path("pay/", include("gateway.pay.urls")),
    path("", welcome, name="welcome"),
]


def _by_door(page: Callable[..., HttpResponse], status: int) -> Callable[..., HttpResponse]:
    """What no view could answer: JSON under `/api/`, a page everywhere else."""

    def handler(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if is_json_address(request):
            return dispatch.refused(exception or _current(), status)
        arguments: list[Any] = [] if status == 500 else [exception]
        return page(request, *arguments)

    return handler


def _current() -> Exception | None:
    error = sys.exc_info()[1]
    return error if isinstance(error, Exception) else None


handler400 = _by_door(pages.bad_request, 400)
handler403 = _by_door(pages.permission_denied, 403)
handler404 = _by_door(pages.page_not_found, 404)
handler500 = _by_door(pages.server_error, 500)
