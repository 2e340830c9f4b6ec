"""The portal's credential: one user's key, of one mode, in `X-API-KEY`. One query finds it, its user and merchant."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import credentials
from accounts.actors import Actor, Viewer
from accounts.models import PortalKey, User
from gateway.contracts.base import Caller
from gateway.contracts.limits import Limit, refuse_credential
from gateway.contracts.problems import Unauthenticated
from gateway.lib.vouching import vouched

HOUR = 3600


@dataclass(frozen=True, slots=True)
class PortalCaller(Caller):
    user: User
    key: PortalKey

    @property
    def viewer(self) -> Viewer:
        return Viewer(self.user, self.mode)


class PortalAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, PortalCaller]:
        text = request.META.get("HTTP_X_API_KEY", "")
        if not text:
            raise Unauthenticated("API key is missing. Send it in the X-API-KEY header.")
        key = vouched(request._request, "portal", PortalKey) or credentials.find_portal_key(text)
        if key is None:
            wrong = Unauthenticated("The provided API key is invalid or does not exist.")
            refuse_credential(request._request, "portal", wrong)
        credentials.touch(key)
        return key.user, _caller(key)


def _caller(key: PortalKey) -> PortalCaller:
    user = key.user
    return PortalCaller(
        actor=Actor(user, key.hint),
        mode=key.mode,
        owner=user.merchant.public_id if user.merchant else user.public_id,
        limit=limit_of(user, key.mode),
        user=user,
        key=key,
    )


def limit_of(user: User, mode: str) -> Limit:
    return Limit(f"portal:{user.public_id}:{mode}", settings.PORTAL_RATE_LIMITS[user.role], HOUR)
