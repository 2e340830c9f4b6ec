"""Who acts, and for whom. Every service is told its `Actor`; every query its `Viewer`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models import Q, QuerySet

from accounts.models import Merchant, Role, User
from gateway.lib.compiled import Compiled, Slot
from gateway.lib.errors import NotFound


@dataclass(frozen=True, slots=True)
class Actor:
    """Written down with every change. `user` is None for the payer, a provider, and the gateway itself."""

    user: User | None
    label: str

    @classmethod
    def system(cls, label: str) -> Actor:
        return cls(None, label)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A user looking at one mode. Nothing is visible to it but through `scope`."""

    user: User
    mode: str

    @classmethod
    def of_merchant(cls, merchant: Merchant, mode: str) -> Viewer:
        """Sees what the merchant's own people see."""
        return cls(User(role=Role.MERCHANT, merchant=merchant), mode)


M = TypeVar("M", bound=models.Model)


def scope(rows: QuerySet[M], viewer: Viewer) -> QuerySet[M]:
    """The rows of a merchant-owned model (`merchant`, `mode`, maybe `created_by`) that `viewer` may see.

    The one place that scopes: an unknown role sees nothing.
    """
    rows = rows.filter(mode=viewer.mode)
    user = viewer.user
    if user.role == Role.SUPER_ADMIN:
        return rows
    if user.role == Role.ADMIN:
        return rows.filter(merchant__in=team_merchants(user))
    if user.role == Role.MERCHANT:
        return rows.filter(merchant_id=user.merchant_id or 0)
    if user.role == Role.API_USER:
        return rows.filter(merchant_id=user.merchant_id or 0, created_by_id=user.pk or 0)
    return rows.none()


def team_merchants(user: User) -> QuerySet[Merchant]:
    """The merchants in `user`'s reach: all, the admin's team, or the own one."""
    if user.role == Role.SUPER_ADMIN:
        return Merchant.objects.all()
    if user.role == Role.ADMIN:
        return Merchant.objects.filter(users__role=Role.MERCHANT, users__parent_id=user.pk or 0).distinct()
    return Merchant.objects.filter(pk=user.merchant_id or 0)


def team_users(user: User) -> QuerySet[User]:
    """The users that `user` may see: all, the admin's team and itself, the merchant's own, or only itself."""
    if user.role == Role.SUPER_ADMIN:
        return User.objects.all()
    if user.role == Role.ADMIN:
        return User.objects.filter(Q(pk=user.pk) | Q(merchant__in=team_merchants(user)))
    if user.role == Role.MERCHANT:
        return User.objects.filter(merchant_id=user.merchant_id or 0)
    return User.objects.filter(pk=user.pk)


class Finder(Generic[M]):
    """Finds one row that a viewer may see, by its public id: `visible` says which, and is compiled once per role."""

    def __init__(self, visible: Callable[[Viewer], QuerySet[M]]) -> None:
        self._queries = {role: Compiled(partial(self._query, visible, role)) for role in Role.values}

    def find(self, viewer: Viewer, public_id: str) -> M:
        """Raises `NotFound`."""
        user = viewer.user
        query = self._queries.get(user.role)
        values = {"mode": viewer.mode, "user": user.pk or 0, "merchant": user.merchant_id or 0, "public_id": public_id}
        row = query.first(**values) if query else None
        if row is None:
            raise NotFound()
        return row

    @staticmethod
    def _query(visible: Callable[[Viewer], QuerySet[M]], role: str) -> QuerySet[M]:
        anybody: Any = {"pk": Slot("user"), "merchant_id": Slot("merchant")}
        mode: Any = Slot("mode")
        return visible(Viewer(User(role=role, **anybody), mode)).filter(public_id=Slot("public_id")).order_by()


def get_or_404(rows: QuerySet[M], **lookup: Any) -> M:
    """The one matching row of an already scoped query; `NotFound` otherwise."""
    row = rows.filter(**lookup).first()
    if row is None:
        raise NotFound()
    return row
