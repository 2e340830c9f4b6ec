"""Loads the panel's user with its merchant, so that a suspended business is noticed without another query."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts.models import User


class PanelBackend(BaseBackend):
    """Sessions only: `accounts.sign_in` checks the password, Django remembers who signed in."""

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("merchant").filter(pk=user_id).first()
        return user if user is not None and user.is_active else None
