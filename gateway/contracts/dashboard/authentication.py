"""The dashboard's credential: one secret key of one mode, in `X-API-Key`, as a bearer token, or the same in both.

One query finds it and its merchant. It acts for its whole merchant, in its own mode.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import credentials
from accounts.actors import Actor
from accounts.models import Credential, Merchant
from gateway.contracts.base import MerchantCaller
from gateway.contracts.limits import Limit, refuse_credential
from gateway.contracts.problems import Unauthenticated
from gateway.lib.errors import NotAllowed
from gateway.lib.middleware import client_address
from gateway.lib.vouching import vouched


@dataclass(frozen=True, slots=True)
class DashboardCaller(MerchantCaller):
    """The key of a merchant."""


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Merchant, DashboardCaller]:
        known = vouched(request._request, "dashboard", Credential)
        found = known or credentials.find_dashboard_credential(_key(request))
        if found is None:
            wrong = Unauthenticated("The API key is not valid.", "unauthorized")
            refuse_credential(request._request, "dashboard", wrong)
        if not credentials.allows_address(found, client_address(request._request)):
            raise NotAllowed("This API key may not be used from this address.")
        credentials.touch(found)
        return found.merchant, DashboardCaller(
            actor=Actor(None, found.hint), mode=found.mode, owner=found.merchant.public_id,
            limit=_limit(found, request), merchant=found.merchant,
        )


def _limit(found: Credential, request: Request) -> Limit:
    """The limit of the group that the called address belongs to; each group is counted for itself."""
    group: str = getattr((request.parser_context or {}).get("view"), "limit_group", "standard")
    requests, seconds = settings.DASHBOARD_RATE_LIMITS[group]
    return Limit(f"dashboard:{group}:{found.pk}", requests, seconds)


def _key(request: Request) -> str:
    """The key that was sent. Raises `Unauthenticated` for none, and for two different ones."""
    header = request.headers.get("X-API-Key", "").strip()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    if header and bearer and header != bearer:
        raise Unauthenticated("X-API-Key and Authorization hold different keys.", "unauthorized")
    if not header and not bearer:
        raise Unauthenticated("Send your API key in X-API-Key, or as a bearer token in Authorization.", "unauthorized")
    return header or bearer
