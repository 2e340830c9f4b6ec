"""`/profile`, and a new key."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.credentials import regenerate_portal_key
from accounts.models import Merchant
from gateway.contracts.portal import answers, docs
from gateway.contracts.portal.base import EVERYBODY, PortalView
from gateway.contracts.portal.words import timestamp
from gateway.lib.modes import Mode
from webhooks.queries import endpoints, event_names


class ProfileView(PortalView):
    roles = {"GET": EVERYBODY}

    @docs.call(
        "get_profile", "Account, merchant settings and key", "Profile",
        answers.ProfileBody, merchant=True, refusals=(404,),
    )
    def get(self, request: Request) -> Response:
        """Operators may name a merchant, whose settings are shown then."""
        merchant, me = self.named_merchant(), self.me
        body: answers.ProfileBody = {
            **answers.user(me.user),
            "mode": me.mode,  # type: ignore[typeddict-item]
            "merchant": answers.merchant(merchant) if merchant else None,
            "webhooks": self._webhooks(merchant),
            "api_key": answers.key(me.key),
            "rate_limit": answers.rate_limit(me.limit),
        }
        return self.one(body)

    def _webhooks(self, merchant: Merchant | None) -> answers.WebhookSettings:
        rows = endpoints(self.me.viewer).filter(merchant=merchant) if merchant else []
        return {
            "endpoints": [answers.webhook_summary(row) for row in rows],
            "available_events": event_names("portal"),
        }


class RegenerateKeyView(PortalView):
    roles = {"POST": EVERYBODY}

    @docs.call("regenerate_api_key", "A new key of this key's mode", "Profile", answers.NewKeyBody)
    def post(self, request: Request) -> Response:
        """The key that makes this call is dead when it is answered."""
        key = regenerate_portal_key(
            actor=self.me.actor, user=self.me.user, mode=self.me.mode, replaces=self.me.key.digest
        )
        fresh = self.me.user.portal_keys.get(mode=Mode(self.me.mode))
        body: answers.NewKeyBody = {
            "api_key": key,
            "mode": self.me.mode,  # type: ignore[typeddict-item]
            "hint": fresh.hint,
            "created_at": timestamp(fresh.created_at),
        }
        return self.one(body)
