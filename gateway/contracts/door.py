"""The contracts' short way in: nothing that is for browsers (sessions, cookies, forms, messages, static files)."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from gateway.contracts import dispatch


class ContractsMiddleware:
    """Answers what is under `/api/v1/`; what stands after it in `MIDDLEWARE` sees everything else alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(dispatch.PREFIX):
            return self.get_response(request)
        request.get_host()  # raises for a host that is not ours
        response = dispatch.api(request)
        response["X-Frame-Options"] = settings.X_FRAME_OPTIONS
        if not response.streaming:
            response["Content-Length"] = str(len(response.content))
        return response
