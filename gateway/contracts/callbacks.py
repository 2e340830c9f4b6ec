"""`POST /callbacks/payments/{provider}`: where a payment provider tells us what became of a charge or a refund.

No key: the provider's adapter says whether a message is authentic (docs/adapters.md). Whatever is taken, a copy or
something that is not ours too, is answered with 200, so that nobody sends it for ever; what is forged or cannot be read
gets 400 and has no effect; while the database is away 503 asks for it again.
"""

from __future__ import annotations

import time

import structlog
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from gateway.contracts.base import refusal
from gateway.contracts.bodies import raw_body
from gateway.contracts.portal.errors import envelope
from gateway.contracts.problems import SERVER_ERROR, MethodNotAllowed, problem_of
from gateway.lib.meters import count_request
from payments.providers import registry
from payments.services import receive_callback

log = structlog.get_logger(__name__)


@csrf_exempt
def payments(request: HttpRequest, provider: str) -> HttpResponse:
    started = time.perf_counter()
    try:
        response = _taken(request, provider)
    except Exception as error:
        problem = problem_of(error)
        if problem.code == SERVER_ERROR:
            log.error("callback_failed", path=request.path, exc_info=error)
        response = refusal(envelope, problem)
    method = "POST" if request.method == "POST" else "other"
    count_request("callbacks", method, response.status_code, time.perf_counter() - started)
    return response


def _taken(request: HttpRequest, provider: str) -> HttpResponse:
    if not registry.takes_callbacks(provider):
        raise Http404
    if request.method != "POST":
        raise MethodNotAllowed(["POST"])
    headers = {name.lower(): value for name, value in request.headers.items()}
    receive_callback(provider=provider, headers=headers, body=raw_body(request))
    return JsonResponse({"received": True})
