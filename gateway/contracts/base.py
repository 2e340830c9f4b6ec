"""What every contract's view has, in this order: credential, rate limit, method, role, query, body, idempotency,
handler, answer; and one place where whatever was raised becomes an answer in the contract's own envelope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import structlog
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actors import Actor, Viewer
from accounts.models import Merchant
from gateway.contracts import bodies, idempotency, limits
from gateway.contracts.limits import Limit
from gateway.contracts.problems import (
    DATABASE_UNAVAILABLE,
    SERVER_ERROR,
    MethodNotAllowed,
    Problem,
    Unauthenticated,
    allowed_methods,
    problem_of,
    unknown_address,
)
from gateway.lib import strict_json
from gateway.lib.crash import crash_point

log = structlog.get_logger(__name__)
Envelope = Callable[[Problem], tuple[int, dict[str, Any]]]
Handler = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a credential speaks for. `owner` scopes idempotency keys: the merchant, or an operator's user."""

    actor: Actor
    mode: str
    owner: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class MerchantCaller(Caller):
    """By a credential of the merchant's own: it sees what its merchant's own people see."""

    merchant: Merchant

    @property
    def viewer(self) -> Viewer:
        return Viewer.of_merchant(self.merchant, self.mode)

    @property
    def is_suspended(self) -> bool:
        return not self.merchant.is_active


class ContractView(APIView):
    """One address of one contract.

    A contract's base view sets `envelope` and `authentication_classes`, whose `authenticate` returns
    `(user, Caller)` or raises `Unauthenticated`. `idempotent` names the methods that honour `Idempotency-Key`.
    Handlers read `self.caller` and `self.body`, and return DRF's `Response`.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    parser_classes = [JSONParser]  # for documents only: bodies are read by `bodies`
    envelope: ClassVar[staticmethod[[Problem], tuple[int, dict[str, Any]]]]
    idempotent: ClassVar[tuple[str, ...]] = ()

    caller: Caller
    body: dict[str, Any]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.extra_headers: dict[str, str] = {}
        try:
            response = self._respond()
        except Exception as error:
            response = self.refusal(problem_of(error), error)
        for name, value in self.extra_headers.items():
            response[name] = value
        return response

    def check_caller(self) -> None:
        """Raises for a caller that may not use this address with this method."""

    def prepare(self) -> None:
        """Runs once for a call that is no replay, before its transaction: what asks somebody else belongs here."""

    def _respond(self) -> HttpResponse:
        self._identify()
        handler = self._handler()
        self.check_caller()
        bodies.check_query(self.request._request)
        self.body = self._read_body()
        return self._once(handler)

    def _identify(self) -> None:
        caller = self.request.auth
        if not isinstance(caller, Caller):
            raise Unauthenticated("API key is missing or invalid.")
        self.caller = caller
        usage = limits.count(self.request._request, caller.limit)
        self.extra_headers |= usage.headers()
        usage.check()

    def _handler(self) -> Handler:
        method = (self.request.method or "").lower()
        handler = getattr(self, method, None) if method in self.http_method_names else None
        if handler is None:
            raise MethodNotAllowed(self.allowed_methods)
        return cast(Handler, handler)

    def _read_body(self) -> dict[str, Any]:
        return bodies.json_object(self.request._request) if self.request.method in ("POST", "PUT", "PATCH") else {}

    def _once(self, handler: Handler) -> HttpResponse:
        """Runs the handler, or replays what it answered to the same Idempotency-Key before."""
        key = self.request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or self.request.method not in self.idempotent:
            self.prepare()
            return self._answer(handler)
        scope = idempotency.scope_of(
            self.caller.owner, self.caller.mode, str(self.request.method), self.request.path_info
        )
        found = idempotency.begin(scope, idempotency.checked_key(key), idempotency.fingerprint_of(self.body))
        if isinstance(found, idempotency.Stored):
            self.extra_headers["Idempotent-Replayed"] = "true"
            return _json(found.status, found.body)
        return self._first(handler, found)

    def _first(self, handler: Handler, claim: idempotency.Claim) -> HttpResponse:
        crash_point("api.claimed")
        try:
            self.prepare()
            with transaction.atomic():
                response = self._answer(handler)
                crash_point("api.effect_done")
                idempotency.finish(claim, response.status_code, response.content)
                crash_point("api.answer_saved")
        except Exception:
            idempotency.release(claim)
            raise
        crash_point("api.committed")
        return response

    def _answer(self, handler: Handler) -> HttpResponse:
        answer = handler(self.request, *self.args, **self.kwargs)
        return _json(answer.status_code, strict_json.dumps(answer.data))

    def refusal(self, problem: Problem, error: Exception | None = None) -> HttpResponse:
        if problem.code == SERVER_ERROR:
            log.error("request_failed", path=self.request.path, exc_info=error)
        elif problem.code == DATABASE_UNAVAILABLE:
            log.error("database_unavailable", path=self.request.path, error=type(error).__name__)
        return refusal(type(self).envelope, problem)


def refusal(envelope: Envelope, problem: Problem) -> HttpResponse:
    """`problem` as a contract says it, with the headers that HTTP wants beside it."""
    status, body = envelope(problem)
    response = _json(status, strict_json.dumps(body))
    if allowed_methods(problem):
        response["Allow"] = allowed_methods(problem)
    if "retry_after" in problem.details:
        response["Retry-After"] = str(problem.details["retry_after"])
    return response


def _json(status: int, body: bytes) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")


class UnknownAddress(ContractView):
    """The 404 of an address that a contract does not have: the same with and without a credential, except that a
    good one is counted and gets its rate-limit headers.
    """

    def _respond(self) -> HttpResponse:
        try:
            self._identify()
        except Unauthenticated:
            pass
        return self.refusal(unknown_address())
