"""Who may decide about a merchant's money: operators, within their team, never about a record of their own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.actors import Actor, team_merchants
from accounts.models import AccountStatus, AuditRecord, Role, User
from gateway.lib.errors import NotAllowed, NotFound

# An installation with one super_admin must not be left with a payment or refund that nobody can decide.
MAY_DECIDE_OWN: tuple[str, ...] = (Role.SUPER_ADMIN,)


class OwnRecord(NotAllowed):
    message = "Nobody decides about a record they created themselves."


# So long the others have to notice an account that one of them made.
_NEW_FOR = timedelta(days=1)


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


def others_who_may_decide(record: MerchantRecord) -> bool:
    """Whether there is an active operator in reach of the record's merchant who did not make the record."""
    parents = User.objects.filter(merchant=record.merchant_id, role=Role.MERCHANT).values("parent_id")
    reach = Q(role=Role.SUPER_ADMIN) | Q(role=Role.ADMIN, pk__in=parents)
    found = User.objects.filter(reach, status=AccountStatus.ACTIVE).values_list("pk", flat=True)
    return any(pk != record.created_by_id for pk in found)


def is_own(user: User, record: MerchantRecord, own: tuple[str, ...] = ()) -> bool:
    """Whether the user made the record, and so may not decide about it; a role of `own` may all the same."""
    return record.created_by_id == user.pk and user.role not in own


def check_second_person(proposed_by: User, user: User) -> None:
    """One who confirms what `proposed_by` alone may not do. Raises `OwnRecord` for themselves, and for an account that
    they made, or gave its role, in the last day, or that such an account did."""
    if user.pk == proposed_by.pk:
        raise OwnRecord("Whoever proposed it does not confirm it: another person does.")
    since, seen, latest = timezone.now() - _NEW_FOR, {user.pk}, {user.public_id}
    while latest:
        makers = User.objects.filter(pk__in=_made(latest, since).values("actor")).exclude(pk__in=seen)
        found = dict(makers.values_list("pk", "public_id"))
        if proposed_by.pk in found:
            raise OwnRecord("Whoever proposed it made this account within the last day: somebody else confirms it.")
        seen, latest = seen | found.keys(), set(found.values())


def _made(public_ids: set[str], since: datetime) -> QuerySet[AuditRecord]:
    given = Q(action="user.created") | Q(action="user.updated", data__changed__has_key="role")
    return AuditRecord.objects.filter(given, target__in=public_ids, created_at__gte=since, actor__isnull=False)
