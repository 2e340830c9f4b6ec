"""`POST /callbacks/payments/{provider}`, where a payment provider tells us what became of a charge or a refund, and
`POST /callbacks/payouts/{provider}`, where a bank tells what became of a payout.

No key: the provider's adapter says whether a message is authentic (docs/adapters.md). Whatever is taken, a copy or
something that is not ours too, is answered with 200, so that nobody sends it for ever; what is forged or cannot be read
gets 400 and has no effect; while the database is away 503 asks for it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from gateway.contracts.base import refusal
from gateway.contracts.bodies import raw_body
from gateway.contracts.portal.errors import envelope
from gateway.contracts.problems import SERVER_ERROR, MethodNotAllowed, problem_of
from gateway.lib.meters import count_request
from payments.providers import registry as payment_providers
from payments.services import receive_callback as receive_about_payments
from payouts.providers import registry as banks
from payouts.services import receive_callback as receive_about_payouts

log = structlog.get_logger(__name__)


@csrf_exempt
def payments(request: HttpRequest, provider: str) -> HttpResponse:
    return _answered(request, provider, payment_providers.takes_callbacks, receive_about_payments)


@csrf_exempt
def payouts(request: HttpRequest, provider: str) -> HttpResponse:
    return _answered(request, provider, banks.takes_callbacks, receive_about_payouts)


def _answered(
    request: HttpRequest, provider: str, are_taken: Callable[[str], bool], receive: Callable[..., str]
) -> HttpResponse:
    started = time.perf_counter()
    try:
        if not are_taken(provider):
            raise Http404
        response = _taken(request, provider, receive)
    except Exception as error:
        problem = problem_of(error)
        if problem.code == SERVER_ERROR:
            log.error("callback_failed", path=request.path, exc_info=error)
        response = refusal(envelope, problem)
    method = "POST" if request.method == "POST" else "other"
    count_request("callbacks", method, response.status_code, time.perf_counter() - started)
    return response


def _taken(request: HttpRequest, provider: str, receive: Callable[..., str]) -> HttpResponse:
    if request.method != "POST":
        raise MethodNotAllowed(["POST"])
    headers = {name.lower(): value for name, value in request.headers.items()}
    receive(provider=provider, headers=headers, body=raw_body(request))
    return JsonResponse({"received": True})
