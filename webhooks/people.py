"""People, told: what `accounts` does to a user, and the event of it, in one transaction.

`accounts` lies below webhooks and cannot tell anyone; whoever makes or suspends a user calls these instead.
"""

from __future__ import annotations

from django.db import transaction

from accounts import services as accounts
from accounts.actors import Actor
from accounts.models import User
from gateway.lib.modes import Mode
from webhooks.services import emit


@transaction.atomic
def create_user(
    *,
    actor: Actor,
    email: str,
    name: str,
    role: str,
    parent: User | None = None,
    business_name: str = "",
    password: str | None = None,
) -> tuple[User, dict[str, str]]:
    """`accounts.services.create_user`, and `user.created` for the user's merchant in both modes."""
    user, keys = accounts.create_user(
        actor=actor, email=email, name=name, role=role, parent=parent, business_name=business_name, password=password
    )
    _tell("user.created", user)
    return user, keys


@transaction.atomic
def suspend_user(*, actor: Actor, user: User) -> User:
    """`accounts.services.suspend_user`, and `user.suspended` for the user's merchant in both modes."""
    user = accounts.suspend_user(actor=actor, user=user)
    _tell("user.suspended", user)
    return user


def _tell(event_type: str, user: User) -> None:
    """Operators belong to no merchant, so nobody is told about them."""
    if user.merchant is not None:
        for mode in Mode.values:
            emit(event_type=event_type, merchant=user.merchant, mode=mode, subject=user, subject_id=user.public_id)
