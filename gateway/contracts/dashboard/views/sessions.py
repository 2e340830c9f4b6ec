"""`/checkout/sessions` makes sessions; `/dashboard/sessions` lists them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import get_or_404
from crypto.models import Session
from crypto.queries.places import counted_sessions, place_of_sessions
from crypto.queries.sessions import count_by_status, visible_sessions
from crypto.services.sessions import LONGEST_URL, check_callback, create_session
from gateway.contracts.dashboard import docs
from gateway.contracts.dashboard.answers import sessions as answers
from gateway.contracts.dashboard.base import DashboardView
from gateway.contracts.dashboard.filters import SessionFilters
from gateway.contracts.dashboard.lists import Kept
from gateway.contracts.dashboard.serializers import NewSession
from gateway.lib.errors import NotFound
from gateway.lib.money import Money

_OPTIONAL = ("customer_email", "customer_name", "description", "callback_url", "metadata", "expires_in")


class _SessionView(DashboardView):
    def whole(self, session_id: str, status: int = 200) -> Response:
        row = get_or_404(visible_sessions(self.viewer), pk=_uuid(session_id))
        return self.one(answers.session_detail(row), status)


class CheckoutSessionsView(_SessionView):
    idempotent = ("POST",)

    def prepare(self) -> None:
        """A name is looked up, which may take its time."""
        url = NewSession.read(self.body).get("callback_url", "")
        if url and len(url) <= LONGEST_URL:
            check_callback(url)

    @docs.call(
        "create_session", "Create a checkout session", "Checkout", answers.SessionDetailBody, status=201,
        body=NewSession, idempotent=True, refusals=(409,),
        example={
            "amount": 100, "currency": "USDT", "network": "BSC", "reference": "ORDER-12345",
            "customer_email": "customer@example.com", "customer_name": "John Doe", "description": "Product purchase",
            "metadata": {"order_id": "12345"}, "expires_in": 900,
        },
    )
    def post(self, request: Request) -> Response:
        """Send your customer to `payment_url`, or show `deposit_address` yourself. `reference` is yours, and is used
        once. 503 while the network takes no payments.
        """
        sent = NewSession.read(self.body)
        session = create_session(
            actor=self.me.actor, merchant=self.me.merchant, mode=self.me.mode,
            amount=Money(sent["amount"], sent["currency"]), network=sent["network"], reference=sent["reference"],
            callback_checked=True, **{name: sent[name] for name in _OPTIONAL if name in sent},
        )
        return self.whole(str(session.pk), 201)


class CheckoutSessionView(_SessionView):
    @docs.call("get_checkout_session", "Get a checkout session", "Checkout", answers.SessionDetailBody, refusals=(404,))
    def get(self, request: Request, session_id: str) -> Response:
        return self.whole(session_id)


class SessionsView(DashboardView):
    @docs.listing(
        "list_sessions", "List sessions", "Sessions", "sessions", answers.SessionBody, answers.SessionsSummary,
        SessionFilters,
    )
    def get(self, request: Request) -> Response:
        """Newest first unless you say otherwise; `search` looks into the reference and the customer's e-mail, and at
        the beginning of the session's id.
        """
        rows = SessionFilters.narrow(self.query, visible_sessions(self.viewer))
        return self.listed("sessions", rows, _shown, _summary, self._kept())

    def _kept(self) -> Kept | None:
        choice = SessionFilters.choice(self.query)
        return None if choice is None else Kept(
            lambda: _said(counted_sessions(self.viewer, choice)), partial(place_of_sessions, self.viewer, choice),
            choice.is_narrow,
        )


class SessionView(_SessionView):
    @docs.call("get_session", "Get a session", "Sessions", answers.SessionDetailBody, refusals=(404,))
    def get(self, request: Request, session_id: str) -> Response:
        return self.whole(session_id)


def _shown(rows: Sequence[Session]) -> list[Any]:
    return [answers.session(row) for row in rows]


def _summary(rows: QuerySet[Session]) -> tuple[int, dict[str, Any]]:
    return _said(count_by_status(rows))


def _said(found: dict[str, int]) -> tuple[int, dict[str, Any]]:
    total = sum(found.values())
    return total, {
        "total_sessions": total,
        "total_paid": found["paid"],
        "total_pending": found["pending"],
        "total_failed": found["failed"],
        "total_expired": found["expired"],
    }


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound() from error
