"""What every page of the panel knows: the mode, who is signed in, the navigation. Other pages know nothing of it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest

from accounts.models import Role, User
from gateway.panel.access import mode_of
from gateway.panel.navigation import Group, navigation
from gateway.panel.queue.reading import badges, counts_of


class Panel:
    """Read by templates. What is counted for the navigation is counted when a page shows it: a part of a page, asked
    for every few seconds, counts nothing."""

    def __init__(self, request: HttpRequest, user: User) -> None:
        self._request, self._user = request, user
        self.mode = mode_of(request)
        self.initials = _initials(user.name)

    @property
    def owner(self) -> str:
        if self._user.merchant is not None:
            return self._user.merchant.name
        return "All merchants" if self._user.role == Role.SUPER_ADMIN else "My team"

    @cached_property
    def navigation(self) -> list[Group]:
        return navigation(self._request, self._user.role, badges(counts_of(self._request)))


def panel(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    match = request.resolver_match
    if not isinstance(user, User) or match is None or match.app_name != "panel":
        return {}
    return {"panel": Panel(request, user)}


def _initials(name: str) -> str:
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
