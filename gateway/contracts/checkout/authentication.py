"""The checkout contract's credentials: a key pair in two headers or by HTTP Basic, or (public calls) none at all, or
the pass of a hosted page (`X-Checkout-Token`), which is for that one order.

One query finds a pair and its merchant. A pair acts for its whole merchant, in its own mode.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import credentials
from accounts.actors import Actor
from accounts.models import Credential, Merchant
from gateway.contracts.base import Caller, MerchantCaller
from gateway.contracts.limits import MINUTE, Limit, refuse_credential
from gateway.contracts.problems import Unauthenticated
from gateway.lib.errors import NotAllowed
from gateway.lib.middleware import client_address
from gateway.lib.vouching import vouched
from payments.page_pass import order_of_pass


@dataclass(frozen=True, slots=True)
class CheckoutCaller(MerchantCaller):
    """`razorpay`: came by HTTP Basic, as Razorpay's clients do."""

    razorpay: bool


@dataclass(frozen=True, slots=True)
class PublicCaller(Caller):
    """Anybody; `credential` is the publishable key that was sent, which names a merchant and a mode, and `order_id` the
    one order that the hosted page which calls is for.
    """

    credential: Credential | None
    order_id: str | None


class PairAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Merchant, CheckoutCaller]:
        key, secret, basic = _pair(request)
        known = vouched(request._request, "checkout", Credential)
        found = known or credentials.find_checkout_credential(key, secret)
        if found is None:
            wrong = Unauthenticated("The API key and secret are not valid.", "authentication_error")
            refuse_credential(request._request, "checkout", wrong)
        if not credentials.allows_address(found, client_address(request._request)):
            raise NotAllowed("This API key may not be used from this address.")
        credentials.touch(found)
        return found.merchant, CheckoutCaller(
            actor=Actor(None, found.identifier), mode=found.mode, owner=found.merchant.public_id,
            limit=Limit(f"checkout:{found.identifier}", settings.CHECKOUT_RATE_LIMIT, MINUTE),
            merchant=found.merchant, razorpay=basic,
        )


def _pair(request: Request) -> tuple[str, str, bool]:
    """Key, secret, and whether they came by HTTP Basic; the headers of this contract come first."""
    headers = request.META
    if "HTTP_X_API_SECRET" in headers:
        return headers.get("HTTP_X_API_KEY", ""), headers["HTTP_X_API_SECRET"], False
    scheme, _, words = headers.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated("Send X-Api-Key and X-Api-Secret headers.", "authentication_error")
    try:
        key, _, secret = base64.b64decode(words.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated("The Authorization header is not readable.", "authentication_error") from error
    return key, secret, True


class PublicAuthentication(BaseAuthentication):
    """Lets everybody in, counted by address. A key that is sent must be a good one (its secret is not asked for), and
    so must a hosted page's pass.
    """

    def authenticate(self, request: Request) -> tuple[None, PublicCaller]:
        address = client_address(request._request)
        found, order_id = _publishable(request), _order_of_pass(request)
        return None, PublicCaller(
            actor=Actor.system("payment page" if order_id else "public checkout"), owner="public",
            mode=found.mode if found else settings.PUBLIC_CHECKOUT_MODE,
            limit=Limit(f"checkout:public:{address}", settings.PUBLIC_CHECKOUT_RATE_LIMIT, MINUTE),
            credential=found, order_id=order_id,
        )


def _publishable(request: Request) -> Credential | None:
    key = request.headers.get("X-Api-Key", "")
    found = credentials.find_publishable_key(key) if key else None
    if key and found is None:
        wrong = Unauthenticated("The publishable key is not valid.", "authentication_error")
        refuse_credential(request._request, "checkout", wrong)
    return found


def _order_of_pass(request: Request) -> str | None:
    text = request.headers.get("X-Checkout-Token")
    order_id = None if text is None else order_of_pass(text)
    if text is not None and order_id is None:
        old = Unauthenticated("This page has been open for too long. Reload it.", "authentication_error")
        refuse_credential(request._request, "checkout", old)
    return order_id
