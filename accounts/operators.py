"""Who may decide about a merchant's money: operators, within their team, never about a record of their own."""

from __future__ import annotations

from typing import Protocol

from accounts.actors import Actor, team_merchants
from accounts.models import Role, User
from gateway.lib.errors import NotAllowed, NotFound

# An installation with one super_admin must not be left with a payment or refund that nobody can decide.
MAY_DECIDE_OWN: tuple[str, ...] = (Role.SUPER_ADMIN,)


class OwnRecord(NotAllowed):
    message = "Nobody decides about a record they created themselves."


class MerchantRecord(Protocol):
    @property
    def merchant_id(self) -> int: ...
    @property
    def created_by_id(self) -> int | None: ...


def check_operator(actor: Actor, record: MerchantRecord, *, own: tuple[str, ...] = ()) -> None:
    """Raises `NotAllowed`, `NotFound` (out of the actor's reach) or `OwnRecord`, unless its role is one of `own`."""
    if is_own(acting_for(actor, record.merchant_id), record, own):
        raise OwnRecord()


def acting_for(actor: Actor, merchant_id: int, *also: str) -> User:
    """Who acts: an operator, or somebody of a role in `also`, with the merchant in reach. Raises `NotAllowed` and
    `NotFound`."""
    user = actor.user
    if user is None or not (user.is_operator or user.role in also):
        raise NotAllowed()
    if not team_merchants(user).filter(pk=merchant_id).exists():
        raise NotFound()
    return user


def super_admin(actor: Actor) -> User:
    """Who acts: a super admin. Raises `NotAllowed`."""
    user = actor.user
    if user is None or user.role != Role.SUPER_ADMIN:
        raise NotAllowed()
    return user


def is_own(user: User, record: MerchantRecord, own: tuple[str, ...] = ()) -> bool:
    """Whether the user made the record, and so may not decide about it; a role of `own` may all the same."""
    return record.created_by_id == user.pk and user.role not in own
