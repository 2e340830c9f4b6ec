"""Request id and caller's address for every request, and the headers that make a browser strict."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from gateway.lib import logs

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
GetResponse = Callable[[HttpRequest], HttpResponse]
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)


class RequestContextMiddleware:
    """Outermost: names the request, and puts the name on the response and on every log line."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        logs.clear()
        request_id = _caller_id(request) or f"req_{secrets.token_hex(16)}"
        logs.bind(request_id=request_id, address=client_address(request))
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class SecurityHeadersMiddleware:
    """Everything a page loads comes from this host; nothing inline runs."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
        if not request.path.startswith(settings.STATIC_URL):
            response.setdefault("Cache-Control", "no-store")
        return response


def _caller_id(request: HttpRequest) -> str | None:
    sent = str(request.META.get("HTTP_X_REQUEST_ID", ""))
    return sent if _REQUEST_ID.fullmatch(sent) else None


def client_address(request: HttpRequest) -> str:
    """The caller's address; forwarded headers count only behind `PROXY_COUNT` proxies of our own."""
    direct = str(request.META.get("REMOTE_ADDR", ""))
    count = int(settings.PROXY_COUNT)
    if not count:
        return direct
    hops = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    return hops[-count] if len(hops) >= count else direct
