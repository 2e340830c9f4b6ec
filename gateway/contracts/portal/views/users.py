"""`/users`: the hierarchy's own calls. Who may do what to whom is decided in `accounts`."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import get_or_404, team_users
from accounts.models import Role, User
from accounts.services import activate_user, update_user
from gateway.contracts.portal import answers, docs
from gateway.contracts.portal.base import OPERATORS, PortalView
from gateway.contracts.portal.filters import UserFilters
from gateway.contracts.portal.serializers import NewUser, UserChanges
from gateway.contracts.portal.words import ROLES
from webhooks.people import create_user, suspend_user

_MANAGERS = (*OPERATORS, Role.MERCHANT)


class _TeamView(PortalView):
    def _team(self) -> QuerySet[User]:
        return team_users(self.me.user).select_related("parent", "merchant")

    def _user(self, user_id: str) -> User:
        return get_or_404(self._team(), public_id=user_id)

    def _parent(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {"parent": self._user(sent["parent_id"])} if sent.get("parent_id") else {}


class UsersView(_TeamView):
    roles = {"GET": _MANAGERS, "POST": _MANAGERS}

    @docs.listing("list_users", "List users", "Users", answers.UserBody, UserFilters)
    def get(self, request: Request) -> Response:
        rows = self._team().order_by("-created_at", "-id")
        return self.listed(UserFilters.narrow(self.query, rows), answers.user)

    @docs.call(
        "create_user", "Create a user", "Users",
        answers.NewUserBody, status=201, body=NewUser, refusals=(404, 409),
    )
    def post(self, request: Request) -> Response:
        """Answers both keys this once, and invites the user by e-mail to set a password."""
        sent = NewUser.read(self.body)
        user, keys = create_user(
            actor=self.me.actor, email=sent["email"], name=sent["name"], role=ROLES[sent["role"]],
            business_name=sent.get("business_name", ""), **self._parent(sent),
        )
        body: answers.NewUserBody = {
            **answers.user(user), "api_keys": {"live": keys["live"], "test": keys["test"]}
        }
        return self.one(body, status=201)


class UserView(_TeamView):
    roles = {"GET": _MANAGERS, "PATCH": _MANAGERS}

    @docs.call("get_user", "Get a user", "Users", answers.UserBody, refusals=(404,))
    def get(self, request: Request, user_id: str) -> Response:
        return self.one(answers.user(self._user(user_id)))

    @docs.call("update_user", "Change a user", "Users", answers.UserBody, body=UserChanges, refusals=(404, 409))
    def patch(self, request: Request, user_id: str) -> Response:
        user, sent = self._user(user_id), UserChanges.read(self.body)
        role = ROLES[sent["role"]] if "role" in sent else None
        changed = update_user(
            actor=self.me.actor, user=user, name=sent.get("name"), role=role, **self._parent(sent)
        )
        return self.one(answers.user(changed))


class SuspendView(_TeamView):
    roles = {"POST": _MANAGERS}

    @docs.call("suspend_user", "Suspend a user", "Users", answers.UserBody, refusals=(404, 409))
    def post(self, request: Request, user_id: str) -> Response:
        return self.one(answers.user(suspend_user(actor=self.me.actor, user=self._user(user_id))))


class ActivateView(_TeamView):
    roles = {"POST": _MANAGERS}

    @docs.call("activate_user", "Activate a user", "Users", answers.UserBody, refusals=(404, 409))
    def post(self, request: Request, user_id: str) -> Response:
        return self.one(answers.user(activate_user(actor=self.me.actor, user=self._user(user_id))))
