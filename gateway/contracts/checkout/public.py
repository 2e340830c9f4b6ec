"""Public checkout: whom a call without a secret is for, and which orders it may see.

Only merchants who switched it on, only orders that were made without a secret, only one mode.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, cast

from django.conf import settings
from django.db.models import QuerySet

from accounts.actors import get_or_404
from accounts.models import AccountStatus, Merchant
from gateway.contracts.checkout.authentication import PublicAuthentication, PublicCaller
from gateway.contracts.checkout.base import KeyedView
from gateway.contracts.problems import MissingFields
from gateway.lib.errors import InvalidFields, NotAllowed
from payments.models import Order, Payment


class PublicView(KeyedView):
    """`requires_key` names the methods that must have an `Idempotency-Key`."""

    authentication_classes = [PublicAuthentication]
    requires_key: ClassVar[tuple[str, ...]] = ()

    def check_caller(self) -> None:
        if self.request.method in self.requires_key and "Idempotency-Key" not in self.request.headers:
            raise MissingFields(["Idempotency-Key"])

    @property
    def anybody(self) -> PublicCaller:
        return cast(PublicCaller, self.caller)


def merchant_for(caller: PublicCaller, named: str) -> Merchant:
    """The merchant of the publishable key, of `merchant_id`, or the installation's own."""
    merchant = _merchant(caller, named)
    if not merchant.public_checkout or merchant.status != AccountStatus.ACTIVE:
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
    rows = Order.objects.select_related("merchant").filter(
        public=True, mode=caller.mode, merchant__public_checkout=True, merchant__status=AccountStatus.ACTIVE
    )
    return rows.filter(merchant=caller.credential.merchant) if caller.credential else rows


def public_payments(caller: PublicCaller) -> QuerySet[Payment]:
    return Payment.objects.select_related("order", "merchant").filter(order__in=public_orders(caller))
