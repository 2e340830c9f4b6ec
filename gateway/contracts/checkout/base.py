"""What every checkout view has: its caller, collections, and a step before the transaction of an idempotent call."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from django.db.models import Model, QuerySet
from django.http import HttpResponse, QueryDict
from rest_framework.response import Response

from accounts.actors import Viewer
from accounts.errors import AccountSuspended
from gateway.contracts import idempotency
from gateway.contracts.base import ContractView, Handler, UnknownAddress
from gateway.contracts.checkout import answers
from gateway.contracts.checkout.authentication import CheckoutCaller, PairAuthentication
from gateway.contracts.checkout.errors import envelope
from gateway.contracts.checkout.lists import part_of
from gateway.lib import secrets
from payments.models import Order, Payment, Refund

M = TypeVar("M", bound=Model)
_FILLERS: dict[type[Any], Any] = {Order: answers.order, Payment: answers.payment, Refund: answers.refund}


class KeyedView(ContractView):
    """An address of the checkout contract, whoever may call it."""

    envelope = staticmethod(envelope)

    @property
    def query(self) -> QueryDict:
        return self.request._request.GET

    def owner_of_keys(self) -> tuple[str, str]:
        """Merchant and mode in which an `Idempotency-Key` is unique."""
        return self.caller.owner, self.caller.mode

    def _once(self, handler: Handler) -> HttpResponse:
        key = self.request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or self.request.method not in self.idempotent:
            self.prepare()
            return self._answer(handler)
        owner, mode = self.owner_of_keys()
        scope = idempotency.scope_of(owner, mode, str(self.request.method), self.request.path_info)
        found = idempotency.begin(scope, idempotency.checked_key(key), self._fingerprint())
        if isinstance(found, idempotency.Stored):
            self.extra_headers["Idempotent-Replayed"] = "true"
            return HttpResponse(found.body, status=found.status, content_type="application/json")
        return self._first(handler, found)

    def _answer(self, handler: Handler) -> HttpResponse:
        response = super()._answer(handler)
        return HttpResponse(status=204) if response.status_code == 204 else response

    def _fingerprint(self) -> str:
        """Keyed: a body may hold a card number, which a plain digest would let anybody find by trying them all."""
        return secrets.digest(idempotency.fingerprint_of(self.body), purpose="idempotency")


class CheckoutView(KeyedView):
    """A merchant's call, by key and secret."""

    authentication_classes = [PairAuthentication]

    def check_caller(self) -> None:
        if self.me.is_suspended:
            raise AccountSuspended()

    @property
    def me(self) -> CheckoutCaller:
        return cast(CheckoutCaller, self.caller)

    @property
    def viewer(self) -> Viewer:
        return self.me.viewer

    def shown(self, row: Order | Payment | Refund) -> dict[str, Any]:
        """The record as this caller is answered it."""
        body: dict[str, Any] = _FILLERS[type(row)](row)
        return body | answers.razorpay(row) if self.me.razorpay else body

    def collection(self, rows: QuerySet[M]) -> Response:
        items = [self.shown(cast(Any, row)) for row in part_of(self.query, rows)]
        return Response({"entity": "collection", "count": len(items), "items": items})


class CheckoutUnknownAddress(UnknownAddress, CheckoutView):
    """Whatever the checkout contract has nothing at."""
