"""Public checkout: whom a call without a secret is for, and which orders it may see.

Only merchants who switched it on, only orders that were made without a secret, only one mode. The hosted page of an
order brings a pass for it instead, and sees that order and nothing else, whoever made it. A merchant's own pages call
from other origins, so every answer says that any may read it; none takes part in what a browser knows of a user.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, cast

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from accounts.actors import get_or_404
from accounts.models import AccountStatus, Merchant
from gateway.contracts.checkout.authentication import PublicAuthentication, PublicCaller
from gateway.contracts.checkout.base import KeyedView
from gateway.contracts.problems import MissingFields
from gateway.lib.errors import InvalidFields, NotAllowed
from payments.models import Order, Payment

_ALLOWED = "Content-Type, Idempotency-Key, X-Api-Key, X-Request-Id"
_EXPOSED = (
    "Idempotent-Replayed, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"
)


class PublicView(KeyedView):
    """`requires_key` names the methods that must have an `Idempotency-Key`."""

    authentication_classes = [PublicAuthentication]
    requires_key: ClassVar[tuple[str, ...]] = ()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = self._preflight() if request.method == "OPTIONS" else super().dispatch(request, *args, **kwargs)
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = _EXPOSED
        return response

    def _preflight(self) -> HttpResponse:
        """A browser asks before it calls; it sends no key with that, so nobody is counted."""
        methods = ", ".join(name for name in self.allowed_methods if name != "OPTIONS")
        headers = {
            "Access-Control-Allow-Methods": methods, "Access-Control-Allow-Headers": _ALLOWED,
            "Access-Control-Max-Age": "600",
        }
        return HttpResponse(status=204, headers=headers)

    def check_caller(self) -> None:
        if self.request.method in self.requires_key and "Idempotency-Key" not in self.request.headers:
            raise MissingFields(["Idempotency-Key"])

    @property
    def anybody(self) -> PublicCaller:
        return cast(PublicCaller, self.caller)


def merchant_for(caller: PublicCaller, named: str) -> Merchant:
    """The merchant of the publishable key, of `merchant_id`, or the installation's own."""
    merchant = _merchant(caller, named)
    if not (merchant.public_checkout and merchant.is_active):
        raise NotAllowed("This merchant has not switched public checkout on.")
    return merchant


def _merchant(caller: PublicCaller, named: str) -> Merchant:
    if caller.credential is None:
        return get_or_404(Merchant.objects.all(), public_id=named) if named else _of_installation()
    merchant = caller.credential.merchant
    if named not in ("", merchant.public_id):
        raise InvalidFields(merchant_id="is not the merchant of the publishable key")
    return merchant


def _of_installation() -> Merchant:
    public_id = settings.PUBLIC_CHECKOUT_MERCHANT or _of_demo()
    merchant = Merchant.objects.filter(public_id=public_id).first() if public_id else None
    if merchant is None:
        raise InvalidFields(
            merchant_id="is required (or a publishable key in X-Api-Key): "
            "this installation has no PUBLIC_CHECKOUT_MERCHANT"
        )
    return merchant


def _of_demo() -> str:
    """The demo's merchant, as `manage.py demo` wrote it down; empty where there is no demo."""
    file = Path(settings.DATA_DIR) / "demo.json"
    if not settings.DEMO or not file.exists():
        return ""
    return str(json.loads(file.read_text())["merchants"]["merchant"]["id"])


def public_orders(caller: PublicCaller) -> QuerySet[Order]:
    rows = Order.objects.select_related("merchant").filter(merchant__status=AccountStatus.ACTIVE)
    if caller.credential:
        rows = rows.filter(merchant=caller.credential.merchant)
    if caller.order_id:
        return rows.filter(public_id=caller.order_id)
    return rows.filter(public=True, mode=caller.mode, merchant__public_checkout=True)


def public_payments(caller: PublicCaller) -> QuerySet[Payment]:
    return Payment.objects.select_related("order", "merchant").filter(order__in=public_orders(caller))
