"""`/metrics` for Prometheus: to whoever has `METRICS_TOKEN`, or to this very machine where none is set."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.watching.figures import Figures

_LOOPBACK = ("127.0.0.1", "::1")


class MetricsMiddleware:
    """Answers `/metrics` before anybody looks at the Host header: a scrape knows the gateway by its inner name, or by
    none. No page and no link is made from it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return metrics(request) if request.path_info == "/metrics" else self.get_response(request)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        raise Http404
    registry = CollectorRegistry()
    if os.path.isdir(settings.METRICS_DIR):
        MultiProcessCollector(registry, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    registry.register(Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    if not token:
        # Behind a proxy every caller looks as near as the proxy itself.
        direct = not settings.PROXY_COUNT and "X-Forwarded-For" not in request.headers
        return direct and request.META.get("REMOTE_ADDR") in _LOOPBACK
    sent = request.headers.get("Authorization", "").encode("utf-8", "replace")
    return hmac.compare_digest(sent, f"Bearer {token}".encode())
