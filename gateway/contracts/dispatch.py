"""Which contract answers a request: the rule of contracts/README.md, once.

Everything under `/api/` ends here. An address that the chosen contract does not have is that contract's own 404, and
no address redirects.
"""

from __future__ import annotations

import time
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, get_resolver
from django.views.decorators.csrf import csrf_exempt

from gateway.contracts.base import refusal
from gateway.contracts.portal.errors import envelope as portal_envelope
from gateway.contracts.problems import Problem, problem_of, unknown_address
from gateway.lib import strict_json
from gateway.lib.meters import count_request

PREFIX = "/api/v1/"
# Addresses whose meaning is remembered, so that those everybody calls are looked up once.
_REMEMBERED = 2000
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CONTRACTS = ("portal", "signed", "checkout", "dashboard")


@csrf_exempt
def api(request: HttpRequest) -> HttpResponse:
    """The one view of everything under `/api/`."""
    if not request.path_info.startswith(PREFIX):
        return refusal(portal_envelope, unknown_address())
    path = request.path_info[len(PREFIX) :]
    started, contract = time.perf_counter(), choose(request, path)
    response = _answer(request, contract, path)
    method = request.method if request.method in _METHODS else "other"
    count_request(contract, method, response.status_code, time.perf_counter() - started)
    return response


def _answer(request: HttpRequest, contract: str, path: str) -> HttpResponse:
    match = _resolve(contract, path)
    if match is None:
        unknown: HttpResponse = _urls(contract).unknown_address(request)
        return unknown
    request.resolver_match = match
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response


def choose(request: HttpRequest, path: str) -> str:
    """The contract of a request to `path` (what follows `/api/v1/`)."""
    if _under(path, "dashboard") or _under(path, "checkout/sessions"):
        return "dashboard"
    if "HTTP_ACCESS_KEY" in request.META:
        return "signed"
    if _is_checkout_credential(request):
        return "checkout"
    return _owner(path)


@lru_cache(_REMEMBERED)
def _owner(path: str) -> str:
    owners = [name for name in CONTRACTS if _resolve(name, path)]
    return owners[0] if len(owners) == 1 else "portal"


def _under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _is_checkout_credential(request: HttpRequest) -> bool:
    headers = request.META  # `request.headers` would first make a mapping of all of them
    scheme = headers.get("HTTP_AUTHORIZATION", "").split(" ", 1)[0].lower()
    is_pair = headers.get("HTTP_X_API_KEY", "").startswith("key_")
    return "HTTP_X_API_SECRET" in headers or scheme == "basic" or is_pair


@lru_cache(_REMEMBERED)
def _resolve(contract: str, path: str) -> ResolverMatch | None:
    """What an address means never changes while we run."""
    try:
        strict_json.check_text(path)
        return get_resolver(f"gateway.contracts.{contract}.urls").resolve(f"/{path}")
    except (Resolver404, strict_json.MalformedJson):
        return None


@cache
def _urls(contract: str) -> Any:
    return import_module(f"gateway.contracts.{contract}.urls")


def refused(error: Exception | None, status: int) -> HttpResponse:
    """What Django itself refuses under `/api/` (a bad Host header, a middleware's error), as JSON."""
    problem = problem_of(error) if error else Problem("malformed_request", status, "The request could not be read.")
    return refusal(portal_envelope, problem)
